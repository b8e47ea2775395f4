"""The records that travel through Tracer, and nothing else.

Exchange  one request and its response as seen on the wire. The proxy makes it, the spool keeps it.
Call      what the exchange meant: provider, model, usage, cost, latency. The sink makes it, the exporters ship it.
A Call brings its Content along, and the Prices that it was counted by.

All are frozen. Neither knows where it is stored: file names, batches and row formats belong to spool.py and exporters/.

Rules
- Times on the wire are integer nanoseconds: `started_ns` since the epoch (wall clock), everything else since `started_ns`
  by the monotonic clock, so a clock that jumps cannot make a duration negative. 0 means "did not happen".
- Every field of Call that is a column of `llm.calls` has the column's name (tests/exporters/test_clickhouse.py checks it).
- Money is Decimal US dollars; None means unknown, never 0.
- A spooled Exchange outlives the program that wrote it: only add fields, always with a default, and never reuse a name.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

Headers = tuple[tuple[str, str], ...]


class Outcome(StrEnum):
    """How an accepted request ended; exactly one per request."""

    OK = "ok"
    UPSTREAM_ERROR = "upstream_error"  # the provider answered with an error, or could not be reached
    STREAM_ERROR = "stream_error"  # an error or a cut inside a 200 stream
    CLIENT_GONE = "client_gone"
    TIMEOUT = "timeout"
    REFUSED = "refused"  # Tracer itself said no; nothing went upstream
    CACHE_HIT = "cache_hit"  # answered from the cache; nothing went upstream
    PROXY_CRASH = "proxy_crash"  # the worker died; the row has what it had noted of the call (proxy/open_calls.py)


class Body(Struct, frozen=True, omit_defaults=True):
    """A bounded copy of a body: the first bytes, the last bytes, and how many there were on the wire.

    `size` counts the bytes that crossed the wire; `head + tail` may be shorter because the copy is bounded
    (`truncated`) or because media in it was replaced by its hash.
    """

    head: bytes = b""
    tail: bytes = b""
    size: int = 0
    truncated: bool = False


class Chunks(Struct, frozen=True, omit_defaults=True):
    """Arrival of a streamed response body: packed native-endian arrays, one element a chunk.

    `at_ns` array("Q"): nanoseconds since `started_ns`. `length` array("I"): bytes of the *copy* (Body.head + Body.tail)
    that arrived then, so walking both gives the arrival time of every byte of the copy.
    """

    at_ns: bytes = b""
    length: bytes = b""


class TraceContext(Struct, frozen=True, omit_defaults=True):
    """Who the call belongs to: ids as sent (free strings) and the OTLP ids derived from them (lower-case hex)."""

    trace_id: str
    span_id: str
    otel_trace_id: str
    otel_span_id: str
    parent_span_id: str = ""
    otel_parent_span_id: str = ""
    span_name: str = "llm"
    metadata: dict[str, str] = {}
    sampled: bool = True


class Exchange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One accepted request and what came of it, as seen on the wire. Holds no secret: headers are redacted before."""

    call_id: UUID  # version 7, made when the request was accepted
    started_ns: int
    trace: TraceContext
    door: str  # which front door took it: "openai", …
    provider: str = ""  # slug, e.g. "openai", "groq"; empty if none could be chosen
    upstream: str = ""  # host[:port] that was asked
    method: str
    path: str  # of the door, with a redacted query: "/v1/chat/completions?x=1"
    client: str = ""  # SDK and version from User-Agent: "OpenAI/Python 3.54.0"
    attempt: int = 0  # the SDK's retry count; 0 = first try
    key_hash: str = ""  # of the caller's provider key, 16 hex digits; empty if it sent none
    content: bool = True  # False: bodies had their text blanked before they got here, and nothing of them is kept
    usage_requested_by_us: bool = False  # stream_options.include_usage was added by the proxy

    request_headers: Headers = ()
    request: Body = Body()
    status: int = 0  # what the client was sent; 0 if it left before
    response_headers: Headers = ()
    response: Body = Body()
    chunks: Chunks = Chunks()

    outcome: Outcome = Outcome.OK
    error_type: str = ""  # ours, when Tracer itself failed or refused the call: "connect_refused", "body_too_large", …
    error_message: str = ""

    request_end_ns: int = 0  # the whole request body has been read
    connect_ns: int = 0  # time spent opening a connection; 0 if a pooled one was used
    sent_ns: int = 0  # handed to the upstream connection
    headers_ns: int = 0
    first_byte_ns: int = 0  # of the body
    upstream_end_ns: int = 0  # the upstream finished, failed or was cancelled
    client_gone_ns: int = 0
    end_ns: int = 0

    websocket: bool = False
    messages_up: int = 0
    messages_down: int = 0

    original: Body = Body()  # what the client sent, where a door or a config made another body of it (then `request` is that)
    prompt_id: str = ""  # slug of the prompt template that the call was made from
    prompt_version: str = ""
    cache_status: str = "DISABLED"  # Portkey's six words: HIT, SEMANTIC HIT, MISS, SEMANTIC MISS, REFRESH, DISABLED
    key_id: str = ""  # public id of the Tracer key that the caller used
    notes: tuple[str, ...] = ()  # what of the request Tracer ignored or did differently, each a short sentence


