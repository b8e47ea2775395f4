-- The digest counts gaps in buckets that grow by a quarter of a doubling; here four of them are one.
WITH sumForEachMerge(gaps_state) AS gaps
SELECT
    @step AS time,
    gaps[1] AS "at once",
    arraySum(arraySlice(gaps, 2, 8)) AS "up to 1 ms",
    arraySum(arraySlice(gaps, 10, 4)) AS "1 ms",
    arraySum(arraySlice(gaps, 14, 4)) AS "2 ms",
    arraySum(arraySlice(gaps, 18, 4)) AS "4 ms",
    arraySum(arraySlice(gaps, 22, 4)) AS "8 ms",
    arraySum(arraySlice(gaps, 26, 4)) AS "16 ms",
    arraySum(arraySlice(gaps, 30, 4)) AS "32 ms",
    arraySum(arraySlice(gaps, 34, 4)) AS "64 ms",
    arraySum(arraySlice(gaps, 38, 4)) AS "128 ms",
    arraySum(arraySlice(gaps, 42, 4)) AS "256 ms",
    arraySum(arraySlice(gaps, 46, 4)) AS "0.5 s",
    arraySum(arraySlice(gaps, 50, 4)) AS "1 s",
    arraySum(arraySlice(gaps, 54, 4)) AS "2 s",
    arraySum(arraySlice(gaps, 58)) AS "4 s and more"
FROM @minute_times
GROUP BY time
HAVING notEmpty(gaps)
ORDER BY time
