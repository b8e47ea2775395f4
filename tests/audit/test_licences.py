"""Nothing that Tracer needs to run has a licence that asks for more than its name to be kept."""

from email.message import Message
from importlib.metadata import Distribution

import pytest

from tests.audit import pins
from tests.audit.licences import ALLOWED, licences


def test_every_dependency_may_be_shipped() -> None:
    found = pins.needed(pins.requirements(("demo",)))
    odd = {name: sorted(licences(each) - ALLOWED) for name, each in found.items() if each is not None}
    assert {name: names for name, names in odd.items() if names} == {}


class Made(Distribution):
    def __init__(self, **fields: str) -> None:
        self._fields = Message()
        for name, value in fields.items():
            self._fields[name.replace("_", "-")] = value

    @property
    def metadata(self) -> Message:  # type: ignore[override]
        return self._fields

    def read_text(self, filename: str) -> None:
        return None

    def locate_file(self, path: object) -> None:  # type: ignore[override]
        return None


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"License_Expression": "MPL-2.0 AND (Apache-2.0 OR MIT)"}, {"MPL-2.0", "Apache-2.0", "MIT"}),
        ({"License": "Apache License, Version 2.0"}, {"Apache-2.0"}),
        ({"License": "Apache 2"}, {"Apache-2.0"}),
        ({"License": "MIT License\n\nCopyright …"}, {"MIT"}),
        ({"License": "Dual License", "Classifier": "License :: OSI Approved :: BSD License"}, {"BSD-3-Clause"}),
        (
            {"Classifier": "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"},
            {"GNU General Public License v3 (GPLv3)"},
        ),
        ({"License": "AGPL-3.0-only"}, {"AGPL-3.0-only"}),
        ({"Name": "nobody-told"}, {"unknown"}),
    ],
)
def test_what_metadata_say(fields: dict[str, str], names: set[str]) -> None:
    assert licences(Made(**{"Name": "x", **fields})) == names
