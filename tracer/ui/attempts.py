"""Failed logins by address, so that guessing is slow and the log quiet. In memory: a restart forgets them."""

from collections import deque
from datetime import datetime, timedelta

MOST_ATTEMPTS, IN = 10, timedelta(minutes=5)
_MOST_ADDRESSES = 10_000


class Attempts:
    """Failed logins of the last minutes by address. Bounded: the oldest address is forgotten first."""

    def __init__(self) -> None:
        self._failed: dict[str, deque[datetime]] = {}

    def too_many(self, address: str, now: datetime) -> bool:
        times = self._failed.get(address)
        while times and now - times[0] > IN:
            times.popleft()
        return times is not None and len(times) >= MOST_ATTEMPTS

    def failed(self, address: str, now: datetime) -> None:
        times = self._failed.pop(address, None) or deque(maxlen=MOST_ATTEMPTS)
        times.append(now)
        self._failed[address] = times
        while len(self._failed) > _MOST_ADDRESSES:
            del self._failed[next(iter(self._failed))]
