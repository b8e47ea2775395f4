"""docs/scale.md says what the code does."""

from tests.scale.docs import PAGE, scale_page
from tracer.scale.fields import FIELDS
from tracer.scale.names import VENDORS
from tracer.scale.translate import MODELS_PATH, PATHS, SGP_HEADERS


def test_the_tables_are_fresh() -> None:
    assert PAGE.read_text() == scale_page(), "write them again with `python -m tests.docs`"


def test_every_field_vendor_path_and_header_is_on_the_page() -> None:
    page = PAGE.read_text()
    named = {*VENDORS, *SGP_HEADERS, *(name for fields in FIELDS.values() for name in fields)}
    assert not {name for name in named if f"`{name}`" not in page}
    assert not {path for path in (*PATHS, MODELS_PATH) if f" {path}`" not in page}
