"""The prices of the traffic's models as rows of `llm.prices`, so that their costs can be counted again from SQL."""

from decimal import Decimal

from tests.traffic.market import MODELS
from tracer.records import Price
from tracer.sink.rates import Listed, tariff


def _price(number: int) -> Price | None:
    made = MODELS[number]
    if made.input_usd is None:
        return None
    given, cached, answered = (Decimal(str(usd or 0)) for usd in (made.input_usd, made.cached_usd, made.output_usd))
    listed = Listed(source="genai-prices", source_version="0.2.3", provider=made.provider, model=made.answered)
    rates = {"uncached_input": given, "cache_read": cached, "cache_write": given * 5 / 4, "text_output": answered}
    return tariff(listed, [(0, rates)])[0]


# One for each of MODELS.
PRICES = tuple(_price(number) for number in range(len(MODELS)))
PRICE_IDS = tuple("" if each is None else each.price_id for each in PRICES)
