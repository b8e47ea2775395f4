-- Calls and applications' own spans in one tree, in the shape of the OpenTelemetry collector's ClickHouse exporter, so Grafana's
-- plugin shows traces with no mapping. Column names, types and order are that exporter's. The spans are those that Tracer sends
-- over OTLP (exporters/span.py, exporters/appspan.py): the same ids, names and attributes; values are text, as in that
-- exporter's Map, and unknown ones are left out. Spans that have not ended are here too, with a duration of 0.
CREATE OR REPLACE VIEW llm.otel_traces AS
SELECT
    CAST(started_at, 'DateTime64(9)') AS Timestamp,
    otel_trace_id AS TraceId,
    otel_span_id AS SpanId,
    otel_parent_span_id AS ParentSpanId,
    '' AS TraceState,
    CAST(
        if(operation = '', trim(concat(method, ' ', endpoint)), trim(concat(operation, ' ', request_model))),
        'LowCardinality(String)'
    ) AS SpanName,
    CAST('Client', 'LowCardinality(String)') AS SpanKind,
    CAST('tracer', 'LowCardinality(String)') AS ServiceName,
    CAST(map('service.name', 'tracer'), 'Map(LowCardinality(String), String)') AS ResourceAttributes,
    'tracer' AS ScopeName,
    '' AS ScopeVersion,
    CAST(
        mapUpdate(
            mapFilter(
                (name, value) -> value != '',
                map(
                    'gen_ai.operation.name', toString(operation),
                    'gen_ai.provider.name', transform(
                        toString(provider),
                        ['azure-ai', 'azure-openai', 'bedrock', 'google', 'mistral-ai', 'moonshot', 'perplexity-ai', 'vertex-ai', 'watsonx', 'x-ai'],
                        ['azure.ai.inference', 'azure.ai.openai', 'aws.bedrock', 'gcp.gemini', 'mistral_ai', 'moonshot_ai', 'perplexity', 'gcp.vertex_ai', 'ibm.watsonx.ai', 'x_ai'],
                        toString(provider)
                    ),
                    'gen_ai.conversation.id', session_id,
                    'session.id', session_id,
                    'user.id', user,
                    'gen_ai.prompt.name', prompt_id,
                    'gen_ai.prompt.version', toString(prompt_version),
                    'gen_ai.request.model', toString(request_model),
                    'gen_ai.request.seed', ifNull(toString(seed), ''),
                    'gen_ai.request.temperature', ifNull(toString(temperature), ''),
                    'gen_ai.request.top_p', ifNull(toString(top_p), ''),
                    'gen_ai.request.max_tokens', ifNull(toString(max_tokens), ''),
                    'gen_ai.request.choice.count', if(n = 1, '', ifNull(toString(n), '')),
                    'gen_ai.request.stream', if(stream, 'true', ''),
                    'gen_ai.response.id', response_id,
                    'gen_ai.response.model', toString(response_model),
                    'gen_ai.response.finish_reasons', if(empty(finish_reasons), '', toJSONString(finish_reasons)),
                    'gen_ai.response.time_to_first_chunk', if(stream, ifNull(toString(ttfb_ms / 1000), ''), ''),
                    'gen_ai.usage.input_tokens', ifNull(toString(input_tokens), ''),
                    'gen_ai.usage.output_tokens', ifNull(toString(output_tokens), ''),
                    'gen_ai.usage.cache_read.input_tokens', ifNull(toString(cache_read_tokens), ''),
                    'gen_ai.usage.cache_write.input_tokens', ifNull(toString(cache_write_tokens), ''),
                    'gen_ai.usage.cache_creation.input_tokens', ifNull(toString(cache_write_tokens), ''),
                    'gen_ai.usage.reasoning.output_tokens', ifNull(toString(reasoning_tokens), ''),
                    'gen_ai.usage.audio.input_tokens', ifNull(toString(audio_input_tokens), ''),
                    'gen_ai.usage.image.input_tokens', ifNull(toString(image_input_tokens), ''),
                    'gen_ai.usage.audio.output_tokens', ifNull(toString(audio_output_tokens), ''),
                    'gen_ai.usage.cost', ifNull(toString(cost_usd), ''),
                    'openai.response.service_tier', if(provider = 'openai', toString(service_tier), ''),
                    'openai.response.system_fingerprint', if(provider = 'openai', toString(system_fingerprint), ''),
                    'http.response.status_code', if(status_code = 0, '', toString(status_code)),
                    'error.type', if(
                        outcome IN ('ok', 'cache_hit'),
                        '',
                        coalesce(nullIf(toString(error_type), ''), if(status_code >= 400, toString(status_code), NULL), toString(outcome))
                    ),
                    'server.address', lower(trim(BOTH '[]' FROM replaceRegexpOne(toString(upstream), ':[0-9]+$$', ''))),
                    'server.port', if(upstream = '', '', coalesce(nullIf(extract(toString(upstream), ':([0-9]+)$$'), ''), '443')),
                    'tracer.call_id', toString(call_id),
                    'tracer.trace_id', trace_id,
                    'tracer.span_id', span_id,
                    'tracer.parent_span_id', parent_span_id,
                    'tracer.span_name', toString(span_name),
                    'tracer.attempt', toString(attempt),
                    'tracer.door', toString(door),
                    'tracer.endpoint', toString(endpoint),
                    'tracer.provider', toString(provider),
                    'tracer.system_fingerprint', toString(system_fingerprint),
                    'tracer.service_tier', toString(service_tier),
                    'tracer.tools', if(empty(tools), '', toJSONString(tools)),
                    'tracer.cache_status', toString(cache_status),
                    'tracer.request_hash', request_hash,
                    'tracer.client', toString(client),
                    'tracer.key_hash', toString(key_hash),
                    'tracer.key_id', toString(key_id),
                    'tracer.notes', if(empty(notes), '', toJSONString(notes)),
                    'tracer.outcome', toString(outcome),
                    'tracer.usage_source', toString(usage_source),
                    'tracer.cost.usd', ifNull(toString(cost_usd), ''),
                    'tracer.cost.input_usd', ifNull(toString(input_cost_usd), ''),
                    'tracer.cost.output_usd', ifNull(toString(output_cost_usd), ''),
                    'tracer.cost.saved_usd', ifNull(toString(saved_usd), ''),
                    'tracer.cost.wasted_usd', ifNull(toString(wasted_usd), ''),
                    'tracer.price_source', toString(price_source),
                    'tracer.ttft_ms', ifNull(toString(ttft_ms), ''),
                    'tracer.itl_p50_ms', ifNull(toString(itl_p50_ms), ''),
                    'tracer.itl_p95_ms', ifNull(toString(itl_p95_ms), ''),
                    'tracer.itl_max_ms', ifNull(toString(itl_max_ms), ''),
                    'tracer.proxy_us', ifNull(toString(proxy_us), ''),
                    'tracer.client_gone_ms', ifNull(toString(client_gone_ms), ''),
                    'tracer.truncated', if(truncated, 'true', '')
                )
            ),
            mapApply((name, value) -> (concat('tracer.metadata.', name), value), CAST(metadata, 'Map(String, String)'))
        ),
        'Map(LowCardinality(String), String)'
    ) AS SpanAttributes,
    toUInt64(greatest(duration_ms, 0) * 1000000) AS Duration,
    CAST(if(outcome IN ('ok', 'cache_hit'), 'Unset', 'Error'), 'LowCardinality(String)') AS StatusCode,
    if(
        outcome IN ('ok', 'cache_hit'),
        '',
        coalesce(nullIf(error_message, ''), nullIf(toString(error_type), ''), toString(outcome))
    ) AS StatusMessage,
    CAST([], 'Array(DateTime64(9))') AS `Events.Timestamp`,
    CAST([], 'Array(LowCardinality(String))') AS `Events.Name`,
    CAST([], 'Array(Map(LowCardinality(String), String))') AS `Events.Attributes`,
    CAST([], 'Array(String)') AS `Links.TraceId`,
    CAST([], 'Array(String)') AS `Links.SpanId`,
    CAST([], 'Array(String)') AS `Links.TraceState`,
    CAST([], 'Array(Map(LowCardinality(String), String))') AS `Links.Attributes`
