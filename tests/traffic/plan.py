"""When and what: traces over day and night, the calls of each, how every call ends, and who tries again.

Strategy: 24 hours at a time, each from a seed of its own, as arrays with one element a call. A trace's calls follow one
another (those of some agents overlap), so a call's start is known once every duration is: columns.py puts it in.
A call that an SDK repeats is one more call of the same trace, with the same span and the next `attempt`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.traffic.market import BURSTS, FAILURES, INDEX, MODELS
from tests.traffic.people import APPLICATIONS, zipf_weights

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DAYS = 35
# What the clock shows where the calls are made when the data end: the same at whatever hour they are made, so that a test
# finds the same calls by day as by night.
THERE = datetime(2026, 11, 18, 15, 30, tzinfo=UTC)
OK, HIT = -1, -2  # how a call ended, beside the places in FAILURES
_MOST_TRIES = 3
_HOUR = np.array([1, 0.8, 0.7, 0.6, 0.7, 1, 1.8, 3.5, 6, 8, 9, 9.2, 8, 8.6, 9.4, 9, 8.2, 6.5, 4.5, 3.5, 3, 2.5, 2, 1.4])
_NIGHT = np.where((np.arange(24) >= 1) & (np.arange(24) <= 4), 6.0, 0.05)


@dataclass(frozen=True, slots=True)
class Plan:
    """One element a call, in the order of traces and, within one, of time. Times are seconds since the day's start."""

    trace: Ints  # number of the trace within the day
    trace_s: Floats
    day: Floats  # when, since the first day of the data
    overlaps: Bools  # the calls of this trace do
    place: Ints  # of the call in its trace
    attempt: Ints
    user: Ints  # -1: nobody said
    application: Ints
    model: Ints
    version: Ints  # of the model, by the time
    ending: Ints  # OK, HIT, or a place in FAILURES
    stream: Bools
    cached: Bools  # Tracer's cache was asked


def weight_of_day(day: datetime) -> float:
    """How busy 24 hours from then on are, compared with others: weekends are quiet, and the company grows."""
    hours = [day + timedelta(hours=hour) for hour in range(24)]
    busy = sum(_HOUR[at.hour] * (0.3 if at.weekday() >= 5 else 1.0) for at in hours)
    return float(busy * (1 + 0.008 * (day.toordinal() % 365)))


def calls_by_day(count: int) -> list[int]:
    """How many calls each of the days gets; adds up to `count`."""
    weights = np.array([weight_of_day(THERE - timedelta(days=DAYS - number)) for number in range(DAYS)])
    steps = np.round(np.cumsum(weights) / weights.sum() * count).astype(int)
    return [int(each) for each in np.diff(steps, prepend=0)]


def plan_day(rng: np.random.Generator, number: int, count: int, users: int) -> Plan:
    """The `count` calls of the `number`th day of the data."""
    start = THERE - timedelta(days=DAYS - number)
    traces = count  # more than needed: some have several calls, and what is too much is left out
    application = rng.choice(len(APPLICATIONS), traces, p=_shares([each.share for each in APPLICATIONS]))
    at_night = np.array([each.at_night for each in APPLICATIONS])[application]
    trace_s = np.where(at_night, _times(rng, start, traces, _NIGHT), _times(rng, start, traces, _HOUR))
    user = np.where(at_night | (rng.random(traces) < 0.05), -1, rng.choice(users, traces, p=zipf_weights(users)))
    calls = _per_application(rng, application, [each.calls for each in APPLICATIONS]) + 1
    trace = np.repeat(np.arange(traces), calls)
    place = np.arange(len(trace)) - np.repeat(np.cumsum(calls) - calls, calls)
    kind = application[trace]
    model = _models(rng, kind)
    day = number + trace_s[trace] / 86400
    version = _versions(model, day)
    made: dict[str, Any] = {
        "trace": trace,
        "trace_s": trace_s[trace],
        "day": day,
        "overlaps": (rng.random(traces) < 0.15)[trace],
        "place": place,
        "attempt": np.zeros(len(trace), np.int64),
        "user": user[trace],
        "application": kind,
        "model": model,
        "version": version,
        "stream": rng.random(len(trace)) < np.array([each.streams for each in APPLICATIONS])[kind],
        "cached": np.array([each.cached > 0 for each in APPLICATIONS])[kind],
    }
    made["ending"] = _endings(rng, made)
    hit = rng.random(len(trace)) < np.array([each.cached for each in APPLICATIONS])[kind]
    made["ending"][hit] = HIT
    return _cut(_with_retries(rng, made), count)


