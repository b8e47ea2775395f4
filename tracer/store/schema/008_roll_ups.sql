-- Sums of `llm.calls`, kept up as rows come, so that a month of a busy service answers at once. They hold nothing of a user and
-- are kept longer than the calls.
--
-- Two, because each part of the key multiplies the rows: a minute's sums by what time series are drawn of, an hour's by what
-- is compared. A table's rows merge in the background, so every question sums up: `sum(calls)`, `quantilesTDigestMerge(…)`.
--
-- Exactly once: a view sees what an insert adds, and the exporter's token holds for the views' tables too
-- (deduplicate_blocks_in_dependent_materialized_views), so a batch that comes again after a crash adds what is missing and no
-- more. Late calls add to the minute that they began in. What was in `llm.calls` before is summed up when a view is made
-- (backfill.py).
CREATE TABLE IF NOT EXISTS llm.calls_by_minute
(
    -- key
    minute DateTime('UTC') COMMENT 'The minute in which the calls began' CODEC(DoubleDelta, ZSTD(1)),
    provider LowCardinality(String) COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    request_model LowCardinality(String) COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    response_model LowCardinality(String) COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    door LowCardinality(String) COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    outcome LowCardinality(String) COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    -- counts
    calls SimpleAggregateFunction(sum, UInt64) COMMENT 'Calls' CODEC(T64, ZSTD(1)),
    streams SimpleAggregateFunction(sum, UInt64) COMMENT 'Of these, streams' CODEC(T64, ZSTD(1)),
    retries SimpleAggregateFunction(sum, UInt64) COMMENT 'Of these, those that an SDK sent again (`attempt` above 0)' CODEC(T64, ZSTD(1)),
    unpriced SimpleAggregateFunction(sum, UInt64) COMMENT 'Of these, those that were answered and whose cost is unknown' CODEC(T64, ZSTD(1)),
    first_at SimpleAggregateFunction(min, DateTime64(6, 'UTC')) COMMENT 'Start of the first' CODEC(DoubleDelta, ZSTD(1)),
    last_at SimpleAggregateFunction(max, DateTime64(6, 'UTC')) COMMENT 'Start of the last' CODEC(DoubleDelta, ZSTD(1)),
    -- tokens
    uncached_input_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Sum of the column of `llm.calls`; unknown counts add nothing' CODEC(T64, ZSTD(1)),
    cache_read_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    cache_write_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    audio_input_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    image_input_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    text_output_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    reasoning_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    audio_output_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    input_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    output_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    -- money
    cost_usd SimpleAggregateFunction(sum, Nullable(Decimal(38, 12))) COMMENT 'What is known of the cost; NULL if nothing is' CODEC(ZSTD(1)),
    input_cost_usd SimpleAggregateFunction(sum, Nullable(Decimal(38, 12))) COMMENT 'Part of it for input' CODEC(ZSTD(1)),
    output_cost_usd SimpleAggregateFunction(sum, Nullable(Decimal(38, 12))) COMMENT 'Part of it for output' CODEC(ZSTD(1)),
    saved_usd SimpleAggregateFunction(sum, Nullable(Decimal(38, 12))) COMMENT 'What Tracer''s cache saved' CODEC(ZSTD(1)),
    wasted_usd SimpleAggregateFunction(sum, Nullable(Decimal(38, 12))) COMMENT 'What was paid for answers that nobody received whole: `wasted_usd` of the call, else its cost if it ended as `client_gone`, `stream_error` or `timeout`' CODEC(ZSTD(1)),
    -- time
    total_ms SimpleAggregateFunction(sum, Float64) COMMENT 'Sum of `duration_ms`; by `calls` it is the mean' CODEC(ZSTD(1)),
    itl_max_ms SimpleAggregateFunction(max, Nullable(Float64)) COMMENT 'Longest gap between two tokens' CODEC(ZSTD(1)),
    duration_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float64) COMMENT 'Digest: `quantilesTDigestMerge(0.5, 0.95, 0.99)(duration_ms)`' CODEC(ZSTD(1)),
    ttfb_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Digest' CODEC(ZSTD(1)),
    ttft_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Digest' CODEC(ZSTD(1)),
    proxy_us AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Int64)) COMMENT 'Digest of the time that Tracer itself added' CODEC(ZSTD(1)),
    itl_digest AggregateFunction(sumForEach, Array(UInt32)) COMMENT 'Counts of all gaps between tokens in the buckets of `itl_digest` in `llm.calls`: `sumForEachMerge(itl_digest)`' CODEC(ZSTD(1)),
    -- size
    request_bytes SimpleAggregateFunction(sum, UInt64) COMMENT 'Request bodies on the wire' CODEC(T64, ZSTD(1)),
    response_bytes SimpleAggregateFunction(sum, UInt64) COMMENT 'Response bodies on the wire' CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, provider, request_model, response_model, door, outcome)
TTL toDateTime(minute) + INTERVAL $rollup_retention_days DAY
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Sums of the calls by minute; several rows of one key may wait to be merged, so sum them up';

