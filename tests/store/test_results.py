"""A result by way of a file (or pipe) is what the engine gives directly: every format, every way of writing a query."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest

from tests.store.test_engine import MEMORY
from tracer.store.engine import Engine

ROWS = "SELECT number AS n, toString(number) AS s, [number, 1] AS a, if(number = 1, NULL, 1.5) AS z FROM numbers(3) ORDER BY n"
# fmt: off
FORMATS = (
    "TabSeparated", "TSV", "TabSeparatedRaw", "TabSeparatedWithNames", "TSVWithNamesAndTypes", "CSV", "CSVWithNames",
    "CSVWithNamesAndTypes", "CustomSeparated", "SQLInsert", "Values", "Vertical", "JSON", "JSONStrings",
    "JSONColumns", "JSONColumnsWithMetadata", "JSONCompact", "JSONCompactStrings", "JSONCompactColumns",
    "JSONEachRow", "JSONLines", "NDJSON", "PrettyJSONEachRow", "JSONStringsEachRow", "JSONCompactEachRow",
    "JSONCompactEachRowWithNames", "JSONCompactEachRowWithNamesAndTypes", "JSONCompactStringsEachRow",
    "JSONObjectEachRow", "JSONEachRowWithProgress", "BSONEachRow", "TSKV", "Pretty", "PrettyCompact",
    "PrettyCompactMonoBlock", "PrettyNoEscapes", "PrettySpace", "Markdown", "RowBinary", "RowBinaryWithNames",
    "RowBinaryWithNamesAndTypes", "Native", "Null", "XML", "Parquet", "Arrow", "ArrowStream", "ORC", "Avro", "MsgPack",
    "LineAsString", "RawBLOB", "Prometheus", "Hash",
)
# fmt: on
# What says how long it took.
_TIMES = re.compile(rb'("elapsed(_ns)?":|<elapsed>) ?"?[\d.e-]+|"progress":\{[^}]*\}')
QUERIES = (
    "SELECT 1 + 1, -1, 1.0, 0.1, 'it''s', 'a\\nb\\t\\\\', NULL, true, [1, 2][1], (1, 'x'), (1, 2).1, map('a', 1)['a']",
    "SELECT CASE WHEN number > 1 THEN 'a' ELSE 'b' END, CASE number WHEN 1 THEN 2 END FROM numbers(3)",
    "SELECT number::String, CAST(number AS Float64), toDecimal64('1.50', 3)::Decimal(18, 2) FROM numbers(2)",
    "SELECT date '2020-01-01', now() > timestamp '2020-01-01 00:00:00', interval 1 day, today() - interval 1 week < today()",
    "SELECT number BETWEEN 1 AND 2, number NOT IN (1, 2), NOT number = 1, number IS NOT NULL FROM numbers(3)",
    "SELECT arrayMap(x -> x * 2, range(3)), arrayFilter((x, y) -> x > y, [1, 2], [2, 1])",
    "SELECT * EXCEPT (s) REPLACE (n + 1 AS n) FROM (SELECT 1 AS n, 's' AS s)",
    "SELECT count(*), count(), sum(number), quantile(0.5)(number), uniqIf(number, number > 1) FROM numbers(10)",
    "SELECT number % 2 AS k, count() FROM numbers(10) GROUP BY k WITH TOTALS ORDER BY k DESC NULLS LAST LIMIT 1 OFFSET 0",
    "SELECT number AS n FROM numbers(3) ORDER BY n WITH FILL TO 5 LIMIT 4 BY n",
    "SELECT row_number() OVER (PARTITION BY number % 2 ORDER BY number DESC) FROM numbers(4) ORDER BY ALL",
    "WITH (SELECT 1) AS one, x AS (SELECT 2 AS two) SELECT one, two FROM x",
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT n FROM t",
    "(SELECT 1 AS a) UNION ALL (SELECT 2) UNION DISTINCT SELECT 3",
    "SELECT 1 INTERSECT SELECT 1",
    "SELECT a.number, b.number FROM numbers(2) AS a LEFT ANY JOIN numbers(1) AS b USING (number) ORDER BY 1",
    "SELECT * FROM numbers(2) AS a, numbers(2) AS b WHERE a.number = b.number ORDER BY ALL",
    "SELECT arrayJoin([1, 2]) AS x, y FROM (SELECT [3, 4] AS y) ARRAY JOIN y",
    'FROM numbers(2) SELECT number AS `odd name`, number AS "FORMAT"',
    "SELECT $$ FORMAT CSV $$ -- FORMAT CSV",
    "SELECT {p:Array(String)}, {i:Int32} /* FORMAT CSV */ ;",
    "SELECT toTypeName(toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')), toIPv4('1.2.3.4'), toLowCardinality('x')",
    "SELECT '👍', 'ё' AS `ё`, unhex('FF')",
    "SELECT number FROM numbers(5) LIMIT 1, 2 SETTINGS max_threads = 1",
    "SELECT DISTINCT ON (k) number % 2 AS k FROM numbers(4) ORDER BY k",
    "SELECT number FROM numbers(10) WHERE number > 2 AND (number < 5 OR number = 7) QUALIFY row_number() OVER () > 1",
    "SELECT sum(number) FROM numbers(10) GROUP BY ROLLUP(number % 2, number % 3) HAVING sum(number) > 5 ORDER BY ALL",
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = Engine(tmp_path_factory.mktemp("results") / "store", MEMORY)
    yield opened
    opened.close()


def both(engine: Engine, file: Path, statement: str, **how: object) -> tuple[bytes, bytes, str]:
    told: list[str] = []

    def outfile(fmt: str) -> str:
        told.append(fmt)
        return str(file)

    direct = engine.run(statement, **how)  # type: ignore[arg-type]
    by_file = engine.run(statement, outfile=outfile, **how)  # type: ignore[arg-type]
    assert by_file.data == b""
    assert (by_file.rows, told) == (direct.rows, [direct.format])
    return direct.data, file.read_bytes(), direct.format


@pytest.mark.parametrize("fmt", FORMATS)
def test_every_format(engine: Engine, tmp_path: Path, fmt: str) -> None:
    rows = {"LineAsString": "SELECT 'x'", "RawBLOB": "SELECT 'x'", "Prometheus": "SELECT 'n' AS name, 1. AS value"}
    for how in ({"default_format": fmt}, {"statement": f" FORMAT {fmt}"}):
        statement = rows.get(fmt, ROWS) + how.pop("statement", "")
        direct, by_file, named = both(engine, tmp_path / "out", statement, **how)
        assert named == fmt
        if fmt == "Avro":  # it has a random mark between its blocks
            assert len(by_file) == len(direct)
        else:
            assert _TIMES.sub(b"", by_file) == _TIMES.sub(b"", direct)


@pytest.mark.parametrize("query", QUERIES)
def test_every_way_of_writing_a_query(engine: Engine, tmp_path: Path, query: str) -> None:
    parameters = {"p": "['a']", "i": "-1"}
    direct, by_file, _ = both(engine, tmp_path / "out", query, parameters=parameters, default_format="TSVWithNamesAndTypes")
    assert by_file == direct


def test_an_empty_result_and_a_large_one(engine: Engine, tmp_path: Path) -> None:
    direct, by_file, _ = both(engine, tmp_path / "out", "SELECT 1 AS a WHERE 0", default_format="CSVWithNames")
    assert by_file == direct == b'"a"\n'
    engine.run("SELECT number AS n FROM numbers(300000) FORMAT Parquet", outfile=lambda fmt: str(tmp_path / "large"))
    table = pyarrow.parquet.read_table(io.BytesIO((tmp_path / "large").read_bytes()))
    assert table["n"].to_pylist() == list(range(300_000))


def test_what_is_no_utf8_is_not_written_differently(engine: Engine, tmp_path: Path) -> None:
    # Such a literal cannot be sent back as text, so its result comes directly.
    found = engine.run(r"SELECT hex('\xff'), 'ж'", outfile=lambda fmt: str(tmp_path / "out"))
    assert found.data == "FF\tж\n".encode()


def test_an_error_in_the_middle(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="Code: 395"):
        engine.run("SELECT throwIf(number = 1000000) FROM numbers(2000000)", outfile=lambda fmt: str(tmp_path / "out"))
    assert (tmp_path / "out").stat().st_size > 100_000
