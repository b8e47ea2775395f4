from tracer.cache.status import CacheStatus


def test_the_six_words_of_portkey() -> None:
    assert [str(word) for word in CacheStatus] == ["HIT", "SEMANTIC HIT", "MISS", "SEMANTIC MISS", "REFRESH", "DISABLED"]
