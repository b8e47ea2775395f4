"""Content types of ClickHouse's formats, as its HTTP interface names them."""

import re

_TYPES = (
    (r"TabSeparated\w*|TSV\w*", "text/tab-separated-values; charset=UTF-8"),
    (r"CSV\w*WithNames\w*", "text/csv; charset=UTF-8; header=present"),
    (r"CSV", "text/csv; charset=UTF-8; header=absent"),
    (r"JSON\w*EachRow\w*|JSONLines|NDJSON", "application/x-ndjson; charset=UTF-8"),
    (r"JSON\w*", "application/json; charset=UTF-8"),
    (r"XML", "application/xml; charset=UTF-8"),
    (
        r"Native|RowBinary\w*|Parquet|ORC|Arrow\w*|Avro|MsgPack|Npy|BSONEachRow|Protobuf\w*|CapnProto|RawBLOB",
        "application/octet-stream",
    ),
)
_OTHER = "text/plain; charset=UTF-8"


def content_type(name: str) -> str:
    """The Content-Type of a result in that format."""
    return next((found for pattern, found in _TYPES if re.fullmatch(pattern, name)), _OTHER)
