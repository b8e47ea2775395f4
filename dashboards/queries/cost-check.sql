-- Costs counted again
-- Each call's cost counted a second time from its own tokens and the rates in `llm.prices`: what the two differ by should be 0.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   source String                             Where the price comes from
--   basis String                              What it was counted again from: `rates` of `llm.prices`, the provider's own figure in `usage_raw`, that figure as `reported`, `cache` (nothing to pay), `nothing` (no rates are known), `price is missing`
--   calls UInt64                              Calls whose cost is known
--   unchecked UInt64                          Of these, those that could not be counted again
--   cost_usd Nullable(Decimal(38, 12))        Their cost as stored (USD)
--   recomputed_usd Nullable(Decimal(38, 12))  The same, counted again (USD)
--   residual_usd Decimal(38, 12)              What the two differ by, each call's difference without its sign (USD)
SELECT
    if(startsWith(price_source, 'none'), 'none', if(price_source = '', 'not billed', price_source)) AS source,
    basis,
    count() AS calls,
    countIf(isNull(checked.residual_usd)) AS unchecked,
    sum(checked.cost_usd) AS cost_usd,
    sum(checked.recomputed_usd) AS recomputed_usd,
    ifNull(sum(checked.residual_usd), toDecimal128(0, 12)) AS residual_usd
FROM llm.recomputed_costs AS checked
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND checked.cost_usd IS NOT NULL
GROUP BY source, basis
ORDER BY calls DESC, source, basis
