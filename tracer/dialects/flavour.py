"""What one flavour of usage object is: where its figures stand, what they hold and what they leave out."""

from msgspec import Struct

from tracer.dialects.row import Path, Paths


class Flavour(Struct, frozen=True, kw_only=True):
    """Where one kind of usage object keeps its figures: for each, paths in order of preference."""

    name: str
    who: str  # for docs/usage.md
    marks: tuple[str, ...]  # the object is of this kind if it has one of these keys
    providers: frozenset[str] = frozenset()  # and comes from one of these; empty: from anyone
    operations: frozenset[str] = frozenset()  # and answers one of these; empty: any
    input: Paths
    output: Paths = ()
    total: Paths = (("total_tokens",),)
    cache_read: Paths = ()
    cache_write: Paths = ()
    cache_write_1h: Paths = ()
    cached_audio: Paths = ()
    cached_image: Paths = ()
    audio_input: Paths = ()
    image_input: Paths = ()
    reasoning: Paths = ()
    audio_output: Paths = ()
    image_output: Paths = ()
    web_searches: Paths = ()
    tool_use: Paths = ()  # input that is neither in `input` nor in any bucket of its own
    citations: Paths = ()  # the same
    also: tuple[tuple[str, Path], ...] = ()  # figures to be added to the one named, where they stand
    input_excludes: tuple[str, ...] = ()  # figures that `input` leaves out: added to reach the billed input
    output_excludes: tuple[str, ...] = ()
    beyond_total: bool = False  # what is left out is not in `total` either, and is billed all the same
    omits_zeros: bool = False  # a count that is not there is 0
    rest_is_reasoning: bool = False  # what `total` holds beyond input + output, when no reasoning was reported
    no_output: bool = False  # this operation never has output tokens
    elsewhere: Path = ()  # objects with tokens of other models, billed beside: told in the note, not counted
    units: tuple[tuple[Path, str], ...] = ()  # what is billed in place of tokens
    remark: str = ""  # for the note of every call of this flavour
