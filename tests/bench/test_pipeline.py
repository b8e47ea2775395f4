"""What the pipeline's figures are made of; the load itself is no test."""

from tests.bench.pipeline import ENDING, SETTLED, level


def test_the_level_of_a_part_is_the_median_of_its_points_without_the_collector() -> None:
    points = [(float(at), {"sink": at * 100, "collector": 7}) for at in range(1, 61)]
    assert level(points, 60, *SETTLED) == {"sink": 2500}
    assert level(points, 60, *ENDING) == {"sink": 5500}


def test_a_run_too_short_for_parts_is_one() -> None:
    assert level([(0.1, {"sink": 5}), (0.2, {"sink": 7})], 60, *ENDING) == {"sink": 6}
