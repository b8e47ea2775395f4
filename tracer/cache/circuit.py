"""Whether to try something that has failed: after a few failures in a row, not for a while, and then one try at a time.

A dead Redis must not cost every call its time-out. Closed: all may try. Open: nobody, for PAUSE_S. Then one caller probes,
while the others still go without; its success closes the circuit, its failure opens it for another pause.
"""

from collections.abc import Callable

MOST_FAILURES = 3
PAUSE_S = 2.0


class Circuit:
    """Counts failures in a row; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._closed_again_at = 0.0

    def may_try(self) -> bool:
        """Whether to try now; after a pause the asking caller is the one that probes."""
        if self._failures < MOST_FAILURES:
            return True
        now = self._clock()
        if now < self._closed_again_at:
            return False
        # A probe that is cancelled says nothing; the next may go when this one would be over.
        self._closed_again_at = now + PAUSE_S
        return True

    def worked(self) -> None:
        self._failures = 0

    def failed(self) -> bool:
        """Note a failure; says whether it opened the circuit, which is worth one line in the log."""
        self._failures += 1
        self._closed_again_at = self._clock() + PAUSE_S
        return self._failures == MOST_FAILURES
