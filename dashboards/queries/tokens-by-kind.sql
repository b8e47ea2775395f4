-- Tokens by kind
-- What the tokens of each model were: the kinds exclude one another and add up to what was billed.
--
-- Parameters:
--   since DateTime('UTC') = 7d   Calls that began in that minute or later
--   until DateTime('UTC') = now  Up to then, which is not included
--   model String = ''            Only this model, as asked for or as answered; empty for all
--   provider String = ''         Only this provider; empty for all
--
-- Columns:
--   provider LowCardinality(String)  Slug of the provider
--   model String                     Model that was asked for
--   uncached_input_tokens Int64      Text input that was in no cache
--   cache_read_tokens Int64          Input read from the provider's cache
--   cache_write_tokens Int64         Input written to it
--   audio_input_tokens Int64         Audio input
--   image_input_tokens Int64         Image input
--   text_output_tokens Int64         Visible output
--   reasoning_tokens Int64           Hidden output
--   audio_output_tokens Int64        Audio output
--   tokens Int64                     All of them
SELECT
    provider,
    if(request_model = '', 'none', request_model) AS model,
    sum(made.uncached_input_tokens) AS uncached_input_tokens,
    sum(made.cache_read_tokens) AS cache_read_tokens,
    sum(made.cache_write_tokens) AS cache_write_tokens,
    sum(made.audio_input_tokens) AS audio_input_tokens,
    sum(made.image_input_tokens) AS image_input_tokens,
    sum(made.text_output_tokens) AS text_output_tokens,
    sum(made.reasoning_tokens) AS reasoning_tokens,
    sum(made.audio_output_tokens) AS audio_output_tokens,
    sum(made.input_tokens) + sum(made.output_tokens) AS tokens
FROM llm.calls_by_minute AS made
WHERE minute >= toStartOfMinute({since:DateTime('UTC')})
    AND minute < {until:DateTime('UTC')}
    AND ({model:String} = '' OR request_model = {model:String} OR response_model = {model:String})
    AND ({provider:String} = '' OR provider = {provider:String})
GROUP BY provider, model
HAVING tokens > 0
ORDER BY tokens DESC, provider, model
