"""The long run: mixed load and random faults on a real `tracer up`, and whether anything is lost, doubled, or grows.

records.py   what is measured and judged, as docs/soak.json keeps it
mix.py       the load: kinds of calls, and how each may end          happenings.py  the faults, in the order that a seed gives
run.py       start, load and faults, wait until nothing waits, judge  state.py  what is noted meanwhile: kills, gaps, counters
measure.py   memory, descriptors, threads, disk, lag, every few seconds
flat.py      whether a quantity grows                                counts.py      what was sent against rows and spans
page.py      docs/soak.md, from docs/soak.json and soak.txt          chart.py       docs/pictures/soak.svg

Provider, collector, clients and the comparison of books are those of tests/faults.
"""
