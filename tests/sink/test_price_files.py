import re
from decimal import Decimal
from pathlib import Path

import pytest

from tests.sink.exchanges import STARTED_NS
from tracer.records import Price
from tracer.sink.price_files import PriceError, read_prices
from tracer.sink.rates import KINDS
from tracer.sink.user_prices import UserPrices

TOML = """
# Ours
[[price]]
provider = "Azure-OpenAI"
model = "GPT-4o*"
valid_from = 2026-07-01
input = 2.50
output = "10"

[[price]]
provider = "azure-openai"
model = "gpt-4o*"
valid_from = 2026-07-01
above = 200000
currency = "USD"
input = 5
cache_write_1h = 8
web_searches = 10
request = 0.01
"""
CSV = """\ufeffprovider, model,valid_from,above,input,output,cache_write_1h,web_searches,request,currency
azure-openai,GPT-4o*,2026-07-01,,2.50,10,,,,
,,,,,,,,,
"azure-openai",gpt-4o*,2026-07-01,200000,5,,8,10,0.01,usd
"""


def read(tmp_path: Path, text: str, name: str = "prices.toml") -> UserPrices:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return read_prices(file)


def shown(found: UserPrices) -> list[tuple[object, ...]]:
    def one(price: Price) -> tuple[object, ...]:
        return (
            price.provider,
            price.model,
            str(price.valid_from),
            price.above_input_tokens,
            *(getattr(price, f"{k}_usd") for k in KINDS),
        )

    return [one(price) for tariff in found.tariffs() for price in tariff]


def test_csv_says_what_toml_says(tmp_path: Path) -> None:
    assert shown(read(tmp_path, CSV, "prices.CSV")) == shown(read(tmp_path, TOML))
    above, base = shown(read(tmp_path, TOML))
    assert above[:4] == ("azure-openai", "gpt-4o*", "2026-07-01", 200_000)
    assert base[4] == Decimal("0.0000025")


def test_numbers_are_read_exactly(tmp_path: Path) -> None:
    text = '[[price]]\nmodel="m"\ninput=0.1\noutput="0.30"\ncache_read=1\nrequest="0.005"\n'
    tariff = read(tmp_path, text).tariff("p", ("M",), "", STARTED_NS)
    assert tariff is not None
    assert tariff[0].uncached_input_usd == Decimal("0.0000001")
    assert tariff[0].text_output_usd == tariff[0].reasoning_usd == Decimal("0.0000003")
    assert tariff[0].cache_read_usd == tariff[0].cached_audio_usd == Decimal("0.000001")
    assert tariff[0].request_usd == Decimal("0.005")


WRONG = {
    "[[price]]\ninput=1": r"line 1: [[price]] number 1: `model` is missing",
    '[[price]]\nmodel="m"': r"line 1: [[price]] number 1 (m): `input` is missing",
    '[[price]]\nmodel="m"\ninput=1\n\n[[price]]\nmodel="n"\n  input=-1': (
        'line 7, column 3: [[price]] number 2 (n): `input` should be US dollars, such as "2.50", not -1'
    ),
    '[[price]]\nmodel="m"\ninput="cheap"': "line 3, column 1: [[price]] number 1 (m): `input` should be US dollars",
    '[[price]]\nmodel="m"\ninput=true': "`input` should be US dollars",
    '[[price]]\nmodel="m"\ninput=nan': "`input` should be US dollars",
    '[[price]]\nmodel="m"\ninput=1e9': "`input` should be US dollars",
    '[[price]]\nmodel="m"\ninput=1\nouput=2': "line 1: [[price]] number 1 (m): unknown key `ouput`; did you mean `output`?",
    '[[price]]\nmodel=""\ninput=1': "line 2, column 1: [[price]] number 1 (): `model` should be a non-empty string",
    '[[price]]\nmodel="m"\nprovider=1\ninput=1': "`provider` should be a non-empty string",
    '[[price]]\nmodel="m"\ninput=1\nvalid_from="soon"': "line 4, column 1: [[price]] number 1 (m): `valid_from` should be",
    '[[price]]\nmodel="m"\ninput=1\nvalid_from=2026-01-01T10:00:00Z': "`valid_from` should be a day such as",
    '[[price]]\nmodel="m"\ninput=1\nvalid_from=1815-12-10': "`valid_from` should be a day such as",
    '[[price]]\nmodel="m"\ninput=1\nabove=-1': "`above` should be a number of input tokens such as 200000, not -1",
    '[[price]]\nmodel="m"\ninput=1\nabove=200000': "`above` has no price beside it for calls with less input",
    '[[price]]\nmodel="m"\ninput=1\n[[price]]\nmodel="m"\ninput=2': "line 4: [[price]] number 2 (m): the same price stands",
    '[[price]]\nmodel="m"\ncurrency="EUR"\ninput=1': "line 3, column 1: [[price]] number 1 (m): `currency` should be USD",
    'price = [{model="m", input=-1}]': ": [[price]] number 1 (m): `input` should be US dollars",
    "[prices]\nx=1": "unknown key `prices`; prices are [[price]] entries",
    "price=1": "`price` should be written as",
    "not toml": "cannot read the prices: Expected '=' after a key in a key/value pair (at line 1, column 5)",
}
WRONG_CSV = {
    "model,input\nm,cheap\n": "line 2, column 2: `input` should be US dollars, such as \"2.50\", not 'cheap'",
    "model,input\nm,1\n,2\n": "line 3, column 1: `model` is missing",
    "model,input,valid_from\nm,1,soon\n": "line 2, column 3: `valid_from` should be a day such as 2026-07-01, not soon",
    "model,inptu\nm,1\n": "line 1, column 2: `inptu` is unknown; did you mean `input`?",
    "model,input,model\nm,1,n\n": "line 1, column 3: `model` stands there twice",
    "model,input\nm,1,2\n": "line 2, column 3: more cells than the first line has",
    "model,input,above\nm,1,many\n": "line 2, column 3: `above` should be a number of input tokens such as 200000, not 'many'",
    "model,input,above\nm,1,200000\n": "line 2, column 3: `above` has no price beside it for calls with less input",
    'model,input\n"m"x,1\n': "line 2: cannot read the prices: ",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_file_is_refused_with_the_line_the_entry_and_the_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(PriceError, match=re.escape(WRONG[text])) as refused:
        read(tmp_path, text)
    assert str(refused.value).startswith(str(tmp_path))


@pytest.mark.parametrize("text", WRONG_CSV)
def test_a_wrong_csv_file_is_refused_with_the_line_and_the_column(tmp_path: Path, text: str) -> None:
    with pytest.raises(PriceError, match=re.escape(WRONG_CSV[text])):
        read(tmp_path, text, "prices.csv")


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PriceError, match="no-such-file"):
        read_prices(tmp_path / "no-such-file.toml")
    (tmp_path / "prices.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PriceError, match="cannot read the prices"):
        read_prices(tmp_path / "prices.toml")


def test_a_version_is_the_files_content(tmp_path: Path) -> None:
    one, same, other = (read(tmp_path, text).tariffs()[0][0] for text in (TOML, TOML, TOML + "\n"))
    assert one == same
    assert len(one.source_version) == 12
    assert one.price_id != other.price_id