def _with_retries(rng: np.random.Generator, made: dict[str, Any]) -> dict[str, Any]:
    again = np.array([each.again for each in FAILURES])
    last = made
    for attempt in range(1, _MOST_TRIES):
        failed = (last["ending"] >= 0) & again[last["ending"]] & (rng.random(len(last["ending"])) < 0.7)
        last = {name: values[failed] for name, values in last.items()}
        last["attempt"] = np.full(int(failed.sum()), attempt)
        last["ending"] = _endings(rng, last)
        made = {name: np.concatenate([values, last[name]]) for name, values in made.items()}
    return made


def _cut(made: dict[str, Any], count: int) -> Plan:
    order = np.lexsort((made["attempt"], made["place"], made["trace"]))[:count]
    return Plan(**{name: values[order] for name, values in made.items()})


def _endings(rng: np.random.Generator, made: dict[str, Any]) -> Ints:
    """OK for most; else which failure, drawn by its share, or the one of a burst."""
    model, version, day, calls = made["model"], made["version"], made["day"], len(made["model"])
    failing = _by_version("failing")[model, version] * np.array([each.failing for each in MODELS])[model]
    kind = rng.choice(len(FAILURES), calls, p=_shares([each.share for each in FAILURES]))
    failed = rng.random(calls) < failing * 2.2
    provider = np.array([each.provider for each in MODELS])[model]
    for begin, end, name, failure, share in BURSTS:
        burst = (day >= begin) & (day < end) & (provider == name) & (rng.random(calls) < share)
        kind[burst], failed[burst] = failure, True
    # A stream can break, and only who waits for one is seen to leave.
    of_streams = np.isin(np.array([each.outcome for each in FAILURES]), ("stream_error", "client_gone"))[kind]
    failed &= ~of_streams | made["stream"]
    return np.where(failed, kind, OK)


def _times(rng: np.random.Generator, start: datetime, count: int, by_hour: Floats) -> Floats:
    """Seconds since `start`, by how busy each hour of the clock is."""
    weights = np.roll(by_hour, -start.hour)
    hour = rng.choice(24, count, p=weights / weights.sum())
    seconds: Floats = np.round((hour + rng.random(count)) * 3600, 6)
    return seconds


def _models(rng: np.random.Generator, application: Ints) -> Ints:
    choice = _per_application(rng, application, [tuple(share for _, share in each.models) for each in APPLICATIONS])
    most = max(len(each.models) for each in APPLICATIONS)
    numbers = [[INDEX[name] for name, _ in each.models] + [0] * (most - len(each.models)) for each in APPLICATIONS]
    found: Ints = np.array(numbers)[application, choice]
    return found


def _per_application(rng: np.random.Generator, application: Ints, shares: list[tuple[float, ...]]) -> Ints:
    """A choice for each element, by the shares of its application."""
    found = np.zeros(len(application), np.int64)
    for number, each in enumerate(shares):
        of_this = application == number
        found[of_this] = rng.choice(len(each), int(of_this.sum()), p=_shares(each))
    return found


def _versions(model: Ints, day: Floats) -> Ints:
    found = np.zeros(len(model), np.int64)
    for number, each in enumerate(MODELS):
        of_this = model == number
        found[of_this] = np.searchsorted([version.from_day for version in each.versions], day[of_this], "right") - 1
    return found


def _by_version(name: str) -> Floats:
    most = max(len(each.versions) for each in MODELS)
    rows = [[getattr(version, name) for version in each.versions] + [1.0] * (most - len(each.versions)) for each in MODELS]
    return np.array(rows)


def by_version(name: str, plan: Plan) -> Floats:
    """A factor of the model's version for each call."""
    found: Floats = _by_version(name)[plan.model, plan.version]
    return found


def _shares(weights: Any) -> Floats:
    array = np.asarray(weights, np.float64)
    normed: Floats = array / array.sum()
    return normed
