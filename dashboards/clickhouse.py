"""A query of Grafana's ClickHouse plugin, for which the SDK has no class.

Written as its editor would save it (plugin 4.20): `editorType: sql`, the text in `rawSql`, and the kind of answer twice, as a
word (`queryType`) and as a number (`format`), because the browser reads one and the backend the other.
"""

from dataclasses import dataclass
from enum import IntEnum

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef

PLUGIN = "grafana-clickhouse-datasource"
PLUGIN_VERSION = "4.20.0"
# The variable that every board has: which ClickHouse.
SOURCE = DataSourceRef(type_val=PLUGIN, uid="${ds}")


class Format(IntEnum):
    """What the backend makes of the rows."""

    TIME_SERIES = 0
    TABLE = 1
    LOGS = 2
    TRACE = 3


_QUERY_TYPE = {
    Format.TIME_SERIES: "timeseries",
    Format.TABLE: "table",
    Format.LOGS: "logs",
    Format.TRACE: "traces",
}


@dataclass(frozen=True)
class ClickHouseQuery(Dataquery):
    """One query of a panel, an annotation or an alert."""

    sql: str
    format: Format
    ref_id: str = "A"
    source: DataSourceRef = SOURCE

    def to_json(self) -> dict[str, object]:
        """Called by the SDK's encoder."""
        return {
            "refId": self.ref_id,
            "datasource": self.source,
            "editorType": "sql",
            "rawSql": self.sql,
            "format": int(self.format),
            "queryType": _QUERY_TYPE[self.format],
            "pluginVersion": PLUGIN_VERSION,
            "meta": {},
        }


@dataclass(frozen=True)
class Query(Builder[Dataquery]):
    """What the SDK's panels take."""

    query: Dataquery

    def build(self) -> Dataquery:
        return self.query
