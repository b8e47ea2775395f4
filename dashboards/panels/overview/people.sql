SELECT
    uniqIf(user, user != '') AS users,
    uniqIf(session_id, session_id != '') AS sessions,
    uniq(otel_trace_id) AS traces
FROM llm.calls
WHERE @chosen
