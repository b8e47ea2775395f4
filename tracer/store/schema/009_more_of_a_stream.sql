-- What prices need beside the buckets, what is odd about a provider's figures, and when each piece of a stream came.
ALTER TABLE llm.calls
    ADD COLUMN IF NOT EXISTS cached_audio_tokens Nullable(Int64) COMMENT 'Of cache_read_tokens, those of audio; NULL if the provider does not tell' CODEC(T64, ZSTD(1)) AFTER audio_output_tokens,
    ADD COLUMN IF NOT EXISTS cache_write_1h_tokens Nullable(Int64) COMMENT 'Of cache_write_tokens, those written for an hour, which cost more; NULL if the provider does not tell' CODEC(T64, ZSTD(1)) AFTER cached_audio_tokens,
    ADD COLUMN IF NOT EXISTS image_output_tokens Nullable(Int64) COMMENT 'Of text_output_tokens, those that made images, which cost more; NULL if the provider does not tell' CODEC(T64, ZSTD(1)) AFTER cache_write_1h_tokens,
    ADD COLUMN IF NOT EXISTS web_searches Nullable(Int64) COMMENT 'Searches that the provider made and bills one by one' CODEC(T64, ZSTD(1)) AFTER image_output_tokens,
    ADD COLUMN IF NOT EXISTS usage_note String COMMENT 'Where the provider''s figures contradict each other, and what was done about it; how an estimate was made' CODEC(ZSTD(1)) AFTER usage_raw,
    ADD COLUMN IF NOT EXISTS price_id LowCardinality(String) COMMENT 'The rates used: a row of `llm.prices`; empty where the cost was reported by the provider, or is unknown' CODEC(ZSTD(1)) AFTER price_source,
    ADD COLUMN IF NOT EXISTS headers_ms Nullable(Float64) COMMENT 'To the head of the answer' CODEC(ZSTD(1)) AFTER upstream_connect_ms,
    ADD COLUMN IF NOT EXISTS stalls Nullable(UInt32) COMMENT 'Gaps between tokens longer than a second; NULL where there are no gaps' CODEC(T64, ZSTD(1)) AFTER itl_max_ms;

ALTER TABLE llm.bodies
    ADD COLUMN IF NOT EXISTS chunk_at_us Array(UInt64) COMMENT 'Of a stream: when each piece of it came, microseconds since the call began' CODEC(ZSTD(3)) AFTER assembled,
    ADD COLUMN IF NOT EXISTS chunk_bytes Array(UInt32) COMMENT 'Of a stream: the bytes of each piece that are kept here' CODEC(ZSTD(3)) AFTER chunk_at_us;
