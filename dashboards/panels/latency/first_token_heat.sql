SELECT
    $__timeInterval(started_at) AS time,
    countIf(ttft_ms < 50) AS "under 50 ms",
    countIf(ttft_ms >= 50 AND ttft_ms < 100) AS "50 ms",
    countIf(ttft_ms >= 100 AND ttft_ms < 200) AS "100 ms",
    countIf(ttft_ms >= 200 AND ttft_ms < 400) AS "200 ms",
    countIf(ttft_ms >= 400 AND ttft_ms < 800) AS "400 ms",
    countIf(ttft_ms >= 800 AND ttft_ms < 1600) AS "800 ms",
    countIf(ttft_ms >= 1600 AND ttft_ms < 3200) AS "1.6 s",
    countIf(ttft_ms >= 3200 AND ttft_ms < 6400) AS "3.2 s",
    countIf(ttft_ms >= 6400 AND ttft_ms < 12800) AS "6.4 s",
    countIf(ttft_ms >= 12800 AND ttft_ms < 25600) AS "12.8 s",
    countIf(ttft_ms >= 25600) AS "25.6 s and more"
FROM llm.calls
WHERE @chosen AND ttft_ms IS NOT NULL
GROUP BY time
ORDER BY time
