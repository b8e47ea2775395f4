"""What people and models write that must not be kept: keys, card numbers, addresses. Found by its form, replaced by its kind.

This is content, which callers' own keys are not (tracer/redact.py): those are known texts, always overwritten. This is off
until the operator names kinds (`TRACER_REDACT`), and happens to the recorded copy only.

    kinds.py      the names of the kinds, and what finds each
    keys.py, figures.py, mail.py    the built-in ones
    custom.py     the operator's own expressions
    analyzer.py   presidio's recognizers, an extra
    escapes.py    a text as it reads without its escapes, and where each character of that stood
    search.py     all kinds on one text: where something stands, and what stands there instead
    edits.py      pieces of a text replaced, and the lengths of the chunks in which it came
    framed.py     the pieces of a stream: where each one's documents stand
    events.py     the same of server-sent events
    stream.py     text that a stream spells over many events
    bodies.py     one recorded body, whatever its coding and framing
    redactor.py   whole records; what is left when the search fails

Invariants
- Text is replaced, never added to: usage, ids and figures that are no match stay as they were, byte for byte, wherever the
  document or event that they stand in holds no match.
- Every byte that is kept was searched as it reads and, where no reader would see it, as it is spelt.
- JSON stays JSON, also JSON that is a string in JSON.
- Where the bytes of a stream were cut, and at which letters its events cut the text, changes nothing of what is found.
- Time is linear in the text for the built-in kinds: what looks around a place looks a bounded way.
"""
