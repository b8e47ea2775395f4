-- An application's own spans. A span comes when it starts and again when it ends: the ended one counts, else the later one.
--
-- Key: only rows with the same one merge, and nobody promises to send the very same start twice, so it holds the start's day and
-- no more. The day must be in it: FINAL uses only the key to leave out parts, and every board filters by time. (A span that comes
-- again with a start on another UTC day is another row, as at Scale.) The workspace is in it so that none overwrites another's.
CREATE TABLE IF NOT EXISTS llm.spans
(
    trace_id String COMMENT 'Trace id as the application sent it' CODEC(ZSTD(1)),
    span_id String COMMENT 'Span id as sent, or generated' CODEC(ZSTD(1)),
    parent_span_id String COMMENT 'Parent span id as sent; empty for a root. It may name a call' CODEC(ZSTD(1)),
    otel_trace_id String COMMENT 'Trace id in OpenTelemetry''s form: 32 hex digits, derived as in `llm.calls`' CODEC(ZSTD(1)),
    otel_span_id String COMMENT 'Span id in OpenTelemetry''s form: 16 hex digits' CODEC(ZSTD(1)),
    otel_parent_span_id String COMMENT 'Parent span id in OpenTelemetry''s form; empty for a root' CODEC(ZSTD(1)),
    obs_trace_id String COMMENT 'W3C id of the trace in which it ran, if the application has one' CODEC(ZSTD(1)),
    obs_span_id String COMMENT 'W3C id of the span in which it ran' CODEC(ZSTD(1)),
    group_id String COMMENT 'What groups several traces' CODEC(ZSTD(1)),
    name LowCardinality(String) COMMENT 'Name' CODEC(ZSTD(1)),
    type LowCardinality(String) COMMENT '`TRACER`, `STANDALONE`, `COMPLETION`, …' CODEC(ZSTD(1)),
    status LowCardinality(String) COMMENT '`SUCCESS`, `ERROR`, `CANCELED`; empty if not given' CODEC(ZSTD(1)),
    started_at DateTime64(6, 'UTC') COMMENT 'When it started' CODEC(DoubleDelta, ZSTD(1)),
    ended_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When it ended; NULL: it has not, or nobody said so' CODEC(ZSTD(1)),
    duration_ms Nullable(Float64) COMMENT 'Between the two' CODEC(ZSTD(1)),
    metadata String COMMENT 'The application''s own object, JSON; of a failed span, `error_type` and `error_message`' CODEC(ZSTD(3)),
    application_variant_id String COMMENT 'As sent' CODEC(ZSTD(1)),
    application_interaction_id String COMMENT 'As sent' CODEC(ZSTD(1)),
    account String COMMENT 'Account that the request named' CODEC(ZSTD(1)),
    tags Map(LowCardinality(String), String) COMMENT 'Tags of the key that it came with' CODEC(ZSTD(1)),
    key_id LowCardinality(String) COMMENT 'Public id of the Tracer key that the caller used' CODEC(ZSTD(1)),
    workspace LowCardinality(String) COMMENT 'Workspace of that key' CODEC(ZSTD(1)),
    received_at DateTime64(6, 'UTC') COMMENT 'When this version of it came' CODEC(DoubleDelta, ZSTD(1)),
    version UInt64 COMMENT 'The row with the highest one counts; `FINAL` shows only those' CODEC(ZSTD(1)),

    INDEX by_span_id span_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_otel_trace_id otel_trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_obs_trace_id obs_trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_group_id group_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toDate(started_at)
ORDER BY (toDate(started_at), trace_id, span_id, workspace)
TTL toDateTime(started_at) + INTERVAL $retention_days DAY
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'An application''s own spans; read it with `FINAL`, which leaves one row of each';

-- What the spans hold, beside them as bodies are beside calls: wide, and kept for a shorter time.
CREATE TABLE IF NOT EXISTS llm.span_bodies
(
    trace_id String COMMENT 'As in `llm.spans`' CODEC(ZSTD(1)),
    span_id String COMMENT 'As in `llm.spans`' CODEC(ZSTD(1)),
    workspace LowCardinality(String) COMMENT 'As in `llm.spans`' CODEC(ZSTD(1)),
    started_at DateTime64(6, 'UTC') COMMENT 'As in `llm.spans`' CODEC(DoubleDelta, ZSTD(1)),
    input String COMMENT 'JSON object; empty if none was given' CODEC(ZSTD(3)),
    output String COMMENT 'JSON object; empty if none was given' CODEC(ZSTD(3)),
    expected String COMMENT 'JSON object; empty if none was given' CODEC(ZSTD(3)),
    version UInt64 COMMENT 'As in `llm.spans`' CODEC(ZSTD(1)),

    INDEX by_span_id span_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toDate(started_at)
ORDER BY (toDate(started_at), trace_id, span_id, workspace)
TTL toDateTime(started_at) + INTERVAL $bodies_retention_days DAY
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Input and output of the spans in `llm.spans`; read it with `FINAL`';
