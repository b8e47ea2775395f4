"""The sink process: one thread for each exporter, until SIGTERM; then what is left is delivered, if the backends take it."""

import gc
import logging
import signal
import threading
from functools import partial

from exporters import Exporter, clickhouse, otlp
from tracer.config import Settings
from tracer.sink import price
from tracer.sink.contents import decoder
from tracer.sink.decode import decode
from tracer.sink.drain import Drain, Limits
from tracer.sink.shelf import Shelf

_log = logging.getLogger(__name__)

# Batches kept for the exporters behind, as they were spooled and decoded.
SHARED_BYTES = 128 << 20
# Some twenty objects of each call live until its batch is delivered, all else is freed by counting. The collector's usual
# thresholds would have it walk through whole batches several times a second, and find nothing.
_COLLECT_AFTER = 100_000


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
    read, shelf = decoder(partial(decode, prices=prices)), Shelf(names, SHARED_BYTES)
    drains = [Drain(settings.data_dir, exporter, names, read, limits, stop, shelf) for exporter in exporters]
    threads = [threading.Thread(target=drain.run, name=name) for drain, name in zip(drains, names, strict=True)]
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 50)
    for thread in threads:
        thread.start()
    _log.info("delivering to %s", ", ".join(names))
    for thread in threads:
        thread.join()
    for exporter in exporters:
        exporter.close()
