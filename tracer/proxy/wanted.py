"""What a front door wants asked of a provider: its own dialect turned into a call of the OpenAI door."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """One call in OpenAI's dialect, as a door made it from a request in its own."""

    path: str  # of the OpenAI door: "/v1/chat/completions"
    body: dict[str, object]
    provider: str = ""  # slug to use where the caller's headers name none
    headers: tuple[tuple[str, str], ...] = ()  # to add to the upstream request; already filtered
    drop: frozenset[str] = frozenset()  # the caller's headers, in lower case, that must not go up
    time_limit_s: float | None = None  # until the head of the reply
    prompt_id: str = ""
    prompt_version: str = ""
    notes: tuple[str, ...] = ()  # what was ignored or done differently; lands on the row
    sentinel: bool = True  # False: the client does not take a bare `data: [DONE]` at the end of a stream
