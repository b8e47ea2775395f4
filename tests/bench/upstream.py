"""What the programs are asked to fetch, and the nginx that has it: one fixed chat completion, small or 64 kB."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import processes
from tests.ports import free_port

_PIECE = 3000
_SENTENCE = "The capital of France is Paris. "
_REPLY = (
    '{"id":"chatcmpl-CdxiIrlxetLzjuBRfsl3k1X7s1F9u","object":"chat.completion","created":1763640366,'
    '"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"%s","refusal":null,'
    '"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":23,"completion_tokens":120,'
    '"total_tokens":143,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":'
    '{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},'
    '"service_tier":"default","system_fingerprint":"fp_560af6e559"}'
)
_REQUEST = (
    '{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are terse."},{"role":"user","content":"%s'
    'What is the capital of France, and what else should somebody know who goes there for the first time in the spring?"}],'
    '"temperature":0.2,"max_tokens":200}'
)
REPLY, REQUEST = _REPLY % (_SENTENCE * 22), _REQUEST % ""
LARGE_REPLY = _REPLY % (_SENTENCE * ((64 * 1024 - len(_REPLY)) // len(_SENTENCE)))
LARGE_REQUEST = _REQUEST % (_SENTENCE * ((16 * 1024 - len(_REQUEST)) // len(_SENTENCE)))


@contextmanager
def fixed(place: Path, reply: str, core: int | None = None) -> Iterator[int]:
    """An nginx that answers everything with `reply`; its port."""
    port = free_port()
    serving = f"server {{ listen 127.0.0.1:{port} reuseport; client_max_body_size 0; location / {{ {_returns(reply)} }} }}"
    with processes.nginx(place, serving, port, core):
        yield port


@contextmanager
def takes_all(place: Path, core: int | None = None) -> Iterator[int]:
    """An nginx that takes anything as a collector would; its port."""
    port = free_port()
    taking = (
        f"server {{ listen 127.0.0.1:{port}; client_max_body_size 0; "
        "location / { default_type application/x-protobuf; return 200; } }"
    )
    with processes.nginx(place, taking, port, core):
        yield port


@contextmanager
def nginx_proxy(place: Path, upstream: int, core: int | None = None, streams: bool = False) -> Iterator[tuple[int, int]]:
    """An nginx that passes everything on; the pid of its worker and its port. `streams`: each piece at once."""
    port = free_port()
    buffering = "proxy_buffering off; " if streams else ""
    passing = (
        f"upstream up {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000; }}"
        f"server {{ listen 127.0.0.1:{port}; client_max_body_size 0; client_body_buffer_size 64k; "
        f"location / {{ proxy_pass http://up; proxy_buffers 16 8k; {buffering}"
        f'proxy_http_version 1.1; proxy_set_header Connection ""; }} }}'
    )
    with processes.nginx(place, passing, port, core) as pid:
        yield pid, port


def _returns(body: str) -> str:
    """nginx's directives for that answer. A word of its configuration is at most 4 kB, so a long one is put together."""
    pieces = [body[at : at + _PIECE].replace("\\", "\\\\").replace("'", "\\'") for at in range(0, len(body), _PIECE)]
    parts = "".join(f"set $part{number} '{piece}'; " for number, piece in enumerate(pieces))
    whole = "".join(f"${{part{number}}}" for number in range(len(pieces)))
    return f'default_type application/json; {parts}return 200 "{whole}";'
