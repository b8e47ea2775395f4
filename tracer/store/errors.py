"""What can go wrong in the store, named by who must act.

StoreError
├── StoreUnavailable   nothing answers where the store should be: start Tracer, or correct the DSN.
├── StoreLocked        another process has the store's directory open.
├── StoreCannotStart   a port or a directory cannot be had.
└── QueryFailed        the engine said no: ClickHouse's code and ClickHouse's words.

HTTP statuses are ClickHouse's own (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp), since drivers retry by them.
"""

import re

READONLY = 164
ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516
BAD_ARGUMENTS = 36
SYNTAX_ERROR = 62
NOT_IMPLEMENTED = 48
UNKNOWN_EXCEPTION = 1002

_CODE = re.compile(r"\bCode: (\d+)\.")

_STATUS: dict[int, int] = {
    194: 401,  # REQUIRED_PASSWORD
    **dict.fromkeys((192, 193, 497, 512, 516), 403),  # users, passwords, roles, ACCESS_DENIED
    # statements and values that cannot be parsed, wrong arguments, types and columns
    **dict.fromkeys((6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321), 400),
    **dict.fromkeys((376, 427, 441, 675, 676), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511), 404),  # UNKNOWN_…
    229: 413,  # QUERY_IS_TOO_LARGE
    48: 501,  # NOT_IMPLEMENTED
    **dict.fromkeys((76, 209, 439), 503),  # CANNOT_OPEN_FILE, SOCKET_TIMEOUT, CANNOT_SCHEDULE_TASK
    381: 411,  # HTTP_LENGTH_REQUIRED
    159: 408,  # TIMEOUT_EXCEEDED
    779: 415,  # UNSUPPORTED_MEDIA_TYPE
}


class StoreError(Exception):
    """Base of the store's errors; the message says what was being done to what, and what to do about it."""


class StoreUnavailable(StoreError):
    """Nothing answers; the message lists what was tried."""


class StoreLocked(StoreUnavailable):
    """Another process has the directory open."""


class StoreCannotStart(StoreError):
    """The store's process cannot serve."""


class QueryFailed(StoreError):
    """A statement failed; `code` is ClickHouse's, the text is ClickHouse's with its code in front."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code

    @property
    def http_status(self) -> int:
        return _STATUS.get(self.code, 500)


def failure(code: int, name: str, text: str) -> QueryFailed:
    """A failure that Tracer found itself, worded as ClickHouse would."""
    return QueryFailed(code, f"Code: {code}. DB::Exception: {text} ({name})")


def from_engine(text: str) -> QueryFailed:
    """A failure from the engine's message, whatever stands in front of its `Code: …`."""
    found = _CODE.search(text)
    if found is None:
        return QueryFailed(UNKNOWN_EXCEPTION, f"Code: {UNKNOWN_EXCEPTION}. DB::Exception: {text.strip()} (UNKNOWN_EXCEPTION)")
    return QueryFailed(int(found[1]), text[found.start() :].strip())
