"""`python -m tests.fuzz NAME [--seconds N] [--input FILE]`: one parser under a coverage-guided fuzzer (the extra `fuzz`).

Seeds come from tests/fuzz/seeds/NAME; what is found on the way goes to .cache/fuzz/NAME, which later runs go on from. A
finding ends the run with a traceback and a file of the input beside them; `--input` runs one such file again. It belongs into
the tests of the parser, as the smallest bytes that show it.
"""

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
FOUND = HERE.parents[1] / ".cache" / "fuzz"
LONGEST_INPUT = 4096
MEMORY_MB = 2048
# A single input that takes longer is a finding too.
SLOWEST_S = 10


def main() -> None:
    """Fuzz until time is over or something is found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--input", type=Path)
    wanted = parser.parse_args()
    if wanted.input is not None:
        from tests.fuzz.targets import TARGETS

        TARGETS[wanted.name](wanted.input.read_bytes())
        print("nothing found in it")
        return
    fuzz(wanted.name, wanted.seconds)


def fuzz(name: str, seconds: int) -> None:
    """Does not return: libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(include=["tracer"]):
        from tests.fuzz.targets import TARGETS
    if name not in TARGETS:
        sys.exit(f"no such target: {name}; there are {', '.join(TARGETS)}")
    corpus = FOUND / name
    corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as empty:
        seeds = HERE / "seeds" / name
        options = [
            f"-max_total_time={seconds}",
            f"-max_len={LONGEST_INPUT}",
            f"-timeout={SLOWEST_S}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-artifact_prefix={corpus}.",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus), str(seeds if seeds.is_dir() else empty)], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
