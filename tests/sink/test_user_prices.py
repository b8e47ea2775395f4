from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.sink.exchanges import STARTED_NS
from tracer.sink import user_prices
from tracer.sink.rates import Rates
from tracer.sink.user_prices import PriceError, UserPrices, read_prices


def prices(tmp_path: Path, text: str) -> UserPrices:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    return read_prices(file)


def rates(found: UserPrices, provider: str, model: str, tier: str = "", at_ns: int = STARTED_NS) -> Rates | None:
    tariff = found.tariff(provider, (model,), tier, at_ns)
    return tariff[0][1] if tariff else None


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def test_numbers_are_read_exactly(tmp_path: Path) -> None:
    found = rates(prices(tmp_path, '[[price]]\nmodel="m"\ninput=0.1\noutput="0.30"\ncache_read=1\nrequest="0.005"\n'), "p", "M")
    assert found is not None
    assert found.uncached_input == Decimal("0.0000001")
    assert found.text_output == found.reasoning == Decimal("0.0000003")
    assert found.cache_read == found.cached_audio == Decimal("0.000001")
    assert found.cache_write == found.image_input == found.uncached_input
    assert found.request == Decimal("0.005")


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
    got = [rates(found, *one) for one in each]
    assert [one.uncached_input * 10**6 for one in got if one and one.uncached_input] == [4, 3, 1]


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
    got = [rates(found, "p", "m", at_ns=ns(day)) for day in days]
    assert [one and one.uncached_input and one.uncached_input * 10**6 for one in got] == [None, 1, 1, 2]


def test_without_entries_there_is_no_price() -> None:
    assert UserPrices().tariff("openai", ("gpt-4o",), "", STARTED_NS) is None


WRONG = {
    "[[price]]\ninput=1": r"\[\[price\]\] number 1: `model` is missing",
    '[[price]]\nmodel="m"': r"number 1 \(m\): `input` is missing",
    '[[price]]\nmodel="m"\ninput=1\n[[price]]\nmodel="n"\ninput=-1': r"number 2 \(n\): `input` should be US dollars",
    '[[price]]\nmodel="m"\ninput="cheap"': "`input` should be US dollars, such as \"2.50\", not 'cheap'",
    '[[price]]\nmodel="m"\ninput=true': "`input` should be US dollars",
    '[[price]]\nmodel="m"\ninput=nan': "`input` should be US dollars",
    '[[price]]\nmodel="m"\ninput=1\nouput=2': "unknown key `ouput`; did you mean `output`",
    '[[price]]\nmodel=""\ninput=1': "`model` should be a non-empty string",
    '[[price]]\nmodel="m"\nprovider=1\ninput=1': "`provider` should be a non-empty string",
    '[[price]]\nmodel="m"\ninput=1\nvalid_from="soon"': "`valid_from` should be a day such as",
    '[[price]]\nmodel="m"\ninput=1\nvalid_from=2026-01-01T10:00:00Z': "`valid_from` should be a day such as",
    "[prices]\nx=1": "unknown key `prices`",
    "price=1": "`price` should be written as",
    "not toml": "cannot read the prices",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_file_is_refused_with_the_entry_and_the_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(PriceError, match=WRONG[text]):
        prices(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match="no-such-file"):
        read_prices(tmp_path / "no-such-file.toml")


def test_what_is_kept_is_bounded_and_stays_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_prices, "_MOST_KEPT", 3)
    found = prices(tmp_path, '[[price]]\nmodel="m1*"\ninput=1\n')
    for _ in range(2):
        for number in range(20):
            assert (rates(found, "p", f"m{number}") is not None) == str(number).startswith("1")
            assert len(found._kept) <= 3