class UsageSource(StrEnum):
    PROVIDER = "provider"
    ESTIMATED = "estimated"
    PARTIAL = "partial"
    NONE = "none"


class Content(Struct, frozen=True, kw_only=True):
    """What was said; a row of `llm.bodies`. Text is UTF-8 with undecodable bytes replaced."""

    request_headers: dict[str, str]
    request_body: str
    original_body: str = ""  # what the client sent, where that was made into another body
    response_headers: dict[str, str]
    response_body: str
    assembled: str = ""  # a streamed answer put together as the JSON that the same call without streaming would give
    chunk_at_us: tuple[int, ...] = ()  # of a stream: arrival of each piece, microseconds since the start
    chunk_bytes: tuple[int, ...] = ()


class Price(Struct, frozen=True, kw_only=True):
    """What one token of each kind costs, US dollars exactly; a row of `llm.prices`. None: the source has no such price."""

    price_id: str  # a hash of all the rest
    tariff_id: str  # of the rows that differ by the size of the input only
    source: str  # "user", "genai-prices", "litellm"
    source_version: str = ""
    provider: str = ""  # as the source names it
    model: str = ""
    service_tier: str = ""  # the tier or manner of processing that has these rates; empty: the standard one
    valid_from: date | None = None  # first day (UTC); None: the source does not say
    above_input_tokens: int = 0  # these rates are for calls whose input is larger
    uncached_input_usd: Decimal | None = None
    cache_read_usd: Decimal | None = None
    cached_audio_usd: Decimal | None = None
    cache_write_usd: Decimal | None = None
    cache_write_1h_usd: Decimal | None = None
    audio_input_usd: Decimal | None = None
    image_input_usd: Decimal | None = None
    text_output_usd: Decimal | None = None
    image_output_usd: Decimal | None = None
    reasoning_usd: Decimal | None = None
    audio_output_usd: Decimal | None = None
    web_search_usd: Decimal | None = None  # each
    request_usd: Decimal = Decimal(0)  # each call


class Call(Struct, frozen=True, kw_only=True):
    """One row of `llm.calls`; groups as in docs/columns.md."""

    # identity
    call_id: UUID
    started_at: datetime
    trace_id: str
    span_id: str
    parent_span_id: str = ""
    span_name: str = "llm"
    otel_trace_id: str
    otel_span_id: str
    otel_parent_span_id: str = ""
    attempt: int = 0
    user: str = ""
    session_id: str = ""
    metadata: dict[str, str] = {}
    # what
    door: str
    operation: str = ""  # GenAI operation name: chat, text_completion, embeddings, …; empty if none applies
    endpoint: str
    method: str = ""
    provider: str = ""
    upstream: str = ""
    request_model: str = ""
    response_model: str = ""
    response_id: str = ""
    system_fingerprint: str = ""
    service_tier: str = ""
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    n: int | None = None
    tools: tuple[str, ...] = ()  # names of the offered tools
    prompt_id: str = ""
    prompt_version: str = ""
    cache_status: str = "DISABLED"
    request_hash: str = ""
    client: str = ""
    key_hash: str = ""
    key_id: str = ""
    extra_parameters: dict[str, str] = {}  # of the request, those without a column of their own, as JSON
    notes: tuple[str, ...] = ()
    # end
    outcome: str
    status_code: int = 0
    error_type: str = ""
    error_message: str = ""
    finish_reasons: tuple[str, ...] = ()
    # tokens: exclusive buckets, then totals; None = the provider did not say
    uncached_input_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_input_tokens: int | None = None
    image_input_tokens: int | None = None
    text_output_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_output_tokens: int | None = None
    # parts of the buckets that have prices of their own; None = the provider did not say
    cached_audio_tokens: int | None = None  # of cache_read_tokens
    cache_write_1h_tokens: int | None = None  # of cache_write_tokens
    image_output_tokens: int | None = None  # of text_output_tokens
    web_searches: int | None = None  # not tokens, but billed by the same usage
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    usage_source: str = UsageSource.NONE
    usage_raw: str = ""
    usage_note: str = ""
    # money
    cost_usd: Decimal | None = None
    input_cost_usd: Decimal | None = None
    output_cost_usd: Decimal | None = None
    saved_usd: Decimal | None = None
    wasted_usd: Decimal | None = None
    price_source: str = ""  # where the price came from, or why there is none: "user", "genai-prices 0.2.3", "none: …"
    price_id: str = ""  # of the rates in `llm.prices`; empty for a cost that the provider reported
    # time
    duration_ms: float = 0.0
    upstream_connect_ms: float | None = None
    headers_ms: float | None = None
    ttfb_ms: float | None = None
    ttft_ms: float | None = None
    itl_p50_ms: float | None = None
    itl_p95_ms: float | None = None
    itl_max_ms: float | None = None
    stalls: int | None = None
    itl_digest: tuple[int, ...] = ()  # counts of gaps between tokens in the log buckets of tracer/sink/latency.py
    proxy_us: int | None = None
    client_gone_ms: float | None = None
    # size
    request_bytes: int = 0
    response_bytes: int = 0
    truncated: bool = False
    # not columns of llm.calls
    content: Content | None = None
    prices: tuple[Price, ...] = ()  # that of price_id, and those for inputs of other sizes
