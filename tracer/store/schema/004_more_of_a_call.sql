-- What the front doors beside OpenAI's add to a call: whose key, parameters without a column, what was done differently.
ALTER TABLE llm.calls
    ADD COLUMN IF NOT EXISTS key_id LowCardinality(String) COMMENT 'Public id of the Tracer key that the caller used' CODEC(ZSTD(1)) AFTER key_hash,
    ADD COLUMN IF NOT EXISTS extra_parameters Map(LowCardinality(String), String) COMMENT 'Request parameters without a column of their own, as JSON' CODEC(ZSTD(3)) AFTER key_id,
    ADD COLUMN IF NOT EXISTS notes Array(String) COMMENT 'What of the request Tracer ignored or did differently' CODEC(ZSTD(1)) AFTER extra_parameters;

ALTER TABLE llm.bodies
    ADD COLUMN IF NOT EXISTS original_body String COMMENT 'What the client sent, where a prompt, a config or a front door made another body of it' CODEC(ZSTD(3)) AFTER request_body;
