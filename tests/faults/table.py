"""Every fault: name, promise, what happens, how often in a full run."""

from tests.faults import clients, clocks, disk, killed, limits, otlp, power, store, upgrade, upstream
from tests.faults.records import Fault

BEHIND = "no reply fails or waits; every call has one row; spans come; nothing is dropped"
OPEN = "rows never double; calls that were open leave one"
FAST = f"durability `fast`: at most the calls of the last group commit are lost; {OPEN}"
STRICT = f"durability `strict`: no call is lost whose caller saw it complete; {OPEN}"
UPSTREAM = "every call has one row, which says how it ended; nothing is dropped"

TABLE = (
    Fault(
        "worker-killed-fast",
        FAST,
        killed.worker_fast,
        times=100,
        least=2,
        limit_s=600,
    ),
    Fault(
        "worker-killed-strict",
        STRICT,
        killed.worker_strict,
        times=100,
        least=2,
        limit_s=600,
    ),
    Fault("sink-killed", BEHIND, killed.sink, times=100, least=2, limit_s=600),
    Fault("store-killed", BEHIND, killed.store, times=30, least=2, limit_s=300),
    Fault("everything-killed", FAST, killed.everything, times=10, least=1, limit_s=200),
    Fault("sigterm", "calls in flight end; none is lost, rows never double; exit code 0", killed.sigterm, times=5, limit_s=200),
    Fault(
        "power-cut-fast",
        "durability `fast`: at most the calls of the last group commit are lost, at every cut; rows never double",
        power.fast,
        times=10,
        least=2,
        limit_s=300,
    ),
    Fault(
        "power-cut-strict",
        "durability `strict`: no call is lost whose caller saw it complete; rows never double",
        power.strict,
        times=10,
        least=2,
        limit_s=300,
    ),
    Fault("clickhouse-refuses", BEHIND, store.refuses, limit_s=150),
    Fault("clickhouse-hangs", BEHIND, store.hangs, limit_s=150),
    Fault("clickhouse-never-answers", BEHIND, store.mute, limit_s=200),
    Fault("clickhouse-errs", BEHIND, store.errs, limit_s=150),
    Fault("clickhouse-read-only", BEHIND, store.read_only, limit_s=150),
    Fault("clickhouse-read-only-user", BEHIND, store.read_only_user, limit_s=150),
    Fault("clickhouse-slow", BEHIND, store.slow, limit_s=150),
    Fault("clickhouse-cut-before", BEHIND, store.cut_before, limit_s=150),
    Fault("clickhouse-cut-half", BEHIND, store.cut_half, limit_s=150),
    Fault("clickhouse-cut-after", BEHIND, store.cut_after, limit_s=150),
    Fault("clickhouse-backlog", BEHIND, store.backlog, times=360_000, least=2000, limit_s=900),
    Fault("otlp-429", f"{BEHIND}; Retry-After is kept to", otlp.throttles, limit_s=120),
    Fault("otlp-500", BEHIND, otlp.fails, limit_s=120),
    Fault("otlp-503", BEHIND, otlp.unavailable, limit_s=120),
    Fault("otlp-302", BEHIND, otlp.redirects, limit_s=120),
    Fault("otlp-partial", "as above, but for the spans that were rejected: these are counted", otlp.rejects, limit_s=120),
    Fault("otlp-hangs", BEHIND, otlp.hangs, limit_s=120),
    Fault("otlp-refuses", BEHIND, otlp.refuses, limit_s=120),
    Fault("disk-full", BEHIND, disk.full, limit_s=150),
    Fault("disk-read-only", BEHIND, disk.read_only, limit_s=150),
    Fault("spool-bound-drop-old", "replies go on; what has no row is counted, to the record", disk.bound_drop_old, limit_s=150),
    Fault("spool-bound-drop-new", "replies go on; what has no row is counted, to the record", disk.bound_drop_new, limit_s=150),
    Fault(
        "spool-damaged",
        "the records that the damage touches are gone, counted by place, and no others",
        disk.damaged,
        limit_s=150,
    ),
    Fault("clock-jumps", BEHIND, clocks.jumps, limit_s=150),
    Fault("upstream-resets", UPSTREAM, upstream.resets, limit_s=120),
    Fault("upstream-stalls", UPSTREAM, upstream.stalls, limit_s=120),
    Fault("upstream-half-sent", UPSTREAM, upstream.half_sends, limit_s=120),
    Fault("upstream-garbage", UPSTREAM, upstream.garbles, limit_s=120),
    Fault(
        "clients-leave",
        "every call has one row, `client_gone` for those; others are served",
        clients.leave,
        times=10_000,
        least=200,
        limit_s=240,
    ),
    Fault("clients-one-byte", "every call has one row; others are served", clients.one_byte, times=200, least=50, limit_s=150),
    Fault("memory-300-mb", "the worker lives; every call has one row", limits.memory, limit_s=150),
    Fault("descriptors", "every accepted call has one row; afterwards all is as before", limits.descriptors, limit_s=150),
    Fault("upgrade", f"the schema is brought up to date; {BEHIND}", upgrade.upgrade, times=50_000, least=1000, limit_s=400),
)
