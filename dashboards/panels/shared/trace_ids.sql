SELECT otel_trace_id FROM llm.calls WHERE otel_trace_id = ${trace:sqlstring}
UNION DISTINCT
SELECT otel_trace_id FROM llm.calls WHERE trace_id = ${trace:sqlstring}
UNION DISTINCT
SELECT otel_trace_id FROM llm.spans WHERE otel_trace_id = ${trace:sqlstring} OR trace_id = ${trace:sqlstring}
