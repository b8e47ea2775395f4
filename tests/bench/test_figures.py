"""Percentiles are values that were measured, and a slope is what a line through the points has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.figures import percentile, slope

NUMBERS = st.lists(st.integers(-1000, 1000), min_size=1, max_size=60)


def test_percentiles_of_a_hundred() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (50, 99, 100)


@given(NUMBERS, st.floats(0.1, 100))
def test_percentile_is_the_least_value_that_so_many_do_not_exceed(values: list[int], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= percent / 100 * len(values)
    less = [value for value in values if value < found]
    assert len(less) < percent / 100 * len(values)


def test_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 50)


@given(st.floats(-5, 5), st.floats(-100, 100), st.integers(2, 40))
def test_slope_of_a_line_is_the_lines(steepness: float, start: float, count: int) -> None:
    points = [(float(x), start + steepness * x) for x in range(count)]
    assert slope(points) == pytest.approx(steepness, abs=1e-6)


def test_slope_of_a_point_is_none() -> None:
    assert slope([(1.0, 5.0)]) == slope([]) == 0
    assert slope([(1.0, 5.0), (1.0, 6.0)]) == 0
