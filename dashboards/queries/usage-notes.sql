-- What is odd about token counts
-- Where a provider's figures contradict each other, or are not its own: each note, how often, and one call to look at.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began then or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--   limit UInt32 = 50            Most rows
--
-- Columns:
--   provider LowCardinality(String)      Slug of the provider
--   model String                         Model that was asked for
--   usage_source LowCardinality(String)  Where the token counts come from
--   note String                          What is odd, numbers in it as #
--   calls UInt64                         Calls
--   example UUID                         The newest of them
--   last_at DateTime64(6, 'UTC')         Its start
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    usage_source,
    replaceRegexpAll(usage_note, '\\d+', '#') AS note,
    count() AS calls,
    argMax(call_id, started_at) AS example,
    max(started_at) AS last_at
FROM llm.calls
WHERE started_at >= {since:DateTime('UTC')}
    AND started_at < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
    AND usage_note != ''
GROUP BY provider, model, usage_source, note
ORDER BY calls DESC, provider, model, usage_source, note
LIMIT {limit:UInt32}
