-- Applications' spans with their content, for GET /v5/spans/{id} and POST /v5/spans/search.
WITH chosen AS
(
    SELECT *
    FROM llm.spans FINAL
    WHERE $conditions
    ORDER BY started_at $direction, trace_id $direction, span_id $direction
    LIMIT {limit:UInt32}
)
SELECT
    span.span_id AS id,
    span.trace_id AS trace_id,
    span.parent_span_id AS parent_id,
    span.group_id AS group_id,
    toString(span.name) AS name,
    toString(span.type) AS type,
    toString(span.status) AS status,
    toUnixTimestamp64Micro(span.started_at) * 1000 AS start_ns,
    ifNull(toUnixTimestamp64Micro(span.ended_at), 0) * 1000 AS end_ns,
    body.input AS input,
    body.output AS output,
    body.expected AS expected,
    span.metadata AS metadata,
    span.application_variant_id AS application_variant_id,
    span.application_interaction_id AS application_interaction_id,
    span.obs_trace_id AS obs_trace_id,
    span.obs_span_id AS obs_span_id,
    span.account AS account,
    span.tags AS tags,
    toUnixTimestamp64Micro(span.received_at) * 1000 AS received_ns,
    toString(span.key_id) AS key_id,
    toString(span.workspace) AS workspace
FROM chosen AS span
LEFT JOIN
(
    SELECT trace_id, span_id, workspace, version, input, output, expected
    FROM llm.span_bodies FINAL
    WHERE (trace_id, span_id) IN (SELECT trace_id, span_id FROM chosen)
) AS body
    ON body.trace_id = span.trace_id AND body.span_id = span.span_id
    AND body.workspace = span.workspace AND body.version = span.version
ORDER BY start_ns $direction, trace_id $direction, id $direction
