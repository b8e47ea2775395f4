"""How long each named question takes on a million calls of 35 days: `python -m tests.dashboards.times` prints the table of
docs/performance.md. The fastest of some rounds, from asking to the last byte.
"""

import time

from dashboards import queries
from dashboards.queries import Query
from tests.traffic.million import Traffic, million
from tracer.store.client import connect


def timed(traffic: Traffic, query: Query, rounds: int = 2) -> dict[str, float]:
    """Milliseconds for the time that the question looks back to by itself, and for all that there is."""
    since = any(each.name == "since" for each in query.parameters)
    found = {"default": _fastest(traffic, query, {}, rounds)}
    return found | {"35 days": _fastest(traffic, query, {"since": traffic.start.isoformat()}, rounds)} if since else found


def _fastest(traffic: Traffic, query: Query, given: dict[str, str], rounds: int) -> float:
    bound = query.bind({"until": traffic.end.isoformat(), **given}, traffic.end)
    fastest = float("inf")
    with connect(traffic.settings, write=False) as client:
        for _ in range(rounds):
            began = time.perf_counter()
            client.raw_query(query.sql, parameters=bound, fmt="JSONEachRow")
            fastest = min(fastest, time.perf_counter() - began)
    return fastest * 1000


def main() -> None:
    with million() as traffic:
        print("| question | reads | looks back | ms | 35 days, ms |\n|---|---|---|---|---|")
        for name in queries.names():
            query = queries.read(name)
            took = timed(traffic, query, rounds=3)
            back = next((each.default for each in query.parameters if each.name == "since"), "–")
            reads, whole = "sums" if query.of_sums else "rows", took.get("35 days", took["default"])
            print(f"| `@{name}` | {reads} | {back} | {took['default']:.0f} | {whole:.0f} |", flush=True)


if __name__ == "__main__":
    main()
