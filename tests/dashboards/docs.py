"""docs/queries.md: what every named question answers, from the heads of dashboards/queries/*.sql."""

from collections.abc import Iterator

from dashboards import queries
from dashboards.queries import Query

_INTRO = """\
# Questions

Written by `python -m tests.docs` from `dashboards/queries/*.sql`; change them there.

Each question is an `.sql` file that runs on the embedded store and on a ClickHouse server alike:

```sh
tracer query --list                                     # all of them, one line each; --format json for programs
tracer query @cost-by-model --since 7d                  # a table on a terminal, tab-separated in a pipe
tracer query @cost-by-metadata --param key=environment --from 2026-11-01 --to 2026-11-08
tracer query @slowest-calls --since 24h --model gpt-4o --limit 5 --format JSON
tracer query @stalls --help                             # what it answers, its parameters and columns
```

A time is an age (`90m`, `24h`, `7d`, `2w`), `now`, `today`, `yesterday`, `month` (its first day), or a date with or without a
time, UTC unless it names a zone. `--since`, `--until`, `--model`, `--provider`, `--user` and `--limit` are parameters of most
questions; `--param name=value` sets any. Another client binds the same parameters as ClickHouse does, and has to give all:

```sh
curl 'http://127.0.0.1:8123/' --data-urlencode "query@cost-by-day.sql" -G \\
  -d param_since='2026-11-01 00:00:00' -d param_until='2026-11-08 00:00:00' -d param_model= -d param_provider=
```

## Export

`--format` takes every format of ClickHouse, binary ones too. A month of calls, and what was said in them, as Parquet:

```sh
tracer query "SELECT * FROM llm.calls WHERE toStartOfMonth(started_at) = '2026-11-01'" --format Parquet > calls.parquet
tracer query "SELECT * FROM llm.bodies WHERE toStartOfMonth(started_at) = '2026-11-01'" --format Parquet > bodies.parquet
tracer query @cost-by-user --since 30d --param limit=100000 --format CSVWithNames > users.csv
```

## Sums by minute and hour

`llm.calls_by_minute` and `llm.calls_by_hour` are sums of `llm.calls` that materialized views keep up as rows come; questions
marked *sums* read them, so a month of a busy service answers at once. Their times are whole minutes or hours: the one in which
`since` falls counts in full. Their rows merge in the background, so a query of your own sums up:

```sql
SELECT hour, request_model, sum(calls), sum(cost_usd), quantilesTDigestMerge(0.5, 0.95)(ttft_ms)
FROM llm.calls_by_hour WHERE hour >= now() - INTERVAL 1 DAY GROUP BY hour, request_model
```

They hold nothing of users or texts, and stay for `TRACER_ROLLUP_RETENTION_DAYS` when the calls are gone. A batch that comes
again after a crash, and calls that come late, are counted right. Rows that you delete from `llm.calls` stay in the sums.

What was in `llm.calls` before the views were made is summed up once, when Tracer first starts with them. On a cluster the
operator does that, after `tracer schema --cluster NAME` was run, on one replica of each shard and for each day that has calls:
take the `SELECT` of `llm.into_calls_by_minute` (`SHOW CREATE TABLE`), put `WHERE toDate(made.started_at) = '2026-11-01'` before
its `GROUP BY` and `INSERT INTO llm.calls_by_minute_local` before it; the same for the hours. Stop the sinks while you do it.
"""


def queries_page() -> str:
    """The page's text."""
    there = [queries.read(name) for name in queries.names()]
    lines = [_INTRO, "## The questions", "", "| question | what it answers | reads |", "|---|---|---|"]
    lines += [f"| [`@{each.name}`](#{each.name}) | {_cell(each.description)} | {_reads(each)} |" for each in there]
    for each in there:
        lines += ["", *_section(each)]
    return "\n".join(lines) + "\n"


def _reads(query: Query) -> str:
    return "sums" if query.of_sums else "calls" if "llm.calls" in query.sql or "call_feedback" in query.sql else "spans"


def _section(query: Query) -> Iterator[str]:
    yield f"### {query.name}"
    yield ""
    yield f"{query.title}. {query.description}"
    yield ""
    yield "| parameter | type | default | meaning |"
    yield "|---|---|---|---|"
    for parameter in query.parameters:
        default = f"`{parameter.default}`" if parameter.default else "empty"
        yield f"| `{parameter.name}` | `{parameter.type}` | {default} | {_cell(parameter.meaning)} |"
    yield ""
    yield "| column | type | meaning |"
    yield "|---|---|---|"
    for column in query.columns:
        yield f"| `{column.name}` | `{column.type}` | {_cell(column.meaning)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
