"""The static files: their content's hash stands in their name, so a browser keeps them for ever and never has an old one.

Read once, at the start; a few hundred kilobytes at most. A name without a hash is not there.
"""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from aiohttp import web

PATH = "/static/"
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    body: bytes
    content_type: str


class Assets:
    """All files of `tracer/ui/static`."""

    def __init__(self) -> None:
        self._urls: dict[str, str] = {}
        self._served: dict[str, Asset] = {}
        for file in resources.files("tracer.ui").joinpath("static").iterdir():
            body = file.read_bytes()
            stem, _, ending = file.name.rpartition(".")
            hashed = f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{ending}"
            self._urls[file.name] = PATH + hashed
            self._served[hashed] = Asset(body, mimetypes.guess_type(file.name)[0] or "application/octet-stream")

    @property
    def urls(self) -> Mapping[str, str]:
        """File's name → where it is."""
        return self._urls

    async def serve(self, request: web.Request) -> web.Response:
        asset = self._served.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        charset = "utf-8" if asset.content_type.startswith("text/") else None
        response = web.Response(body=asset.body, content_type=asset.content_type, charset=charset)
        response.headers["Cache-Control"] = _FOREVER
        response.enable_compression()
        return response
