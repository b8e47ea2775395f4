-- One trace for Grafana's trace panel: the names of the columns and times in milliseconds are what that panel asks for.
SELECT
    TraceId AS traceID,
    SpanId AS spanID,
    ParentSpanId AS parentSpanID,
    ServiceName AS serviceName,
    SpanName AS operationName,
    toUnixTimestamp64Nano(Timestamp) * 0.000001 AS startTime,
    Duration * 0.000001 AS duration,
    arrayMap(name -> map('key', name, 'value', SpanAttributes[name]), mapKeys(SpanAttributes)) AS tags,
    arrayMap(name -> map('key', name, 'value', ResourceAttributes[name]), mapKeys(ResourceAttributes)) AS serviceTags,
    SpanKind AS kind,
    if(StatusCode = 'Error', 2, 0) AS statusCode,
    StatusMessage AS statusMessage,
    TraceState AS traceState
FROM llm.otel_traces
WHERE TraceId GLOBAL IN (@trace_ids)
ORDER BY startTime
