-- Prices that calls were counted by, and the sums that count a cost again, from the rows alone.
--
-- A row is one flat set of rates, exact; `price_id` is a hash of its content, so the same price is the same row wherever and
-- however often it is inserted. Prices are never changed and never forgotten: they are a few hundred rows.
--
-- The sums are those of tracer/sink/rates.py, in the same order of parts, rounded once and half to even. Decimal arithmetic is
-- exact, so the residual is 0 or something is wrong (tests/store/schema/test_prices.py). A change there is a change here.
CREATE TABLE IF NOT EXISTS llm.prices
(
    price_id String COMMENT 'Hash of all the rest; `price_id` of `llm.calls` names it' CODEC(ZSTD(1)),
    tariff_id String COMMENT 'The same for rows that differ by the size of the input only' CODEC(ZSTD(1)),
    source LowCardinality(String) COMMENT 'Whose list: `user`, `genai-prices`, `litellm`' CODEC(ZSTD(1)),
    source_version LowCardinality(String) COMMENT 'Version of the list, or a hash of the file' CODEC(ZSTD(1)),
    provider LowCardinality(String) COMMENT 'Provider as the source names it; a pattern in the user''s own table' CODEC(ZSTD(1)),
    model LowCardinality(String) COMMENT 'Model as the source names it; a pattern in the user''s own table' CODEC(ZSTD(1)),
    service_tier LowCardinality(String) COMMENT 'Tier or way of processing that has these rates: `flex`, `priority`, `batch`, `fast`; empty: the standard one' CODEC(ZSTD(1)),
    valid_from Nullable(Date) COMMENT 'First day of this price (UTC); NULL: the source does not tell' CODEC(ZSTD(1)),
    above_input_tokens Int64 COMMENT 'These rates hold for calls with more input than that; 0: for the smallest ones too' CODEC(T64, ZSTD(1)),
    uncached_input_usd Nullable(Decimal(38, 18)) COMMENT 'A token of `uncached_input_tokens`, in US dollars; NULL: this source has no price for such tokens' CODEC(ZSTD(1)),
    cache_read_usd Nullable(Decimal(38, 18)) COMMENT 'A token of `cache_read_tokens` that is not audio' CODEC(ZSTD(1)),
    cached_audio_usd Nullable(Decimal(38, 18)) COMMENT 'A token of `cached_audio_tokens`' CODEC(ZSTD(1)),
    cache_write_usd Nullable(Decimal(38, 18)) COMMENT 'A token of `cache_write_tokens` that is not kept for an hour' CODEC(ZSTD(1)),
    cache_write_1h_usd Nullable(Decimal(38, 18)) COMMENT 'A token of `cache_write_1h_tokens`' CODEC(ZSTD(1)),
    audio_input_usd Nullable(Decimal(38, 18)) COMMENT 'A token of `audio_input_tokens`' CODEC(ZSTD(1)),
    image_input_usd Nullable(Decimal(38, 18)) COMMENT 'A token of `image_input_tokens`' CODEC(ZSTD(1)),
    text_output_usd Nullable(Decimal(38, 18)) COMMENT 'A token of `text_output_tokens` that made no image' CODEC(ZSTD(1)),
    image_output_usd Nullable(Decimal(38, 18)) COMMENT 'A token of `image_output_tokens`' CODEC(ZSTD(1)),
    reasoning_usd Nullable(Decimal(38, 18)) COMMENT 'A token of `reasoning_tokens`' CODEC(ZSTD(1)),
    audio_output_usd Nullable(Decimal(38, 18)) COMMENT 'A token of `audio_output_tokens`' CODEC(ZSTD(1)),
    web_search_usd Nullable(Decimal(38, 18)) COMMENT 'One of `web_searches`' CODEC(ZSTD(1)),
    request_usd Decimal(38, 18) COMMENT 'Each call' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY price_id
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_compressed_bytes_to_fsync_after_merge = 1
COMMENT 'Prices that calls were counted by; read it with `FINAL`, which leaves each once';

-- Each call's cost counted again, from its own row and that of its price. `residual_usd` is what the two differ by, over cost, parts
-- and savings; NULL where there is nothing to count again. A cost that the provider reported is read again out of `usage_raw`.
CREATE OR REPLACE VIEW llm.recomputed_costs AS
SELECT
    call_id,
    started_at,
    provider,
    request_model,
    response_model,
    price_source,
    price_id,
    multiIf(
        was_hit AND isNull(saved_usd), 'cache',
        price_source = 'provider', if(isNull(reported_now), 'reported', 'usage_raw'),
        price_id = '', 'nothing',
        is_there, 'rates',
        'price is missing'
    ) AS basis,
    cost_usd,
    multiIf(was_hit, if(basis IN ('cache', 'rates', 'usage_raw', 'reported'), toDecimal128(0, 12), NULL), basis = 'reported', cost_usd, counted_now) AS recomputed_usd,
    input_cost_usd,
    multiIf(was_hit, recomputed_usd, basis = 'rates', input_by_rates, input_cost_usd) AS recomputed_input_usd,
    output_cost_usd,
    multiIf(was_hit, recomputed_usd, basis = 'rates', output_by_rates, output_cost_usd) AS recomputed_output_usd,
    saved_usd,
    multiIf(NOT was_hit OR basis = 'cache', NULL, basis = 'reported', saved_usd, counted_now) AS recomputed_saved_usd,
    abs(cost_usd - recomputed_usd)
        + if(isNull(input_cost_usd), toDecimal128(0, 12), abs(input_cost_usd - recomputed_input_usd))
        + if(isNull(output_cost_usd), toDecimal128(0, 12), abs(output_cost_usd - recomputed_output_usd))
        + if(was_hit AND isNotNull(saved_usd), abs(saved_usd - recomputed_saved_usd), toDecimal128(0, 12)) AS residual_usd
FROM
(
    WITH
        ifNull(made.uncached_input_tokens, 0) AS fresh,
        ifNull(made.cached_audio_tokens, 0) AS audio_reads,
        ifNull(made.cache_read_tokens, 0) - audio_reads AS plain_reads,
        ifNull(made.cache_write_1h_tokens, 0) AS hour_writes,
        ifNull(made.cache_write_tokens, 0) - hour_writes AS short_writes,
        ifNull(made.audio_input_tokens, 0) AS audio_in,
        ifNull(made.image_input_tokens, 0) AS images_in,
        ifNull(made.web_searches, 0) AS searches,
        ifNull(made.image_output_tokens, 0) AS images_out,
        ifNull(made.text_output_tokens, 0) - images_out AS plain_text,
        ifNull(made.reasoning_tokens, 0) AS hidden,
        ifNull(made.audio_output_tokens, 0) AS audio_out,
        toDecimal128(0, 18) AS zero
    SELECT
        made.call_id AS call_id,
        made.started_at AS started_at,
        made.provider AS provider,
        made.request_model AS request_model,
        made.response_model AS response_model,
        made.price_source AS price_source,
        made.price_id AS price_id,
        made.cost_usd AS cost_usd,
        made.input_cost_usd AS input_cost_usd,
        made.output_cost_usd AS output_cost_usd,
        made.saved_usd AS saved_usd,
        made.outcome = 'cache_hit' OR made.cache_status IN ('HIT', 'SEMANTIC HIT') AS was_hit,
        price.found = 1 AS is_there,
        toDecimal128(roundBankers(
            if(fresh = 0, zero, fresh * price.uncached_input_usd)
            + if(plain_reads = 0, zero, plain_reads * price.cache_read_usd)
            + if(audio_reads = 0, zero, audio_reads * price.cached_audio_usd)
            + if(short_writes = 0, zero, short_writes * price.cache_write_usd)
            + if(hour_writes = 0, zero, hour_writes * price.cache_write_1h_usd)
            + if(audio_in = 0, zero, audio_in * price.audio_input_usd)
            + if(images_in = 0, zero, images_in * price.image_input_usd)
            + if(searches = 0, zero, searches * price.web_search_usd)
            + price.request_usd,
            12
        ), 12) AS input_by_rates,
        toDecimal128(roundBankers(
            if(plain_text = 0, zero, plain_text * price.text_output_usd)
            + if(images_out = 0, zero, images_out * price.image_output_usd)
            + if(hidden = 0, zero, hidden * price.reasoning_usd)
            + if(audio_out = 0, zero, audio_out * price.audio_output_usd),
            12
        ), 12) AS output_by_rates,
        -- As tracer/sink/reported.py reads it; other calls' JSON need not be parsed.
        if(made.price_source = 'provider', made.usage_raw, '') AS own_figures,
        toDecimal128(roundBankers(
            multiIf(
                isNotNull(toDecimal128OrNull(JSONExtractRaw(own_figures, 'cost_in_usd_ticks'), 12)),
                toDecimal128OrNull(JSONExtractRaw(own_figures, 'cost_in_usd_ticks'), 12) * toDecimal128('0.0000000001', 10),
                JSONType(own_figures, 'cost') = 'Object',
                toDecimal128OrNull(JSONExtractRaw(own_figures, 'cost', 'total_cost'), 22),
                toDecimal128OrNull(JSONExtractRaw(own_figures, 'cost'), 22)
                    + if(
                        JSONExtractBool(own_figures, 'is_byok'),
                        ifNull(toDecimal128OrNull(JSONExtractRaw(own_figures, 'cost_details', 'upstream_inference_cost'), 22), toDecimal128(0, 22)),
                        toDecimal128(0, 22)
                    )
            ),
            12
        ), 12) AS reported_now,
        if(made.price_source = 'provider', reported_now, input_by_rates + output_by_rates) AS counted_now
    FROM llm.calls AS made
    GLOBAL LEFT JOIN
    (
        SELECT 1 AS found, * FROM llm.prices FINAL
    ) AS price
        ON made.price_id = price.price_id
);

-- What calls would have cost by another price: SELECT … FROM llm.what_if(price_id = '…', since = '2026-11-01', until = '2026-12-01').
-- The rates for larger inputs are found by that price's `tariff_id`. NULL: the call's tokens are unknown, or it used a kind of them that
-- this price does not have. An answer from Tracer's cache costs nothing by any price.
CREATE OR REPLACE VIEW llm.what_if AS
WITH
    (
        SELECT
            CAST(
                arraySort(each -> -each.1, groupArray(tuple(
                    above_input_tokens,
                    uncached_input_usd,
                    cache_read_usd,
                    cached_audio_usd,
                    cache_write_usd,
                    cache_write_1h_usd,
                    audio_input_usd,
                    image_input_usd,
                    text_output_usd,
                    image_output_usd,
                    reasoning_usd,
                    audio_output_usd,
                    web_search_usd,
                    request_usd
                ))),
                'Array(Tuple(
                    above_input_tokens Int64,
                    uncached_input_usd Nullable(Decimal(38, 18)),
                    cache_read_usd Nullable(Decimal(38, 18)),
                    cached_audio_usd Nullable(Decimal(38, 18)),
                    cache_write_usd Nullable(Decimal(38, 18)),
                    cache_write_1h_usd Nullable(Decimal(38, 18)),
                    audio_input_usd Nullable(Decimal(38, 18)),
                    image_input_usd Nullable(Decimal(38, 18)),
                    text_output_usd Nullable(Decimal(38, 18)),
                    image_output_usd Nullable(Decimal(38, 18)),
                    reasoning_usd Nullable(Decimal(38, 18)),
                    audio_output_usd Nullable(Decimal(38, 18)),
                    web_search_usd Nullable(Decimal(38, 18)),
                    request_usd Decimal(38, 18)
                ))'
            )
        FROM llm.prices FINAL
        WHERE tariff_id GLOBAL IN (SELECT tariff_id FROM llm.prices WHERE price_id = {price_id:String})
    ) AS steps
