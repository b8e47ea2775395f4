-- The time around fingerprints' first appearances: how all calls of the model went before and after. The page binds the
-- appearances as lists: number, provider, model, moment. An hour in which one falls is on neither side.
SELECT
    number,
    if(began < moment, 'before', 'after') AS side,
    $number AS answered,
    $failed AS failed,
    $ttft_50 AS ttft,
    $ttft_95 AS ttft_95,
    $duration_50 AS duration,
    $cost_each AS cost,
    $output_each AS output_each
FROM
(
    SELECT
        *,
        toInt64(toUnixTimestamp($time)) AS began,
        arrayJoin(
            arrayFilter(
                window -> window.2 = provider
                    AND window.3 = if(request_model = '', response_model, request_model)
                    AND began > window.4 - {around:UInt32} AND began < window.4 + {around:UInt32}
                    AND (began >= window.4 OR began + {width:UInt32} <= window.4),
                arrayZip({numbers:Array(UInt32)}, {providers:Array(String)}, {models:Array(String)}, {moments:Array(Int64)})
            )
        ) AS window,
        window.1 AS number,
        window.4 AS moment
    FROM $table
    WHERE $time >= {since:DateTime64(6, 'UTC')} AND $time < {until:DateTime64(6, 'UTC')} AND $visible
)
GROUP BY number, side
ORDER BY number, side
