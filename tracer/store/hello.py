"""What clickhouse-go asks first, answered by hand, so that it understands everything that comes after.

The driver (which Grafana's plugin uses) sends `client_protocol_version` and asks for name, version, revision and time zone
of the server. It reads that answer as a block of its own revision, and from then on reads blocks of the revision that it was
told. chDB writes Native blocks of revision 0 and knows no other. So this one answer has the form that the driver expects,
and the revision in it is 0: no later block needs to be touched.

At revision 0 the type DateTime('zone') comes as DateTime; store and sessions are in UTC unless a query says otherwise.
"""

import re
import struct

_QUESTION = re.compile(
    r"\s*SELECT\s+displayName\(\),\s*version\(\),\s*revision\(\),\s*timezone\(\)\s*;?\s*", re.IGNORECASE | re.ASCII
)
_REVISION = 0
# From this revision on a column has a byte that says whether it is written in an unusual way.
_WITH_CUSTOM_BYTE = 54454
# No overflow, bucket -1.
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"


def is_hello(statement: str, protocol_version: str) -> bool:
    """Whether this is that question, by a driver that reads the answer at the revision it speaks."""
    return protocol_version.isdecimal() and int(protocol_version) > 0 and _QUESTION.fullmatch(statement) is not None


def answer(name: str, version: str, timezone: str, protocol_version: int) -> bytes:
    """A Native block with one row, as of `protocol_version`."""
    custom = b"\x00" if protocol_version >= _WITH_CUSTOM_BYTE else b""
    columns = (
        ("displayName()", "String", _text(name)),
        ("version()", "String", _text(version)),
        ("revision()", "UInt32", struct.pack("<I", _REVISION)),
        ("timezone()", "String", _text(timezone)),
    )
    body = b"".join(_text(column) + _text(kind) + custom + value for column, kind, value in columns)
    return _BLOCK_INFO + bytes((len(columns), 1)) + body


def _text(value: str) -> bytes:
    data = value.encode()
    assert len(data) < 0x80, "a length of one byte is enough for what stands here"
    return bytes((len(data),)) + data
