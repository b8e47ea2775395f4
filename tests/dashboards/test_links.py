"""Links between boards: they lead to boards that are there and set variables that those have."""

import re
from typing import Any

import pytest

from dashboards import links
from tests.dashboards.documents import BOARDS, variables


def urls(value: Any) -> list[str]:
    """Every link's address below a value."""
    if isinstance(value, dict):
        own = [value["url"]] if isinstance(value.get("url"), str) and value["url"] else []
        return own + [url for each in value.values() for url in urls(each)]
    return [url for each in value for url in urls(each)] if isinstance(value, list) else []


LINKS = sorted({(uid, url) for uid, board in BOARDS.items() for url in urls(board["panels"])})


def test_there_are_links_from_every_table_of_traces() -> None:
    assert {uid for uid, url in LINKS if f"/d/{links.TRACE}?" in url} >= {
        links.OVERVIEW,
        links.LATENCY,
        links.RELIABILITY,
        links.TRACE,
    }


@pytest.mark.parametrize(("uid", "url"), LINKS)
def test_leads_to_a_board_and_sets_its_variables(uid: str, url: str) -> None:
    path, query = url.split("?")
    target = variables(BOARDS[path.removeprefix("/d/")])
    assert query.startswith("${__url_time_range}&")
    set_here = re.findall(r"var-(\w+)=", query)
    kept = re.findall(r"\$\{(\w+):queryparam\}", query)
    assert set(set_here) | set(kept) <= set(target)
    assert set(kept) <= set(variables(BOARDS[uid])), "what this board does not have would stay as text"
    assert len({*set_here, *kept}) == len(set_here) + len(kept), "a variable twice"


def test_every_board_lists_the_others() -> None:
    for board in BOARDS.values():
        (link,) = board["links"]
        assert (link["type"], link["tags"], link["includeVars"], link["keepTime"]) == ("dashboards", ["tracer"], True, True)
        assert board["tags"] == ["tracer"]
        assert "placement" not in link


def test_values_are_escaped_and_ids_are_not() -> None:
    assert links.narrowed(links.COST, "model", "x").url.endswith("&var-model=${__value.raw:percentencode}")
    assert links.trace().url.endswith("&var-trace=${__data.fields.otel_trace_id}&var-call=")
    assert "${trace:queryparam}" in links.call().url
