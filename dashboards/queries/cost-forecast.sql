-- Forecast of the month's cost
-- What the month will have cost when it ends: what it cost so far, and for each day to come the mean of that day of the
-- week in the days before.
--
-- Parameters:
--   until DateTime('UTC') = now  As of when
--   days UInt16 = 28             Days to look back for the means
--
-- Columns:
--   month Date                        First day of the month
--   usd_so_far Nullable(Float64)      Known cost of the month until now (USD)
--   usd_today Nullable(Float64)       Of this, today's (USD)
--   usd_to_come Nullable(Float64)     What is expected of the rest of today and the days after (USD)
--   usd_forecast Nullable(Float64)    The two together (USD)
--   usd_last_month Nullable(Float64)  Known cost of the month before (USD)
--   days_known Nullable(UInt64)       Days with calls that the means are made of
WITH
    {until:DateTime('UTC')} AS moment,
    toStartOfMonth(moment) AS first_day,
    daily AS
    (
        SELECT toDate(hour) AS day, toFloat64(sum(cost_usd)) AS usd
        FROM llm.calls_by_hour
        WHERE hour >= least(toDateTime(toStartOfMonth({until:DateTime('UTC')} - INTERVAL 1 MONTH), 'UTC'), toStartOfDay({until:DateTime('UTC')}) - INTERVAL {days:UInt16} DAY)
            AND hour < {until:DateTime('UTC')}
        GROUP BY day
    ),
    weekdays AS
    (
        SELECT toDayOfWeek(day) AS weekday, avg(usd) AS usd
        FROM daily
        WHERE day < toDate({until:DateTime('UTC')}) AND day >= toDate({until:DateTime('UTC')}) - {days:UInt16}
        GROUP BY weekday
    ),
    coming AS
    (
        SELECT toDate({until:DateTime('UTC')}) + number AS day
        FROM numbers(toUInt64(dateDiff('day', toDate({until:DateTime('UTC')}), toStartOfMonth({until:DateTime('UTC')}) + INTERVAL 1 MONTH)))
    ),
    (SELECT sum(usd) FROM daily WHERE day = toDate(moment)) AS today,
    (
        SELECT sum(if(day = toDate(moment), greatest(weekdays.usd - today, 0), weekdays.usd))
        FROM coming
        INNER JOIN weekdays ON toDayOfWeek(coming.day) = weekdays.weekday
    ) AS rest
SELECT
    first_day AS month,
    (SELECT sum(usd) FROM daily WHERE day >= first_day) AS usd_so_far,
    today AS usd_today,
    rest AS usd_to_come,
    usd_so_far + usd_to_come AS usd_forecast,
    (SELECT sum(usd) FROM daily WHERE day >= addMonths(first_day, -1) AND day < first_day) AS usd_last_month,
    (SELECT count() FROM daily WHERE day < toDate(moment) AND day >= toDate(moment) - {days:UInt16}) AS days_known
