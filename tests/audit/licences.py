"""Licences of what Tracer needs to run, and which of them may be among them: Tracer is Apache-2.0, and is shipped as an image.

Metadata say it in three ways: an SPDX expression, a free text, or classifiers.
"""

import re
from importlib.metadata import Distribution

# Permissive ones; and MPL-2.0, which asks for the source of changed files only, none of which is changed here.
ALLOWED = frozenset(
    {
        *("Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "PSF-2.0", "Zlib", "CC0-1.0", "MPL-2.0"),
        *("CNRI-Python", "Unlicense"),
    }
)
# Other spellings, in lower case.
_SPELLINGS = {
    **dict.fromkeys(
        ("apache 2", "apache 2.0", "apache license, version 2.0", "apache license 2.0", "apache software license"), "Apache-2.0"
    ),
    **dict.fromkeys(("mit license", "the mit license"), "MIT"),
    **dict.fromkeys(("bsd", "bsd license", "3-clause bsd license", "new bsd"), "BSD-3-Clause"),
    **dict.fromkeys(("isc license", "isc license (iscl)"), "ISC"),
    "python software foundation license": "PSF-2.0",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
}
_WORDS = re.compile(r"\s+(?:AND|OR|WITH)\s+|[()]")
# Texts that name no licence: the classifiers say it.
_NO_NAME = ("", "dual license")


def licences(found: Distribution) -> frozenset[str]:
    """SPDX names of the licences of a distribution, or what stands in their place. Of an alternative both, too."""
    metadata = found.metadata
    text = metadata.get("License-Expression") or (metadata.get("License") or "").split("\n")[0].strip()
    if text.lower() in _NO_NAME:
        names = [line.rpartition("::")[2].strip() for line in metadata.get_all("Classifier") or () if "License ::" in line]
    else:
        names = (
            [_spelled(text)] if text.lower() in _SPELLINGS else [part.strip() for part in _WORDS.split(text) if part.strip()]
        )
    return frozenset(_spelled(name) for name in names) or frozenset({"unknown"})


def _spelled(name: str) -> str:
    return _SPELLINGS.get(name.lower(), name)