CREATE MATERIALIZED VIEW IF NOT EXISTS llm.into_calls_by_minute TO llm.calls_by_minute AS
SELECT
    toStartOfMinute(toDateTime(made.started_at, 'UTC')) AS minute,
    made.provider AS provider,
    made.request_model AS request_model,
    made.response_model AS response_model,
    made.door AS door,
    made.outcome AS outcome,
    count() AS calls,
    countIf(made.stream) AS streams,
    countIf(made.attempt > 0) AS retries,
    countIf(made.cost_usd IS NULL AND made.operation != '' AND made.outcome IN ('ok', 'stream_error', 'client_gone')) AS unpriced,
    min(made.started_at) AS first_at,
    max(made.started_at) AS last_at,
    sum(ifNull(made.uncached_input_tokens, 0)) AS uncached_input_tokens,
    sum(ifNull(made.cache_read_tokens, 0)) AS cache_read_tokens,
    sum(ifNull(made.cache_write_tokens, 0)) AS cache_write_tokens,
    sum(ifNull(made.audio_input_tokens, 0)) AS audio_input_tokens,
    sum(ifNull(made.image_input_tokens, 0)) AS image_input_tokens,
    sum(ifNull(made.text_output_tokens, 0)) AS text_output_tokens,
    sum(ifNull(made.reasoning_tokens, 0)) AS reasoning_tokens,
    sum(ifNull(made.audio_output_tokens, 0)) AS audio_output_tokens,
    sum(ifNull(made.input_tokens, 0)) AS input_tokens,
    sum(ifNull(made.output_tokens, 0)) AS output_tokens,
    sum(made.cost_usd) AS cost_usd,
    sum(made.input_cost_usd) AS input_cost_usd,
    sum(made.output_cost_usd) AS output_cost_usd,
    sum(made.saved_usd) AS saved_usd,
    sum(coalesce(made.wasted_usd, if(made.outcome IN ('client_gone', 'stream_error', 'timeout'), made.cost_usd, NULL))) AS wasted_usd,
    sum(made.duration_ms) AS total_ms,
    max(made.itl_max_ms) AS itl_max_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(made.duration_ms) AS duration_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(made.ttfb_ms) AS ttfb_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(made.ttft_ms) AS ttft_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(made.proxy_us) AS proxy_us,
    sumForEachState(made.itl_digest) AS itl_digest,
    sum(made.request_bytes) AS request_bytes,
    sum(made.response_bytes) AS response_bytes
FROM llm.calls AS made
GROUP BY minute, provider, request_model, response_model, door, outcome;

