SELECT user FROM llm.calls WHERE $__timeFilter(started_at) AND user != '' GROUP BY user ORDER BY count() DESC LIMIT 300