SELECT
    call_id,
    started_at,
    provider,
    request_model,
    response_model,
    user,
    session_id,
    metadata,
    key_id,
    prompt_id,
    prompt_version,
    cost_usd,
    multiIf(not_counted, NULL, was_hit, toDecimal128(0, 12), input_by_rates + output_by_rates) AS what_if_usd
FROM
(
    WITH
        ifNull(made.uncached_input_tokens, 0) AS fresh,
        ifNull(made.cached_audio_tokens, 0) AS audio_reads,
        ifNull(made.cache_read_tokens, 0) - audio_reads AS plain_reads,
        ifNull(made.cache_write_1h_tokens, 0) AS hour_writes,
        ifNull(made.cache_write_tokens, 0) - hour_writes AS short_writes,
        ifNull(made.audio_input_tokens, 0) AS audio_in,
        ifNull(made.image_input_tokens, 0) AS images_in,
        ifNull(made.web_searches, 0) AS searches,
        ifNull(made.image_output_tokens, 0) AS images_out,
        ifNull(made.text_output_tokens, 0) - images_out AS plain_text,
        ifNull(made.reasoning_tokens, 0) AS hidden,
        ifNull(made.audio_output_tokens, 0) AS audio_out,
        toDecimal128(0, 18) AS zero
    SELECT
        made.call_id AS call_id,
        made.started_at AS started_at,
        made.provider AS provider,
        made.request_model AS request_model,
        made.response_model AS response_model,
        made.user AS user,
        made.session_id AS session_id,
        made.metadata AS metadata,
        made.key_id AS key_id,
        made.prompt_id AS prompt_id,
        made.prompt_version AS prompt_version,
        made.cost_usd AS cost_usd,
        made.outcome = 'cache_hit' OR made.cache_status IN ('HIT', 'SEMANTIC HIT') AS was_hit,
        isNull(made.input_tokens) OR isNull(made.output_tokens) AS not_counted,
        arrayFirst(each -> each.1 = 0 OR made.input_tokens > each.1, steps) AS price,
        toDecimal128(roundBankers(
            if(fresh = 0, zero, fresh * price.uncached_input_usd)
            + if(plain_reads = 0, zero, plain_reads * price.cache_read_usd)
            + if(audio_reads = 0, zero, audio_reads * price.cached_audio_usd)
            + if(short_writes = 0, zero, short_writes * price.cache_write_usd)
            + if(hour_writes = 0, zero, hour_writes * price.cache_write_1h_usd)
            + if(audio_in = 0, zero, audio_in * price.audio_input_usd)
            + if(images_in = 0, zero, images_in * price.image_input_usd)
            + if(searches = 0, zero, searches * price.web_search_usd)
            + price.request_usd,
            12
        ), 12) AS input_by_rates,
        toDecimal128(roundBankers(
            if(plain_text = 0, zero, plain_text * price.text_output_usd)
            + if(images_out = 0, zero, images_out * price.image_output_usd)
            + if(hidden = 0, zero, hidden * price.reasoning_usd)
            + if(audio_out = 0, zero, audio_out * price.audio_output_usd),
            12
        ), 12) AS output_by_rates
    FROM llm.calls AS made
    WHERE made.started_at >= parseDateTime64BestEffort({since:String}, 6, 'UTC')
        AND made.started_at < parseDateTime64BestEffort({until:String}, 6, 'UTC')
        AND throwIf(empty(steps), 'llm.prices has no such price_id; `tracer prices MODEL --save` puts one there') = 0
);
