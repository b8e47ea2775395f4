$__timeFilter(started_at) AND @named
    AND $__conditionalAll(user IN (${user:singlequote}), $user)
    AND $__conditionalAll(metadata[${key:singlequote}] IN (${value:singlequote}), $value)
