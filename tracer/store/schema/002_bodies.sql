-- What was said, beside the numbers: wide, compressed harder, kept for a shorter time.
CREATE TABLE IF NOT EXISTS llm.bodies
(
    call_id UUID COMMENT 'The call''s row in `llm.calls`' CODEC(ZSTD(1)),
    started_at DateTime64(6, 'UTC') COMMENT 'The same as in `llm.calls`; filter by it too, and only a few granules are read' CODEC(DoubleDelta, ZSTD(1)),
    request_headers Map(LowCardinality(String), String) COMMENT 'Redacted' CODEC(ZSTD(3)),
    request_body String COMMENT 'As sent, bounded; media replaced by hash, type and size' CODEC(ZSTD(3)),
    response_headers Map(LowCardinality(String), String) COMMENT 'Redacted' CODEC(ZSTD(3)),
    response_body String COMMENT 'As received, bounded; of a stream, its events' CODEC(ZSTD(3)),
    assembled String COMMENT 'Of a stream: the JSON that the same call without streaming would have given' CODEC(ZSTD(3)),

    INDEX by_call_id call_id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(started_at)
ORDER BY (started_at, call_id)
TTL toDateTime(started_at) + INTERVAL $bodies_retention_days DAY
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Request and response content by call_id';
