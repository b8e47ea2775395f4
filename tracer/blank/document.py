"""Every dialect in one tree: whose body this is need not be known, and a body that mixes them is read all the same."""

import orjson

from tracer.blank.openai import CHAT, ERRORS
from tracer.blank.requests import REQUEST
from tracer.blank.rows import tree_of
from tracer.blank.rules import Rule, label, object_
from tracer.blank.usage import somewhere
from tracer.dialects.table import DIALECTS, PLAIN


def _tree() -> Rule:
    tree = tree_of((*DIALECTS, PLAIN))
    for rules in (CHAT, ERRORS, REQUEST):
        for key, rule in rules.items():
            tree.add((key,), rule)
    tree.add(("metadata", "user_id"), label)  # Anthropic's place for it
    # Usage of a provider without a row is read by its shape (tracer/sink/shapes.py), so it is kept by its shape too.
    return object_(tree.keys(), others=somewhere)


_DOCUMENT = _tree()


def blank_json(body: bytes | str) -> bytes:
    """The blanked form of a JSON object, or of a list of one; empty for anything else."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return b""
    if isinstance(document, list) and len(document) == 1 and isinstance(document[0], dict):
        return orjson.dumps([_DOCUMENT(document[0])])
    return orjson.dumps(_DOCUMENT(document)) if isinstance(document, dict) else b""
