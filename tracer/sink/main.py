"""The sink process: one thread for each exporter, until SIGTERM; then what is left is delivered, if the backends take it."""

import logging
import signal
import threading
from functools import partial

from exporters import Exporter, clickhouse, otlp
from tracer.config import Settings
from tracer.sink import price
from tracer.sink.decode import decode
from tracer.sink.drain import Drain, Limits, decoder

_log = logging.getLogger(__name__)

# Decoded calls kept for the slower exporter, by the size of their records.
SHARED_BYTES = 64 << 20


def open_exporters(settings: Settings) -> list[Exporter]:
    """The exporters that the settings ask for; none of them connects yet."""
    found: list[Exporter] = [clickhouse.open(settings)]
    if settings.otel.traces or settings.otel.metrics:
        found.append(otlp.open(settings))
    return found


def run(settings: Settings) -> None:
    """Deliver what the spool holds until SIGTERM or SIGINT. Raises price.PriceError for a price table that cannot be used."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    exporters = open_exporters(settings)
    names = [exporter.name for exporter in exporters]
    limits = Limits(settings.batch_rows, settings.batch_bytes, settings.batch_wait, settings.spool_max_age)
    prices = price.load(settings.prices, settings.litellm_prices)
    read = decoder(partial(decode, prices=prices), SHARED_BYTES if len(exporters) > 1 else 0)
    drains = [Drain(settings.data_dir, exporter, names, read, limits, stop) for exporter in exporters]
    threads = [threading.Thread(target=drain.run, name=name) for drain, name in zip(drains, names, strict=True)]
    for thread in threads:
        thread.start()
    _log.info("delivering to %s", ", ".join(names))
    for thread in threads:
        thread.join()
    for exporter in exporters:
        exporter.close()
