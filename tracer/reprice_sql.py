"""The SQL of `tracer reprice`: which kinds of call there are, and what they would have cost by rates given as a text.

The sums are those of `llm.what_if` (tracer/store/schema/010_prices.sql; tests/test_reprice.py compares the two). `$by` and
`$rates` are put in by reprice.py, everything else is bound.
"""

from tracer.sink.rates import KINDS

BY = {
    "model": "request_model",
    "answered_by": "response_model",
    "provider": "provider",
    "user": "user",
    "session": "session_id",
    "key": "key_id",
    "prompt": "prompt_id",
    "tier": "service_tier",
    "day": "toString(toDate(started_at, 'UTC'))",
    "month": "formatDateTime(started_at, '%Y-%m', 'UTC')",
    "all": "'all'",
}

_KIND = (
    "provider, upstream, request_model, response_model, service_tier, "
    "JSONExtractString(usage_raw, 'speed'), JSONExtractString(usage_raw, 'service_tier')"
)
_CHOSEN = """
    started_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
        AND started_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
        AND input_tokens IS NOT NULL
        AND output_tokens IS NOT NULL
        AND ({only_model:String} = '' OR request_model = {only_model:String} OR response_model = {only_model:String})
        AND ({only_provider:String} = '' OR provider = {only_provider:String})
        AND ({only_user:String} = '' OR user = {only_user:String})
"""
KINDS_OF_CALL = f"""
SELECT toString(cityHash64({_KIND})), {_KIND}, count()
FROM llm.calls
WHERE {_CHOSEN}
GROUP BY {_KIND}
ORDER BY {_KIND}
"""
# Tokens of each kind of KINDS, as in 010_prices.sql.
_COUNTS = {
    "uncached_input": "ifNull(uncached_input_tokens, 0)",
    "cache_read": "ifNull(cache_read_tokens, 0) - ifNull(cached_audio_tokens, 0)",
    "cached_audio": "ifNull(cached_audio_tokens, 0)",
    "cache_write": "ifNull(cache_write_tokens, 0) - ifNull(cache_write_1h_tokens, 0)",
    "cache_write_1h": "ifNull(cache_write_1h_tokens, 0)",
    "audio_input": "ifNull(audio_input_tokens, 0)",
    "image_input": "ifNull(image_input_tokens, 0)",
    "text_output": "ifNull(text_output_tokens, 0) - ifNull(image_output_tokens, 0)",
    "image_output": "ifNull(image_output_tokens, 0)",
    "reasoning": "ifNull(reasoning_tokens, 0)",
    "audio_output": "ifNull(audio_output_tokens, 0)",
    "web_search": "ifNull(web_searches, 0)",
    "request": "1",
}
_OUTPUT = frozenset(("text_output", "image_output", "reasoning", "audio_output"))


def _parts(output: bool) -> str:
    names = [name for name in KINDS if (name in _OUTPUT) == output]
    return " + ".join(f"if({_COUNTS[name]} = 0, toDecimal128(0, 18), ({_COUNTS[name]}) * rate_{name})" for name in names)


_RATE_TYPES = ", ".join(f"rate_{name} Nullable(Decimal(38, 18))" for name in KINDS)
SUMS = f"""
SELECT
    $by AS group_name,
    count() AS calls,
    sum(own) AS cost,
    countIf(isNull(own)) AS unknown,
    sum(what_if) AS other,
    countIf(isNull(what_if)) AS unpriced,
    arrayFlatten(groupUniqArray(lacking)) AS kinds,
    sumIf(own, isNotNull(what_if)) AS compared,
    sum(what_if - own) AS difference
FROM
(
    SELECT
        made.*,
        toDecimal128(made.cost_usd, 12) AS own,
        multiIf(
            outcome = 'cache_hit' OR cache_status IN ('HIT', 'SEMANTIC HIT'), toDecimal128(0, 12),
            toDecimal128(roundBankers({_parts(output=False)}, 12), 12)
                + toDecimal128(roundBankers({_parts(output=True)}, 12), 12)
        ) AS what_if,
        arrayFilter(
            each -> each != '' AND isNotNull(rate_request),
            [{", ".join(f"if(isNull(rate_{name}) AND {_COUNTS[name]} != 0, '{name}', '')" for name in KINDS)}]
        ) AS lacking
    FROM llm.calls AS made
    GLOBAL INNER JOIN
    (
        SELECT r.number AS number, r.since AS since, r.until AS until, r.above AS above, r.up_to AS up_to,
            {", ".join(f"r.rate_{name} AS rate_{name}" for name in KINDS)}
        FROM
        (
            SELECT arrayJoin(JSONExtract($rates,
                'Array(Tuple(number String, since Int64, until Int64, above Int64, up_to Int64, {_RATE_TYPES}))')) AS r
        )
    ) AS rates
        ON toString(cityHash64({_KIND})) = rates.number
    WHERE {_CHOSEN}
        AND made.started_at >= fromUnixTimestamp64Micro(rates.since, 'UTC')
        AND made.started_at < fromUnixTimestamp64Micro(rates.until, 'UTC')
        AND made.input_tokens > rates.above
        AND made.input_tokens <= rates.up_to
)
GROUP BY group_name
"""
