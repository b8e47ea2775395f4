"""What the cache did for a call, in Portkey's words: the value of `x-portkey-cache-status` and of the row's `cache_status`.

All six are here because clients compare them; the two semantic ones are not given out while semantic mode acts as simple.
"""

from enum import StrEnum


class CacheStatus(StrEnum):
    HIT = "HIT"
    SEMANTIC_HIT = "SEMANTIC HIT"  # with a space, as on the wire
    MISS = "MISS"
    SEMANTIC_MISS = "SEMANTIC MISS"
    REFRESH = "REFRESH"  # the caller asked for a new answer, and the entry was replaced
    DISABLED = "DISABLED"
