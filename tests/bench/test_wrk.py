"""What wrk prints is read as it means it, and a round in which calls failed is none."""

from pathlib import Path

import pytest

from tests.bench import wrk
from tests.bench.worker import Program

SAID = """\
Running 2s test @ http://127.0.0.1:10100/v1/chat/completions
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     5.54ms    1.02ms  13.65ms   90.00%
    Req/Sec     5.23k   100.00     5.40k    70.00%
  Latency Distribution
     50%  812.00us
     75%    5.90ms
     90%    6.10ms
     99%    1.06s
  10000 requests in 2.00s, 14.00MB read
Requests/sec:   5000.25
Transfer/sec:      7.00MB
"""


def test_a_round_is_read() -> None:
    assert wrk.read(SAID, 1.5, "it") == wrk.Round(calls=10000, cpu_us=150.0, calls_per_s=5000.25, p50_ms=0.812, p99_ms=1060.0)


@pytest.mark.parametrize(
    "said",
    [
        SAID + "  Non-2xx or 3xx responses: 3\n",
        SAID + "  Socket errors: connect 0, read 4, write 0, timeout 0\n",
        SAID.replace("10000 requests", "0 requests"),
    ],
    ids=["refused", "errors", "none"],
)
def test_failed_calls_are_no_measurement(said: str) -> None:
    with pytest.raises(SystemExit, match="nothing was measured"):
        wrk.read(said, 1.5, "it")


def test_median_is_of_each_figure() -> None:
    rounds = [wrk.Round(1, 10, 5, 3, 9), wrk.Round(2, 30, 6, 1, 8), wrk.Round(3, 20, 9, 2, 1)]
    assert wrk.median(rounds) == wrk.Round(2, 20, 6, 2, 8)


def test_script_sends_the_programs_headers(tmp_path: Path) -> None:
    program = Program("Portkey's gateway, log on", 1, 2, {"x-portkey-provider": "openai"})
    post = wrk.script(tmp_path, program, '{"model":"m"}')
    assert post.parent == tmp_path
    said = post.read_text()
    assert 'wrk.body = [==[{"model":"m"}]==]' in said
    assert 'wrk.headers["x-portkey-provider"] = [==[openai]==]' in said
    assert 'wrk.headers["Content-Type"] = [==[application/json]==]' in said
