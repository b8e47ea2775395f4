"""The alert rules as values. rule_files.py writes them as files that Grafana reads.

A rule's query gives one number for each combination of its text columns; above `limit` for `pending`, that combination fires.
Texts use `.Labels` and `.Values`, not `$labels`: a `$` in a provisioned text is taken for an environment variable by some
versions of Grafana and not by others. (In queries it never is.)
"""

from dataclasses import dataclass
from typing import Final

from dashboards import links

_VALUE = "{{ with .Values.A }}{{ printf `%.2f` .Value }}{{ end }}"
_SHARE = "{{ with .Values.A }}{{ humanizePercentage .Value }}{{ end }}"
_LABEL = "{{ .Labels.%s }}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `sql` names a file under panels/, or `metric` is what Prometheus is asked. It looks `minutes` back."""

    uid: str
    title: str
    summary: str
    description: str
    limit: float
    minutes: int
    board: str
    panel: str  # its title, on that board
    sql: str = ""
    metric: str = ""
    pending: str = "5m"
    severity: str = "warning"


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are looked at together."""

    name: str
    interval: str
    rules: tuple[Rule, ...]


CALLS = Group(
    "Tracer: calls",
    "1m",
    (
        Rule(
            uid="tracer-cost-spike",
            title="Cost spike",
            summary=f"{_LABEL % 'provider'} costs {_VALUE} times what it usually does at this hour",
            description="Cost of the last hour by provider, against the mean of the same hour on the seven days before. "
            "Hours under one dollar never fire, nor does a provider without a history.",
            sql="alerts/cost_spike",
            limit=3,
            minutes=60,
            pending="10m",
            board=links.COST,
            panel="Cost by model",
        ),
        Rule(
            uid="tracer-error-rate",
            title="Error rate",
            summary=f"{_SHARE} of the calls to {_LABEL % 'provider'} fail",
            description="Share of the calls of the last ten minutes that did not end well, by provider, from 20 calls on. "
            "Callers who left and requests that Tracer refused do not count.",
            sql="alerts/error_rate",
            limit=0.05,
            minutes=10,
            severity="critical",
            board=links.RELIABILITY,
            panel="Failed share by provider",
        ),
        Rule(
            uid="tracer-first-token",
            title="Time to first token",
            summary=f"First tokens of {_LABEL % 'model'} at {_LABEL % 'provider'} take {_VALUE} ms",
            description="95 % of the streams of the last 15 minutes had their first token sooner than this, by model, from "
            "20 streams on.",
            sql="alerts/first_token",
            limit=10_000,
            minutes=15,
            pending="10m",
            board=links.LATENCY,
            panel="First token by model",
        ),
        Rule(
            uid="tracer-fingerprint",
            title="New fingerprint",
            summary=f"{_LABEL % 'model'} at {_LABEL % 'provider'} answers with a new fingerprint, {_LABEL % 'fingerprint'}",
            description="A fingerprint with at least five answers in the last hour and none in the 30 days before that, of a "
            "model that was in use before: its provider changed something. It stops by itself an hour later.",
            sql="alerts/fingerprint",
            limit=0,
            minutes=60,
            pending="0s",
            severity="info",
            board=links.FINGERPRINTS,
            panel="Fingerprints",
        ),
        Rule(
            uid="tracer-unpriced",
            title="Unpriced calls",
            summary=f"Nobody knows what {_LABEL % 'model'} at {_LABEL % 'provider'} costs ({_LABEL % 'reason'})",
            description="Calls of the last hour that were answered and whose cost is unknown, by model. Give the model a "
            "price (or 0) in the price file that TRACER_PRICES names.",
            sql="alerts/unpriced",
            limit=0,
            minutes=60,
            pending="15m",
            board=links.COST,
            panel="Unpriced calls",
        ),
    ),
)

ITSELF = Group(
    "Tracer: itself",
    "1m",
    (
        Rule(
            uid="tracer-spool-lag",
            title="Spool lag",
            summary=f"Exporter {_LABEL % 'exporter'} is {_VALUE} seconds behind",
            description="Age of the oldest record that an exporter has not delivered. Nothing is lost yet: records wait on "
            "disk, up to the spool's bound.",
            metric="max by (exporter) (tracer_lag_seconds)",
            limit=60,
            minutes=5,
            severity="critical",
            board=links.ITSELF,
            panel="Lag over time",
        ),
        Rule(
            uid="tracer-lost-records",
            title="Lost records",
            summary=f"{_VALUE} records of calls were lost",
            description="Records that were dropped, or given up and put aside, in the last ten minutes. The calls themselves "
            "went through.",
            # Not increase(): a counter that appears with its first loss has not increased.
            metric=" + ".join(
                f"((sum({name}) or vector(0)) - (sum({name} offset 10m) or vector(0)))"
                for name in ("tracer_dropped_records_total", "tracer_dead_letters_total")
            ),
            limit=0,
            minutes=10,
            pending="0s",
            severity="critical",
            board=links.ITSELF,
            panel="Dropped and dead",
        ),
    ),
)

FILES: Final = {"tracer.yaml": CALLS, "tracer-itself.yaml": ITSELF}
