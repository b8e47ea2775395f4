"""The registry's records, as the rest of Tracer sees them: frozen values, without a word about tables.

`workspace` "" is the common one: it belongs to nobody. A caller bound to a workspace sees and uses only what is in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """One immutable version of a prompt, as the hot path needs it."""

    number: int
    string: str  # the template: JSON text of the messages (chat), or plain text (completion)
    parameters: Mapping[str, object] = field(default_factory=dict)  # saved model parameters, `model` among them
    raw: bool = False  # render first, parse then: sections may span the JSON's structure
    labels: frozenset[str] = frozenset()
    provider: str = ""  # slug, from Portkey's `virtual_key`/provider; "" = the default upstream
    template_metadata: Mapping[str, object] = field(default_factory=dict)
    tools: tuple[object, ...] = ()
    functions: tuple[object, ...] = ()
    tool_choice: object = None
    description: str = ""  # this and the next are for people: the pages show them
    created_at: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with all its versions; `published` is the number of the version that a plain id means."""

    id: str
    slug: str
    name: str
    workspace: str
    published: int
    versions: Mapping[int, PromptVersion]


@dataclass(frozen=True, slots=True)
class Partial:
    """A text that prompts include by its slug; versions by number."""

    id: str
    slug: str
    workspace: str
    published: int
    versions: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class SavedConfig:
    """An `x-portkey-config` object kept under an id."""

    id: str
    slug: str
    workspace: str
    config: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Key:
    """A key of Tracer's own. Only its hash is kept."""

    id: str  # public: shown in lists, lands on rows
    name: str
    sha256: str  # hex
    workspace: str = ""
    provider: str = ""  # slug that calls with this key go to; "" = as the request says
    credential: str = ""  # name of the configured upstream credential (TRACER_KEY_<NAME>); "" = the provider's
    tags: Mapping[str, str] = field(default_factory=dict)  # team, user, environment, …
    admin: bool = False  # may manage prompts, configs and read logs of every workspace
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request, as far as Tracer knows."""

    key_id: str = ""
    workspace: str = ""  # "" sees every workspace
    tags: Mapping[str, str] = field(default_factory=dict)
    credential: str = ""
    provider: str = ""
    admin: bool = True  # nobody needs a key where none is required


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of the registry that the hot path needs, as it was at one revision. Look-ups are by slug and by id."""

    revision: int = 0
    prompts: Mapping[str, Prompt] = field(default_factory=dict)
    partials: Mapping[str, Partial] = field(default_factory=dict)
    configs: Mapping[str, SavedConfig] = field(default_factory=dict)
    keys: Mapping[str, Key] = field(default_factory=dict)  # by sha256


EMPTY = Snapshot()
