"""How secrets are compared, by construction: what takes time depends on what was sent, never on how much of it was right.

A key is looked up by the SHA-256 of all of it, so that a nearly right one is as far from the right one as any. Where two
secrets are compared as such, it is by `hmac.compare_digest`. No time is measured here: noise would hide what is looked for.
"""

import ast
import hashlib
import string
from pathlib import Path

import pytest

from tracer.proxy.identity import identify
from tracer.proxy.refused import Refused
from tracer.registry import key_format
from tracer.registry.records import Key

ROOT = Path(__file__).parents[2]
# Files that see a secret beside the one that was sent, and compare them.
COMPARING = ["tracer/ui/session.py", "tracer/store/users.py"]
# Names of what is secret, as the code has them; comparing such a thing with == would tell by its time.
SECRET = {"password", "secret", "token", "digest", "cookie", "signature", "mac"}


class Watched(dict[str, Key]):
    """Keys that remember what they were asked for."""

    asked: list[str]

    def get(self, name: str, default: object = None) -> object:  # type: ignore[override]
        self.asked.append(name)
        return super().get(name, default)  # type: ignore[arg-type]

    def __getitem__(self, name: str) -> Key:
        self.asked.append(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.append(str(name))
        return super().__contains__(name)

    def __iter__(self):  # type: ignore[no-untyped-def]
        raise AssertionError("keys are looked up, not gone through")

    items = values = keys = __iter__  # type: ignore[assignment]


def test_a_key_is_looked_up_by_the_digest_of_all_of_it() -> None:
    secret = key_format.new_key()
    right = Key("k", "name", hashlib.sha256(secret.encode()).hexdigest())
    almost = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    keys = Watched({right.sha256: right})
    for sent, known in ((secret, True), (almost, False), (secret[:-1], False), (secret + "x", False)):
        keys.asked = []
        try:
            found = identify({"x-api-key": sent}, keys, True)
            assert known
            assert found.key_id == "k"
        except Refused:
            assert not known
        assert set(keys.asked) <= {hashlib.sha256(sent.encode()).hexdigest()}
        assert all(set(name) <= set(string.hexdigits) and len(name) == 64 for name in keys.asked)


@pytest.mark.parametrize("path", COMPARING)
def test_secrets_are_compared_in_constant_time(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text())
    assert [node for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name) and name_of(node) == "compare_digest"]


def name_of(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_nothing_secret_is_compared_with_an_equals_sign() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "tracer").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare) and tells(node)
    ]
    assert not found


def tells(node: ast.Compare) -> bool:
    """Whether two values are compared of which one is secret, by its name."""
    sides = [node.left, *node.comparators]
    equality = any(isinstance(operation, ast.Eq | ast.NotEq) for operation in node.ops)
    constant = any(isinstance(side, ast.Constant) for side in sides)
    return equality and not constant and bool({name_of(side).strip("_") for side in sides} & SECRET)