FROM llm.calls
UNION ALL
SELECT
    CAST(started_at, 'DateTime64(9)') AS Timestamp,
    otel_trace_id AS TraceId,
    otel_span_id AS SpanId,
    otel_parent_span_id AS ParentSpanId,
    '' AS TraceState,
    name AS SpanName,
    CAST('Internal', 'LowCardinality(String)') AS SpanKind,
    CAST('tracer', 'LowCardinality(String)') AS ServiceName,
    CAST(map('service.name', 'tracer'), 'Map(LowCardinality(String), String)') AS ResourceAttributes,
    'tracer' AS ScopeName,
    '' AS ScopeVersion,
    CAST(
        mapUpdate(
            mapFilter(
                (attribute, value) -> value != '',
                map(
                    'error.type', if(
                        status != 'ERROR',
                        '',
                        if(
                            match(JSONExtractString(metadata, 'error_type'), '^[A-Za-z_][A-Za-z0-9_.-]{0,63}$$'),
                            JSONExtractString(metadata, 'error_type'),
                            '_OTHER'
                        )
                    ),
                    'tracer.trace_id', trace_id,
                    'tracer.span_id', span_id,
                    'tracer.parent_span_id', parent_span_id,
                    'tracer.key_id', toString(key_id),
                    'tracer.span.type', toString(type),
                    'tracer.span.status', toString(status),
                    'tracer.span.group_id', group_id,
                    'tracer.span.account', account,
                    'tracer.span.application_variant_id', application_variant_id,
                    'tracer.span.application_interaction_id', application_interaction_id,
                    'tracer.span.metadata', metadata
                )
            ),
            mapApply((tag, value) -> (concat('tracer.metadata.', tag), value), CAST(tags, 'Map(String, String)'))
        ),
        'Map(LowCardinality(String), String)'
    ) AS SpanAttributes,
    if(
        ended_at IS NULL,
        0,
        toUInt64(greatest(toUnixTimestamp64Micro(assumeNotNull(ended_at)) - toUnixTimestamp64Micro(started_at), 0)) * 1000
    ) AS Duration,
    CAST(if(status = 'ERROR', 'Error', 'Unset'), 'LowCardinality(String)') AS StatusCode,
    if(status = 'ERROR', JSONExtractString(metadata, 'error_message'), '') AS StatusMessage,
    CAST([], 'Array(DateTime64(9))') AS `Events.Timestamp`,
    CAST([], 'Array(LowCardinality(String))') AS `Events.Name`,
    CAST([], 'Array(Map(LowCardinality(String), String))') AS `Events.Attributes`,
    if(obs_trace_id = '' OR obs_span_id = '', [], [obs_trace_id]) AS `Links.TraceId`,
    if(obs_trace_id = '' OR obs_span_id = '', [], [obs_span_id]) AS `Links.SpanId`,
    if(obs_trace_id = '' OR obs_span_id = '', [], ['']) AS `Links.TraceState`,
    CAST(
        if(obs_trace_id = '' OR obs_span_id = '', [], [map()]),
        'Array(Map(LowCardinality(String), String))'
    ) AS `Links.Attributes`
FROM llm.spans FINAL;
