"""The query as the plugin's own editor saves it."""

import json

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import DataSourceRef

from dashboards.clickhouse import PLUGIN, ClickHouseQuery, Format, Query


@pytest.mark.parametrize(
    ("form", "number", "word"),
    [
        (Format.TIME_SERIES, 0, "timeseries"),
        (Format.TABLE, 1, "table"),
        (Format.LOGS, 2, "logs"),
        (Format.TRACE, 3, "traces"),
    ],
)
def test_says_twice_what_kind_of_answer_it_wants(form: Format, number: int, word: str) -> None:
    saved = json.loads(json.dumps(ClickHouseQuery("SELECT 1", form), cls=JSONEncoder))
    assert (saved["format"], saved["queryType"]) == (number, word)
    assert (saved["editorType"], saved["rawSql"], saved["refId"]) == ("sql", "SELECT 1", "A")
    assert saved["datasource"] == {"type": PLUGIN, "uid": "${ds}"}


def test_can_name_its_source() -> None:
    query = ClickHouseQuery("SELECT 1", Format.TABLE, "B", DataSourceRef(PLUGIN, "here"))
    saved = json.loads(json.dumps(Query(query).build(), cls=JSONEncoder))
    assert (saved["refId"], saved["datasource"]["uid"]) == ("B", "here")
