-- What people thought of a trace. Updating one adds a row under the same id; the highest version counts.
--
-- Every version carries the first one's time, so all of them are in one partition and merge there; it is in the key because FINAL
-- uses only the key to leave out parts.
CREATE TABLE IF NOT EXISTS llm.feedback
(
    feedback_id UUID COMMENT 'UUIDv7, made when it was first given' CODEC(ZSTD(1)),
    created_at DateTime64(6, 'UTC') COMMENT 'When it was first given' CODEC(DoubleDelta, ZSTD(1)),
    updated_at DateTime64(6, 'UTC') COMMENT 'When this version was given' CODEC(DoubleDelta, ZSTD(1)),
    trace_id String COMMENT 'The trace that it is about, as sent; there may be no call with it' CODEC(ZSTD(1)),
    otel_trace_id String COMMENT 'The same in OpenTelemetry''s form' CODEC(ZSTD(1)),
    value Float64 COMMENT 'From -10 to 10' CODEC(ZSTD(1)),
    weight Float64 COMMENT 'From 0 to 1' CODEC(ZSTD(1)),
    metadata Map(LowCardinality(String), String) COMMENT 'The caller''s own tags, and those of its key' CODEC(ZSTD(1)),
    key_id LowCardinality(String) COMMENT 'Public id of the Tracer key that the caller used' CODEC(ZSTD(1)),
    workspace LowCardinality(String) COMMENT 'Workspace of that key' CODEC(ZSTD(1)),
    version UInt64 COMMENT 'The row with the highest one counts; `FINAL` shows only those' CODEC(ZSTD(1)),

    INDEX by_feedback_id feedback_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_trace_id trace_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX by_otel_trace_id otel_trace_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toDate(created_at)
ORDER BY (toDate(created_at), feedback_id)
TTL toDateTime(created_at) + INTERVAL $retention_days DAY
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Feedback by trace id; read it with `FINAL`, which leaves the newest version of each';

-- A row for each pair of a feedback and a call of its trace: to sum up feedback, count each feedback_id once.
CREATE OR REPLACE VIEW llm.call_feedback AS
SELECT
    given.feedback_id AS feedback_id,
    given.created_at AS created_at,
    given.updated_at AS updated_at,
    given.trace_id AS trace_id,
    given.value AS value,
    given.weight AS weight,
    given.value * given.weight AS weighted_value,
    given.metadata AS feedback_metadata,
    made.call_id AS call_id,
    made.started_at AS started_at,
    made.user AS user,
    made.session_id AS session_id,
    made.metadata AS call_metadata,
    made.provider AS provider,
    made.request_model AS request_model,
    made.response_model AS response_model,
    made.prompt_id AS prompt_id,
    made.prompt_version AS prompt_version,
    made.key_id AS key_id,
    made.outcome AS outcome,
    made.cost_usd AS cost_usd
FROM llm.calls AS made
GLOBAL INNER JOIN
(
    SELECT feedback_id, created_at, updated_at, trace_id, otel_trace_id, value, weight, metadata
    FROM llm.feedback FINAL
) AS given
    ON made.otel_trace_id = given.otel_trace_id;