CREATE TABLE IF NOT EXISTS llm.calls_by_hour
(
    -- key
    hour DateTime('UTC') COMMENT 'The hour in which the calls began' CODEC(DoubleDelta, ZSTD(1)),
    provider LowCardinality(String) COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    request_model LowCardinality(String) COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    response_model LowCardinality(String) COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    door LowCardinality(String) COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    outcome LowCardinality(String) COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    key_id LowCardinality(String) COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    prompt_id String COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    prompt_version LowCardinality(String) COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    system_fingerprint LowCardinality(String) COMMENT 'As in `llm.calls`' CODEC(ZSTD(1)),
    -- counts
    calls SimpleAggregateFunction(sum, UInt64) COMMENT 'Calls' CODEC(T64, ZSTD(1)),
    streams SimpleAggregateFunction(sum, UInt64) COMMENT 'Of these, streams' CODEC(T64, ZSTD(1)),
    retries SimpleAggregateFunction(sum, UInt64) COMMENT 'Of these, those that an SDK sent again (`attempt` above 0)' CODEC(T64, ZSTD(1)),
    unpriced SimpleAggregateFunction(sum, UInt64) COMMENT 'Of these, those that were answered and whose cost is unknown' CODEC(T64, ZSTD(1)),
    first_at SimpleAggregateFunction(min, DateTime64(6, 'UTC')) COMMENT 'Start of the first' CODEC(DoubleDelta, ZSTD(1)),
    last_at SimpleAggregateFunction(max, DateTime64(6, 'UTC')) COMMENT 'Start of the last' CODEC(DoubleDelta, ZSTD(1)),
    -- tokens
    uncached_input_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Sum of the column of `llm.calls`; unknown counts add nothing' CODEC(T64, ZSTD(1)),
    cache_read_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    cache_write_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    audio_input_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    image_input_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    text_output_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    reasoning_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    audio_output_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    input_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    output_tokens SimpleAggregateFunction(sum, Int64) COMMENT 'Likewise' CODEC(T64, ZSTD(1)),
    -- money
    cost_usd SimpleAggregateFunction(sum, Nullable(Decimal(38, 12))) COMMENT 'What is known of the cost; NULL if nothing is' CODEC(ZSTD(1)),
    input_cost_usd SimpleAggregateFunction(sum, Nullable(Decimal(38, 12))) COMMENT 'Part of it for input' CODEC(ZSTD(1)),
    output_cost_usd SimpleAggregateFunction(sum, Nullable(Decimal(38, 12))) COMMENT 'Part of it for output' CODEC(ZSTD(1)),
    saved_usd SimpleAggregateFunction(sum, Nullable(Decimal(38, 12))) COMMENT 'What Tracer''s cache saved' CODEC(ZSTD(1)),
    wasted_usd SimpleAggregateFunction(sum, Nullable(Decimal(38, 12))) COMMENT 'What was paid for answers that nobody received whole: `wasted_usd` of the call, else its cost if it ended as `client_gone`, `stream_error` or `timeout`' CODEC(ZSTD(1)),
    -- time
    total_ms SimpleAggregateFunction(sum, Float64) COMMENT 'Sum of `duration_ms`; by `calls` it is the mean' CODEC(ZSTD(1)),
    itl_max_ms SimpleAggregateFunction(max, Nullable(Float64)) COMMENT 'Longest gap between two tokens' CODEC(ZSTD(1)),
    duration_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float64) COMMENT 'Digest: `quantilesTDigestMerge(0.5, 0.95, 0.99)(duration_ms)`' CODEC(ZSTD(1)),
    ttfb_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Digest' CODEC(ZSTD(1)),
    ttft_ms AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Float64)) COMMENT 'Digest' CODEC(ZSTD(1)),
    proxy_us AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Nullable(Int64)) COMMENT 'Digest of the time that Tracer itself added' CODEC(ZSTD(1)),
    itl_digest AggregateFunction(sumForEach, Array(UInt32)) COMMENT 'Counts of all gaps between tokens in the buckets of `itl_digest` in `llm.calls`: `sumForEachMerge(itl_digest)`' CODEC(ZSTD(1)),
    -- size
    request_bytes SimpleAggregateFunction(sum, UInt64) COMMENT 'Request bodies on the wire' CODEC(T64, ZSTD(1)),
    response_bytes SimpleAggregateFunction(sum, UInt64) COMMENT 'Response bodies on the wire' CODEC(T64, ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (hour, provider, request_model, response_model, door, outcome, key_id, prompt_id, prompt_version, system_fingerprint)
TTL toDateTime(hour) + INTERVAL $rollup_retention_days DAY
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Sums of the calls by hour, with a longer key than `llm.calls_by_minute`';

CREATE MATERIALIZED VIEW IF NOT EXISTS llm.into_calls_by_hour TO llm.calls_by_hour AS
SELECT
    toStartOfHour(toDateTime(made.started_at, 'UTC')) AS hour,
    made.provider AS provider,
    made.request_model AS request_model,
    made.response_model AS response_model,
    made.door AS door,
    made.outcome AS outcome,
    made.key_id AS key_id,
    made.prompt_id AS prompt_id,
    made.prompt_version AS prompt_version,
    made.system_fingerprint AS system_fingerprint,
    count() AS calls,
    countIf(made.stream) AS streams,
    countIf(made.attempt > 0) AS retries,
    countIf(made.cost_usd IS NULL AND made.operation != '' AND made.outcome IN ('ok', 'stream_error', 'client_gone')) AS unpriced,
    min(made.started_at) AS first_at,
    max(made.started_at) AS last_at,
    sum(ifNull(made.uncached_input_tokens, 0)) AS uncached_input_tokens,
    sum(ifNull(made.cache_read_tokens, 0)) AS cache_read_tokens,
    sum(ifNull(made.cache_write_tokens, 0)) AS cache_write_tokens,
    sum(ifNull(made.audio_input_tokens, 0)) AS audio_input_tokens,
    sum(ifNull(made.image_input_tokens, 0)) AS image_input_tokens,
    sum(ifNull(made.text_output_tokens, 0)) AS text_output_tokens,
    sum(ifNull(made.reasoning_tokens, 0)) AS reasoning_tokens,
    sum(ifNull(made.audio_output_tokens, 0)) AS audio_output_tokens,
    sum(ifNull(made.input_tokens, 0)) AS input_tokens,
    sum(ifNull(made.output_tokens, 0)) AS output_tokens,
    sum(made.cost_usd) AS cost_usd,
    sum(made.input_cost_usd) AS input_cost_usd,
    sum(made.output_cost_usd) AS output_cost_usd,
    sum(made.saved_usd) AS saved_usd,
    sum(coalesce(made.wasted_usd, if(made.outcome IN ('client_gone', 'stream_error', 'timeout'), made.cost_usd, NULL))) AS wasted_usd,
    sum(made.duration_ms) AS total_ms,
    max(made.itl_max_ms) AS itl_max_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(made.duration_ms) AS duration_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(made.ttfb_ms) AS ttfb_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(made.ttft_ms) AS ttft_ms,
    quantilesTDigestState(0.5, 0.95, 0.99)(made.proxy_us) AS proxy_us,
    sumForEachState(made.itl_digest) AS itl_digest,
    sum(made.request_bytes) AS request_bytes,
    sum(made.response_bytes) AS response_bytes
FROM llm.calls AS made
GROUP BY hour, provider, request_model, response_model, door, outcome, key_id, prompt_id, prompt_version, system_fingerprint;
