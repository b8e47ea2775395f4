from collections.abc import Callable
from pathlib import Path

from tracer.config import Settings
from tracer.records import Call
from tracer.store.schema.document import columns_page

PAGE = Path(__file__).parents[3] / "docs" / "columns.md"


def test_the_page_is_fresh(load_settings: Callable[..., Settings]) -> None:
    remedy = "run `python -m tracer.store.schema.document > docs/columns.md`"
    assert PAGE.read_text() == columns_page(load_settings()), remedy


def test_every_column_is_on_it(load_settings: Callable[..., Settings]) -> None:
    page = columns_page(load_settings())
    for name in Call.__struct_fields__:
        assert name in ("content", "prices") or f"\n| `{name}` | `" in page, name
