-- One row per accepted request, written once, complete, never updated.
--
-- Key: the start and the id are all that can never be corrected later (a model or a user in the key would make a second row
-- of a correction), and time is what every board filters by. Lookups by id go through bloom filters: one trace is found
-- by reading a few granules of 8192 rows each. Counts are Int64 so that differences of two of them cannot wrap around.
--
-- The spool forgets a call once it is acknowledged here, so the acknowledgement must outlast a power cut: fsync, of inserts and of
-- merges (which replace what was synced). It adds some 6 ms to an insert, of which there are two a second.
CREATE TABLE IF NOT EXISTS llm.calls
(
    -- identity
    call_id UUID COMMENT 'UUIDv7, made when the request was accepted; also in the response header `x-tracer-call-id`' CODEC(ZSTD(1)),
    started_at DateTime64(6, 'UTC') COMMENT 'When the request was accepted' CODEC(DoubleDelta, ZSTD(1)),
    trace_id String COMMENT 'Trace id as the caller sent it, or generated' CODEC(ZSTD(1)),
    span_id String COMMENT 'Span id as the caller sent it, or generated; several calls may share one' CODEC(ZSTD(1)),
    parent_span_id String COMMENT 'Parent span id as sent; empty for a root' CODEC(ZSTD(1)),
    span_name LowCardinality(String) COMMENT 'Span name as sent; `llm` if none was' CODEC(ZSTD(1)),
    otel_trace_id String COMMENT 'Trace id in OpenTelemetry''s form: 32 hex digits, derived from `trace_id`' CODEC(ZSTD(1)),
    otel_span_id String COMMENT 'Span id in OpenTelemetry''s form: 16 hex digits' CODEC(ZSTD(1)),
    otel_parent_span_id String COMMENT 'Parent span id in OpenTelemetry''s form; empty for a root' CODEC(ZSTD(1)),
    attempt Int64 COMMENT 'The SDK''s retry count; 0 is the first try' CODEC(T64, ZSTD(1)),
    user String COMMENT 'End user: metadata `_user`, else the body''s `user`' CODEC(ZSTD(1)),
    session_id String COMMENT 'Conversation or session, if the caller named one' CODEC(ZSTD(1)),
    metadata Map(LowCardinality(String), String) COMMENT 'The caller''s own tags' CODEC(ZSTD(1)),
    -- what
    door LowCardinality(String) COMMENT 'Front door that took the request: `openai`, …' CODEC(ZSTD(1)),
    operation LowCardinality(String) COMMENT 'GenAI operation: `chat`, `text_completion`, `embeddings`, …; empty if none applies' CODEC(ZSTD(1)),
    endpoint LowCardinality(String) COMMENT 'Path of the request at Tracer' CODEC(ZSTD(1)),
    method LowCardinality(String) COMMENT 'HTTP method' CODEC(ZSTD(1)),
    provider LowCardinality(String) COMMENT 'Provider''s slug: `openai`, `groq`, …' CODEC(ZSTD(1)),
    upstream LowCardinality(String) COMMENT 'Host that was asked' CODEC(ZSTD(1)),
    request_model LowCardinality(String) COMMENT 'Model that was asked for' CODEC(ZSTD(1)),
    response_model LowCardinality(String) COMMENT 'Model that answered' CODEC(ZSTD(1)),
    response_id String COMMENT 'The provider''s id of the answer' CODEC(ZSTD(1)),
    system_fingerprint LowCardinality(String) COMMENT 'The provider''s mark of the configuration that answered' CODEC(ZSTD(1)),
    service_tier LowCardinality(String) COMMENT 'Service tier that was used' CODEC(ZSTD(1)),
    stream Bool COMMENT 'Whether a stream was asked for' CODEC(ZSTD(1)),
    temperature Nullable(Float64) COMMENT 'Request parameter' CODEC(ZSTD(1)),
    top_p Nullable(Float64) COMMENT 'Request parameter' CODEC(ZSTD(1)),
    max_tokens Nullable(Int64) COMMENT 'Request parameter, under any of its names' CODEC(T64, ZSTD(1)),
    seed Nullable(Int64) COMMENT 'Request parameter' CODEC(ZSTD(1)),
    n Nullable(Int64) COMMENT 'Request parameter: number of choices' CODEC(T64, ZSTD(1)),
    tools Array(LowCardinality(String)) COMMENT 'Names of the tools that were offered' CODEC(ZSTD(1)),
    prompt_id String COMMENT 'Prompt template that the request was made from' CODEC(ZSTD(1)),
    prompt_version LowCardinality(String) COMMENT 'Version of that template' CODEC(ZSTD(1)),
    cache_status LowCardinality(String) COMMENT '`DISABLED`, `MISS`, `HIT`, `REFRESH`' CODEC(ZSTD(1)),
    request_hash String COMMENT 'Hash of the request''s meaning: equal for repeats' CODEC(ZSTD(1)),
    client LowCardinality(String) COMMENT 'SDK and version: `OpenAI/Python 3.54.0`' CODEC(ZSTD(1)),
    key_hash LowCardinality(String) COMMENT 'Hash of the caller''s provider key: 16 hex digits' CODEC(ZSTD(1)),
    -- end
    outcome LowCardinality(String) COMMENT 'How it ended: `ok`, `upstream_error`, `stream_error`, `client_gone`, `timeout`, `refused`, `cache_hit`, `proxy_crash`' CODEC(ZSTD(1)),
    status_code UInt16 COMMENT 'HTTP status that the client got; 0 if it left before' CODEC(T64, ZSTD(1)),
    error_type LowCardinality(String) COMMENT 'The provider''s error type or code, or Tracer''s' CODEC(ZSTD(1)),
    error_message String COMMENT 'The error in words' CODEC(ZSTD(3)),
    finish_reasons Array(LowCardinality(String)) COMMENT 'Why each choice ended, in their order' CODEC(ZSTD(1)),
    -- tokens
    uncached_input_tokens Nullable(Int64) COMMENT 'Text input that was in no cache. The buckets exclude one another and add up to what was billed; NULL: not said' CODEC(T64, ZSTD(1)),
    cache_read_tokens Nullable(Int64) COMMENT 'Input read from the provider''s prompt cache' CODEC(T64, ZSTD(1)),
    cache_write_tokens Nullable(Int64) COMMENT 'Input written to the provider''s prompt cache' CODEC(T64, ZSTD(1)),
    audio_input_tokens Nullable(Int64) COMMENT 'Audio input' CODEC(T64, ZSTD(1)),
    image_input_tokens Nullable(Int64) COMMENT 'Image input' CODEC(T64, ZSTD(1)),
    text_output_tokens Nullable(Int64) COMMENT 'Visible output' CODEC(T64, ZSTD(1)),
    reasoning_tokens Nullable(Int64) COMMENT 'Hidden output' CODEC(T64, ZSTD(1)),
    audio_output_tokens Nullable(Int64) COMMENT 'Audio output' CODEC(T64, ZSTD(1)),
    input_tokens Nullable(Int64) COMMENT 'All input' CODEC(T64, ZSTD(1)),
    output_tokens Nullable(Int64) COMMENT 'All output' CODEC(T64, ZSTD(1)),
    total_tokens Nullable(Int64) COMMENT 'Input and output' CODEC(T64, ZSTD(1)),
    usage_source LowCardinality(String) COMMENT 'Where the counts come from: `provider`, `estimated`, `partial`, `none`' CODEC(ZSTD(1)),
    usage_raw String COMMENT 'The provider''s usage as it was sent, JSON' CODEC(ZSTD(3)),
    -- money
    cost_usd Nullable(Decimal(18, 12)) COMMENT 'What the call cost; NULL if that is unknown, never 0 for unknown' CODEC(ZSTD(1)),
    input_cost_usd Nullable(Decimal(18, 12)) COMMENT 'Part of it for input' CODEC(ZSTD(1)),
    output_cost_usd Nullable(Decimal(18, 12)) COMMENT 'Part of it for output' CODEC(ZSTD(1)),
    saved_usd Nullable(Decimal(18, 12)) COMMENT 'What the cache saved' CODEC(ZSTD(1)),
    wasted_usd Nullable(Decimal(18, 12)) COMMENT 'What was paid for an answer that nobody received' CODEC(ZSTD(1)),
    price_source LowCardinality(String) COMMENT 'Where the price comes from, or why there is none' CODEC(ZSTD(1)),
    -- time
    duration_ms Float64 COMMENT 'From acceptance to the end' CODEC(ZSTD(1)),
    upstream_connect_ms Nullable(Float64) COMMENT 'Time to open a connection; NULL if an open one was used' CODEC(ZSTD(1)),
    ttfb_ms Nullable(Float64) COMMENT 'To the first byte of the answer''s body' CODEC(ZSTD(1)),
    ttft_ms Nullable(Float64) COMMENT 'To the first content or tool token of a stream' CODEC(ZSTD(1)),
    itl_p50_ms Nullable(Float64) COMMENT 'Gap between tokens, median' CODEC(ZSTD(1)),
    itl_p95_ms Nullable(Float64) COMMENT 'Gap between tokens, 95th percentile' CODEC(ZSTD(1)),
    itl_max_ms Nullable(Float64) COMMENT 'Longest gap between tokens' CODEC(ZSTD(1)),
    itl_digest Array(UInt32) COMMENT 'Counts of the gaps in logarithmic buckets; adds up over calls' CODEC(ZSTD(1)),
    proxy_us Nullable(Int64) COMMENT 'Time that Tracer itself added, microseconds' CODEC(T64, ZSTD(1)),
    client_gone_ms Nullable(Float64) COMMENT 'When the client left; NULL if it stayed' CODEC(ZSTD(1)),
    -- size
    request_bytes UInt64 COMMENT 'Request body on the wire' CODEC(T64, ZSTD(1)),
    response_bytes UInt64 COMMENT 'Response body on the wire' CODEC(T64, ZSTD(1)),
    truncated Bool COMMENT 'Whether the kept copy of a body was cut' CODEC(ZSTD(1)),

    INDEX by_call_id call_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_trace_id trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_otel_trace_id otel_trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_response_id response_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_session_id session_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_user user TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_metadata_key mapKeys(metadata) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_metadata_value mapValues(metadata) TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(started_at)
ORDER BY (started_at, call_id)
TTL toDateTime(started_at) + INTERVAL $retention_days DAY
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'One row per request that Tracer accepted';
