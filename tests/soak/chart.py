"""A run as a picture: memory, descriptors, threads, spool and disk over time, with the faults above them.

SVG by hand, light, self-contained: on a white ground of its own, for dark pages too. Panels begin at zero.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from tests.soak import flat
from tests.soak.records import Sample, Soak

WIDTH, LEFT, RIGHT, PANEL, GAP = 1000, 132, 190, 110, 46
_INK, _FAINT, _GRID = "#1f2430", "#6b7280", "#e5e7eb"
_COLOURS = {"worker 0": "#2563eb", "worker 1": "#0891b2", "sink": "#c2410c", "store": "#15803d"}
_OTHERS = ("#7c3aed", "#be185d", "#a16207")
# Faults by kind, one line of marks each.
_KINDS = {
    "kill": ("kill -9", "#b91c1c"),
    "restart": ("everything again", "#111827"),
    "clickhouse": ("store away, hanging", "#15803d"),
    "otlp": ("collector", "#7c3aed"),
    "provider": ("provider", "#a16207"),
    "clients": ("clients", "#0891b2"),
    "disk": ("disk full", "#be185d"),
}
_FONT = "font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\""
_ROW = 15


@dataclass(frozen=True, slots=True)
class Series:
    """A line: pieces of (seconds, value), one for each life of a process."""

    name: str
    colour: str
    pieces: Sequence[Sequence[tuple[float, float]]]


def chart(soak: Soak) -> str:
    """The whole picture; a title without panels if nothing was measured."""
    end = max((sample.at for sample in soak.samples), default=soak.minutes * 60) or 60.0
    parts, y = _faults(soak, end, 52)
    for title, unit, series in _panels(soak.samples):
        parts += _panel(y, title, unit, series, end)
        y += PANEL + GAP
    parts += _axis(y - GAP, end)
    height = y - GAP + 34
    size = f'width="{WIDTH}" height="{height}"'
    title = f"{soak.minutes:g} minutes of mixed load with {len(soak.events)} faults" if soak.samples else "not measured yet"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {size} {_FONT}>',
            "<title>Tracer's long run</title>",
            f'<rect {size} fill="#ffffff"/>',
            _text(24, 30, title, 16, _INK, bold=True),
            *parts,
            "</svg>",
            "",
        ]
    )


def _panels(samples: Sequence[Sample]) -> list[tuple[str, str, list[Series]]]:
    return [
        ("memory", "MB", _by_process(samples, flat.QUANTITIES[0])),
        ("descriptors", "", _by_process(samples, flat.QUANTITIES[1])),
        ("threads", "", _by_process(samples, flat.QUANTITIES[2])),
        ("spool", "MB", [_one("on disk", _INK, samples, lambda sample: sample.spool_mb)]),
        (
            "disk",
            "MB",
            [
                _one("store", _COLOURS["store"], samples, lambda sample: sample.store_mb),
                _one("the rest", _FAINT, samples, lambda sample: sample.other_mb),
            ],
        ),
        ("lag", "s", [_one("oldest record", _INK, samples, lambda sample: sample.lag_s)]),
    ]


def _by_process(samples: Sequence[Sample], quantity: flat.Quantity) -> list[Series]:
    others = iter(_OTHERS * 8)
    return [
        Series(
            name,
            _COLOURS.get(name) or next(others),
            [[(at, quantity.of(usage)) for at, usage in life] for life in flat.lives(samples, name)],
        )
        for name in flat.processes(samples)
    ]


def _one(name: str, colour: str, samples: Sequence[Sample], of: Callable[[Sample], float]) -> Series:
    return Series(name, colour, [[(sample.at, of(sample)) for sample in samples]])


def _faults(soak: Soak, end: float, y: int) -> tuple[list[str], int]:
    """A row of marks for each kind of fault; where the rows end."""
    parts = []
    for kind, (label, colour) in _KINDS.items():
        parts.append(f'<text x="{LEFT - 8}" y="{y + 9}" font-size="10" fill="{_FAINT}" text-anchor="end">{label}</text>')
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y + 5.5}" y2="{y + 5.5}" stroke="{_GRID}"/>')
        for event in soak.events:
            if event.kind == kind:
                width = max(2.5, _x(event.lasted_s, end) - LEFT)
                told = escape(f"{event.name}, {event.at / 60:.1f} min, {event.lasted_s:g} s")
                parts.append(
                    f'<rect x="{_x(event.at, end):.1f}" y="{y}" width="{width:.1f}" height="11" rx="1" fill="{colour}">'
                    f"<title>{told}</title></rect>"
                )
        y += _ROW
    return parts, y + 36


def _panel(y: int, title: str, unit: str, series: Sequence[Series], end: float) -> list[str]:
    top = _round_up(max((value for one in series for piece in one.pieces for _, value in piece), default=1.0))
    parts = [_text(24, y - 14, f"{title}, {unit}" if unit else title, 13, _INK, bold=True)]
    for share in (0.0, 0.5, 1.0):
        at = y + PANEL * (1 - share)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="{_GRID}"/>')
        parts.append(
            f'<text x="{LEFT - 8}" y="{at + 4:.1f}" font-size="11" fill="{_FAINT}" text-anchor="end">{top * share:,.4g}</text>'
        )
    for number, one in enumerate(series):
        parts += _lines(one, y, top, end)
        last = next((piece[-1][1] for piece in reversed(one.pieces) if piece), 0.0)
        parts.append(_text(WIDTH - RIGHT + 14, y + 14 + 18 * number, f"{one.name}: {last:,.4g} at the end", 12, one.colour))
    return parts


def _lines(one: Series, y: int, top: float, end: float) -> list[str]:
    drawn = []
    for piece in one.pieces:
        points = " ".join(f"{_x(at, end):.1f},{y + PANEL * (1 - value / top):.1f}" for at, value in piece)
        if len(piece) == 1:  # a process that was there for one sample
            points += " " + points.replace(points.partition(",")[0], f"{_x(piece[0][0], end) + 1:.1f}", 1)
        drawn.append(
            f'<polyline points="{points}" fill="none" stroke="{one.colour}" stroke-width="1.4" stroke-linejoin="round"/>'
        )
    return drawn


def _axis(y: int, end: float) -> list[str]:
    """Minutes, below the last panel."""
    step = next(step for step in (0.25, 0.5, 1, 2, 5, 10, 20, 60, 120, 1e9) if end / 60 / step <= 12)
    marks = [step * number for number in range(int(end / 60 / step) + 1)]
    parts = [
        f'<text x="{_x(mark * 60, end):.1f}" y="{y + 18}" font-size="11" fill="{_FAINT}" text-anchor="middle">{mark:g}</text>'
        for mark in marks
    ]
    return [*parts, _text(WIDTH - RIGHT + 14, y + 18, "minutes", 11, _FAINT)]


def _x(at: float, end: float) -> float:
    return LEFT + at / end * (WIDTH - LEFT - RIGHT)


def _round_up(value: float) -> float:
    """The next 1, 2, 3, 4, 5, 6, 8 times a power of ten."""
    scale = 1.0
    while scale * 10 < value:
        scale *= 10
    return next((scale * step for step in (1, 2, 3, 4, 5, 6, 8, 10) if scale * step >= value), scale * 10)


def _text(x: float, y: float, said: str, size: int, colour: str, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y}" font-size="{size}"{weight} fill="{colour}">{escape(said)}</text>'
