-- How columns are compressed, measured on what real traffic looks like (python -m tests.bench.disk). Digests, money and times of day
-- have few bits in use, which T64 finds; ids that begin with the time and texts that repeat each other are found at level 3.
--
-- Parts that are there keep their form until they are merged. Nothing waits for that.
ALTER TABLE llm.calls
    MODIFY COLUMN call_id CODEC(ZSTD(3)),
    MODIFY COLUMN started_at CODEC(Delta, T64, ZSTD(1)),
    MODIFY COLUMN user CODEC(ZSTD(3)),
    MODIFY COLUMN session_id CODEC(ZSTD(3)),
    MODIFY COLUMN metadata CODEC(ZSTD(3)),
    MODIFY COLUMN cost_usd CODEC(T64, ZSTD(1)),
    MODIFY COLUMN input_cost_usd CODEC(T64, ZSTD(1)),
    MODIFY COLUMN itl_digest CODEC(T64, ZSTD(1));

ALTER TABLE llm.bodies
    MODIFY COLUMN call_id CODEC(ZSTD(3)),
    MODIFY COLUMN started_at CODEC(Delta, T64, ZSTD(1)),
    MODIFY COLUMN chunk_at_us CODEC(Delta, ZSTD(3));
