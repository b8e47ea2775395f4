"""What Tracer loses, counted: `make faults` lets each fault happen under steady load and compares the books of all.

records.py    what a fault is, what a run of it found          table.py     every fault: name, promise, how often
load.py       clients: plain and streamed calls, each with a token, and what each of them got
provider.py   the provider, a process of its own, which counts what it served by token
collector.py  an OTLP collector that misbehaves on demand      gate.py      the same for ClickHouse
stack.py      Tracer's processes, started one by one or by `tracer up`, and ways to kill them
spooled.py    the spool seen from outside, and records put into it ahead
scene.py      all of these together for one fault              books.py     sent against stored: the row of the matrix
killed.py power.py store.py otlp.py disk.py clocks.py upstream.py clients.py limits.py upgrade.py    the faults, by theme
page.py       docs/fault-matrix.md, from docs/fault-matrix.json
"""
