"""docs/providers.md: prose by hand, and between two comments the table, written from tracer/proxy/providers.py."""

from pathlib import Path

from tracer.proxy.providers import PROVIDERS, Provider, StreamUsage
from tracer.proxy.route import setting_of

PAGE = Path(__file__).parents[2] / "docs" / "providers.md"
BEGIN = "<!-- The table is written by `python -m tests.docs` from `tracer/proxy/providers.py`; change it there. -->\n"
END = "<!-- end of the table -->\n"
_HEAD = (
    "| provider | OpenAI door | `/proxy/{provider}/…` and native doors | header of a key there | usage in streams |",
    "|---|---|---|---|---|",
)
_USAGE = {StreamUsage.ASK: "asked for", StreamUsage.SENT: "sent", StreamUsage.REFUSES: "not asked for"}


def providers_page() -> str:
    """The page with a fresh table."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin
    assert end
    rows = [_row(slug, known) for slug, known in PROVIDERS.items()]
    return before + BEGIN + "\n" + "\n".join((*_HEAD, *rows)) + "\n\n" + END + after


def _row(slug: str, known: Provider) -> str:
    needs = f"set `{setting_of(slug)}`"
    without_origin = f"{needs} (`{known.api_path}` follows)" if known.api_path else needs
    openai = f"`{known.origin}{known.api_path}`" if known.origin else without_origin
    native = f"`{known.native_origin}`" if known.native_origin else needs
    key = known.native_key_header
    shown = f"`{key}: Bearer`" if key == "Authorization" else f"`{key}`"
    return f"| `{slug}` | {openai} | {native} | {shown} | {_USAGE[known.stream_usage]} |"
