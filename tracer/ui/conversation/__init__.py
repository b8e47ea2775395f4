"""A call's bodies as a conversation that people can read. Values in, values out: no I/O, no HTML.

`read.conversation` looks at what the two bodies are and asks the reader of that dialect. What no reader knows stays JSON.
"""
