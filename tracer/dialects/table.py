"""All dialects in the order in which they are tried, and which of them a document or an event belongs to."""

from collections.abc import Mapping
from typing import Any

from tracer.dialects import cloud, events, hosts
from tracer.dialects.row import Dialect

# Rows with telling marks before those whose marks are words that others may use too.
DIALECTS: tuple[Dialect, ...] = (
    events.RESPONSES,
    events.ANTHROPIC,
    events.GOOGLE,
    cloud.CONVERSE,
    hosts.OLLAMA,
    hosts.COHERE_CHAT,
    hosts.COHERE,
    events.MEDIA,
    events.THREADS,
    cloud.TITAN,
    cloud.LLAMA,
    hosts.LLAMA_CPP,
    hosts.TGI,
    events.VERTEX_PREDICT,
    events.ANTHROPIC_COMPLETIONS,
    cloud.COMMAND,
    cloud.JURASSIC,
    cloud.MISTRAL,
    hosts.WRITER,
)

# Of what none of them knows: the names that most use. OpenAI's embeddings, images and transcriptions are of this kind.
PLAIN = Dialect(name="", marks=(), usage=(("usage",), ("x_groq", "usage")), usage_beside=cloud.METRICS)


def dialect_of(document: Mapping[str, Any]) -> Dialect | None:
    """The first row that one of the document's marks fits."""
    for dialect in DIALECTS:
        for mark in dialect.marks:
            if mark.path[0] in document and mark.fits(document):
                return dialect
    return None
