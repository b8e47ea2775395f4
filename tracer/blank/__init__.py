"""Take what people and models wrote out of a body, and leave what the columns of a Call are computed from.

Used where bodies must not reach the disk. The rule is a positive list, a tree of keys: what it names stays, every text in it
that is not a name becomes one character (so that one can still see whether there was any), and everything else is left out,
keys included, because keys are content too: in a JSON schema, in tool arguments, in metadata.

    rules.py      what may happen to a value: kept as a name, as a figure, blanked, looked into
    usage.py      figures of usage objects, by the words that their keys are made of
    rows.py       replies and events, by the rows of tracer/dialects
    openai.py     OpenAI's chat and everybody's errors, which have no row
    requests.py   parameters of requests
    document.py   all of these in one tree
    damaged.py    a document whose middle is missing
    stream.py     streams, event by event and in their own framing

Invariants
- No text outside the positions marked `name` leaves here (tests/blank plants canaries everywhere).
- sink.decode gives the same usage, cost, finish reasons, times to tokens, model and ids with and without blanking.
- Not JSON: nothing is left. A compressed body must be inflated first (tracer/inflate.py).
- A stream's events stay as they were cut: each piece gives the blanked form of the events that it completed.
"""

from tracer.blank.damaged import blank_damaged
from tracer.blank.document import blank_json
from tracer.blank.rules import PLACEHOLDER
from tracer.blank.stream import StreamBlanker

__all__ = ["PLACEHOLDER", "StreamBlanker", "blank_damaged", "blank_json"]
