"""Results as a picture: what a plain call costs in each program, and how much of what each target allows is used.

SVG by hand, light, self-contained. Both panels are on logarithmic scales, because the programs are three orders of magnitude
apart; numbers stand beside the bars.
"""

import math
from collections.abc import Sequence
from html import escape

from tests.bench.results import Results
from tests.bench.table import cpu_by_program, number
from tests.bench.targets import Line, lines

WIDTH, ROW, BAR, LEFT, RIGHT = 960, 24, 14, 470, 130
_INK, _FAINT, _OURS, _OTHERS, _PASS, _MISS = "#1f2430", "#6b7280", "#2563eb", "#9ca3af", "#15803d", "#c2410c"
# A target missed by more than that has a bar as long as one missed by that.
_MOST = 30.0
_FONT = "font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, sans-serif\""


def chart(results: Results) -> str:
    top = _programs(results, 40)
    bottom, height = _targets(results, top[1] + 40)
    size = f'width="{WIDTH}" height="{height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {size} {_FONT}>',
            "<title>Tracer's benchmarks</title>",
            f'<rect {size} fill="#ffffff"/>',
            *top[0],
            *bottom,
            "</svg>",
            "",
        ]
    )


def _programs(results: Results, y: int) -> tuple[list[str], int]:
    """CPU of a plain call; where the panel ends."""
    found = cpu_by_program(results)
    parts = [_text(24, y, "CPU of one plain call, microseconds (logarithmic)", 16, bold=True)]
    if not found:
        return [*parts, _text(24, y + ROW, "not measured", 13, _FAINT)], y + 2 * ROW
    ends = _Scale([one.value for _, one in found], least=5)
    for row, (name, one) in enumerate(found):
        at = y + 18 + row * ROW
        colour = _OURS if name.startswith("tracer") else _OTHERS
        parts += _bar(at, name, ends.width(one.value), colour, f"{number(one.value)} µs")
    return parts, y + 18 + len(found) * ROW


def _targets(results: Results, y: int) -> tuple[list[str], int]:
    """Used share of what is allowed; where the picture ends."""
    measured = [line for line in lines(results) if line.ours is not None and line.target.bound]
    parts = [_text(24, y, "Of what each target allows, used (left of the line: met; logarithmic)", 16, bold=True)]
    if not measured:
        return [*parts, _text(24, y + ROW, "not measured", 13, _FAINT)], y + 3 * ROW
    used = [min(max(line.target.used(line.ours), 0.01), _MOST) for line in measured if line.ours]
    ends = _Scale([*used, 1.0, 2.0], least=0.02)
    limit = LEFT + ends.width(1.0)
    bottom = y + 18 + len(measured) * ROW
    parts.append(
        f'<line x1="{limit:.1f}" x2="{limit:.1f}" y1="{y + 14}" y2="{bottom}" stroke="{_INK}" stroke-dasharray="3 3"/>'
    )
    for row, (line, share) in enumerate(zip(measured, used, strict=True)):
        colour = _PASS if line.verdict == "pass" else _MISS
        parts += _bar(y + 18 + row * ROW, line.target.what.replace("`", ""), ends.width(share), colour, _told(line))
    return parts, bottom + 24


def _told(line: Line) -> str:
    assert line.ours
    return f"{number(line.ours.value)} {line.ours.unit}"


class _Scale:
    """From values to lengths of bars."""

    def __init__(self, values: Sequence[float], least: float) -> None:
        self._low = math.log10(least)
        self._high = max(math.log10(max(values)), self._low + 1)

    def width(self, value: float) -> float:
        share = (math.log10(max(value, 1e-9)) - self._low) / (self._high - self._low)
        return max(2.0, min(1.0, share) * (WIDTH - LEFT - RIGHT))


def _bar(y: int, label: str, width: float, colour: str, told: str) -> list[str]:
    middle = y + BAR - 2
    return [
        f'<text x="{LEFT - 10}" y="{middle}" font-size="13" fill="{_INK}" text-anchor="end">{escape(label)}</text>',
        f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" rx="2" fill="{colour}"/>',
        _text(LEFT + width + 8, middle, told, 12, _FAINT),
    ]


def _text(x: float, y: float, said: str, size: int, colour: str = _INK, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    halo = ' stroke="#ffffff" stroke-width="3" paint-order="stroke"'  # numbers stay legible where a line crosses them
    return f'<text x="{x:.1f}" y="{y}" font-size="{size}"{weight} fill="{colour}"{halo}>{escape(said)}</text>'
