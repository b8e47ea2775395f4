"""What the bodies of providers look like, as data: rows of paths, and nothing that computes.

row.py           what a row is, and how a path is walked
events.py        rows of OpenAI, Anthropic and Google: where a reply or an event of a stream says what
cloud.py         rows of Bedrock's model families
hosts.py         rows of Cohere, Ollama, llama.cpp, text-generation-inference and others
table.py         all of them in order, and which one a document belongs to
flavour.py       what a row about a usage object is
openai_usage.py  rows of OpenAI and its likes: what the figures of a usage object mean, hold and leave out
flavours.py      rows of all others, and the table

The sink reads replies by these rows (tracer/sink/reading.py, usage.py). A new provider is a row here, a body in
tests/conformance and the test that it makes. OpenAI's chat is the exception: nine of ten calls are that, so
tracer/sink/facts.py reads it by hand.
"""
