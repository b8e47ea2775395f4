from datetime import UTC, datetime
from pathlib import Path

from tests.sink.exchanges import STARTED_NS
from tracer.records import Price
from tracer.sink.price_files import read_prices
from tracer.sink.rates import step
from tracer.sink.user_prices import UserPrices


def prices(tmp_path: Path, text: str) -> UserPrices:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    return read_prices(file)


def rates(
    found: UserPrices, provider: str, model: str, tier: str = "", at_ns: int = STARTED_NS, tokens: int = 0
) -> Price | None:
    tariff = found.tariff(provider, (model,), tier, at_ns)
    return step(tariff, tokens) if tariff else None


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def inputs(found: list[Price | None]) -> list[int | None]:
    return [None if one is None or one.uncached_input_usd is None else int(one.uncached_input_usd * 10**6) for one in found]


def test_the_first_entry_that_fits_wins(tmp_path: Path) -> None:
    text = """
        [[price]]
        provider = "azure-*"
        model = "gpt-4o"
        service_tier = "priority"
        input = 4
        [[price]]
        provider = "azure-*"
        model = "gpt-4o*"
        input = 3
        [[price]]
        model = "*"
        input = 1
    """
    found = prices(tmp_path, text)
    each = [("azure-openai", "gpt-4o", "priority"), ("azure-openai", "GPT-4o-mini", "priority"), ("openai", "gpt-4o", "")]
    assert inputs([rates(found, *one) for one in each]) == [4, 3, 1]


def test_a_tier_is_meant_whatever_the_provider_calls_it(tmp_path: Path) -> None:
    entries = [
        f'[[price]]\nmodel="m"\nservice_tier="{tier}"\ninput={number}\n' for number, tier in enumerate(("batch", "default"), 1)
    ]
    found = prices(tmp_path, "".join(entries) + '[[price]]\nmodel="m"\ninput=3\n')
    assert inputs([rates(found, "p", "m", tier) for tier in ("batch", "", "flex")]) == [1, 2, 3]


def test_the_price_of_the_calls_own_day_holds(tmp_path: Path) -> None:
    text = """
        [[price]]
        model = "m"
        input = 1
        valid_from = 2026-01-01
        [[price]]
        model = "m"
        input = 2
        valid_from = "2026-07-01"
    """
    found = prices(tmp_path, text)
    days = ["2025-12-31T23:59:59", "2026-01-01T00:00:00", "2026-06-30T23:59:59", "2026-07-01T00:00:00"]
    assert inputs([rates(found, "p", "m", at_ns=ns(day)) for day in days]) == [None, 1, 1, 2]


def test_a_larger_input_has_its_own_price_day_by_day(tmp_path: Path) -> None:
    text = """
        [[price]]
        model = "m"
        input = 1
        [[price]]
        model = "m"
        above = 200000
        input = 2
        [[price]]
        model = "m"
        above = 1000000
        input = 4
        [[price]]
        model = "m"
        valid_from = 2026-07-01
        input = 3
    """
    found = prices(tmp_path, text)
    before = ns("2026-06-30T00:00:00")
    sizes = (200_000, 200_001, 1_000_001)
    assert inputs([rates(found, "p", "m", at_ns=before, tokens=tokens) for tokens in sizes]) == [1, 2, 4]
    assert inputs([rates(found, "p", "m", tokens=1_000_001)]) == [3]
    assert len(found.tariffs()) == 2


def test_without_entries_there_is_no_price() -> None:
    assert UserPrices().tariff("openai", ("gpt-4o",), "", STARTED_NS) is None
    assert not UserPrices()
