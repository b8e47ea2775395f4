-- What was said in one call. Bodies that no page could show are cut before they leave the store.
SELECT
    request_headers,
    response_headers,
    if(length(request_body) > {longest:UInt32}, left(request_body, 100000), request_body) AS request_body,
    if(length(original_body) > {longest:UInt32}, left(original_body, 100000), original_body) AS original_body,
    if(length(response_body) > {longest:UInt32}, left(response_body, 100000), response_body) AS response_body,
    if(length(assembled) > {longest:UInt32}, left(assembled, 100000), assembled) AS assembled,
    length(bodies.request_body) AS request_size,
    length(bodies.original_body) AS original_size,
    length(bodies.response_body) AS response_size,
    length(bodies.assembled) AS assembled_size,
    arraySlice(bodies.chunk_at_us, 1, {most_pieces:UInt32}) AS chunk_at_us,
    arraySlice(bodies.chunk_bytes, 1, {most_pieces:UInt32}) AS chunk_bytes
FROM llm.bodies AS bodies
WHERE call_id = {call_id:UUID} AND started_at = (SELECT started_at FROM llm.calls WHERE call_id = {call_id:UUID} AND $visible LIMIT 1)
LIMIT 1
