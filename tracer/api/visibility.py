"""Whose calls a caller may read.

A row says which of Tracer's keys made it. A caller that is bound to a workspace reads what that workspace's keys made; one
that is bound to none reads everything if its key is an administrator's (or no keys are asked for), else what its own key made.
What it may not read is for it as if it were not there.
"""

from collections.abc import Callable

from tracer.registry.records import Caller

# The public ids of a workspace's keys, revoked ones too.
KeysOf = Callable[[str], frozenset[str]]


def visible_keys(caller: Caller, keys_of: KeysOf, workspace: str = "") -> frozenset[str] | None:
    """The keys whose calls the caller may read, of one workspace if it asks for one; None: everybody's."""
    if caller.admin and not caller.workspace:
        return keys_of(workspace) if workspace else None
    own = keys_of(caller.workspace) if caller.workspace else frozenset((caller.key_id,)) - {""}
    return own & keys_of(workspace) if workspace else own


def sees(caller: Caller, workspace: str) -> bool:
    """Whether the caller may read what carries this workspace itself, as feedback and applications' spans do."""
    return (caller.admin and not caller.workspace) or workspace == caller.workspace
