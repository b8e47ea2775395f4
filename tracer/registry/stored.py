"""What the registry keeps of prompts, partials, labels and collections, as those who manage them see it. Frozen values.

records.py has what the hot path needs of the same things.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Content:
    """What makes one version differ from another. A partial has the text only."""

    string: str
    parameters: Mapping[str, object] = field(default_factory=dict)  # as they were given, template variables among them
    raw: bool = False
    provider: str = ""
    template_metadata: Mapping[str, object] = field(default_factory=dict)
    tools: object = None
    functions: object = None
    tool_choice: object = None

    @property
    def model(self) -> str:
        """The saved model, or ""."""
        model = self.parameters.get("model")
        return model if isinstance(model, str) else ""


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable version."""

    id: str
    number: int
    description: str
    created_at: str
    content: Content


@dataclass(frozen=True, slots=True)
class Item:
    """A prompt or a partial without its versions."""

    id: str
    slug: str
    name: str
    workspace: str
    collection_id: str | None
    published: int
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Label:
    """A name that can be put on one version of each prompt. Universal ones are there for every workspace, and stay."""

    id: str
    name: str
    description: str
    color: str
    workspace: str
    universal: bool
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Collection:
    """A folder of prompts and partials; its workspace is theirs."""

    id: str
    slug: str
    name: str
    workspace: str
    parent_id: str | None
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: `size` entries after `number` such pages; all of it without a size."""

    number: int = 0
    size: int | None = None
