"""How many of the recorded calls have a price, and why the others have none: a table by provider (`pytest -s` shows it)."""

from collections import Counter

from tests.sink.exchanges import corpus, replay
from tracer.records import UsageSource
from tracer.sink import price
from tracer.sink.decode import decode

OWN_SERVERS = {"ollama", "vllm"}
# No public list has these, or nobody can know what was paid.
WHY_NOT = (
    "is not in the price list of",
    "no price list for provider crusoe",
    "no price list for provider snowflake",
    "Hugging Face's router chose the provider",
    "the provider did not report",
    "does not tell its model",
)


def test_nearly_every_call_to_a_commercial_provider_has_a_price() -> None:
    book = price.load(None)
    with_usage: Counter[str] = Counter()
    priced: Counter[str] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    for recorded in corpus():
        call = decode(replay(recorded), book)
        if call.usage_source in (UsageSource.NONE, UsageSource.ESTIMATED):
            continue
        with_usage[call.provider] += 1
        if call.cost_usd is None:
            assert call.price_source.startswith("none: "), recorded["id"]
            reasons[call.provider, call.price_source] += 1
        else:
            priced[call.provider] += 1
            assert (call.price_source == "provider") == (call.price_id == ""), recorded["id"]
    print(f"\n{'provider':<14}{'usage':>6}{'priced':>7}")
    for provider, count in with_usage.most_common():
        print(f"{provider:<14}{count:>6}{priced[provider]:>7}")
    for (provider, reason), count in reasons.most_common():
        print(f"{count:>4} {provider}: {reason}")
    commercial = [provider for provider in with_usage if provider not in OWN_SERVERS]
    assert not any(priced[provider] for provider in OWN_SERVERS)
    assert sum(priced[name] for name in commercial) >= 0.95 * sum(with_usage[name] for name in commercial)
    told = {reason for name, reason in reasons if name not in OWN_SERVERS}
    assert not {reason for reason in told if not any(why in reason for why in WHY_NOT)}
