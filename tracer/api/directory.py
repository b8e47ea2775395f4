"""Which endpoint answers which path. Longer prefixes first; a prefix ends at a slash or at the path's end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from tracer.api.analytics import Analytics
from tracer.api.collections import Collections
from tracer.api.configs import Configs
from tracer.api.edge import Endpoint, serve
from tracer.api.feedback import FeedbackEndpoint
from tracer.api.labels import Labels
from tracer.api.logs import Logs
from tracer.api.prompts import Prompts
from tracer.api.questions import Questions
from tracer.api.rendering import Rendering
from tracer.api.scale_models import ScaleModels
from tracer.api.spans import SpansEndpoint
from tracer.config import Settings
from tracer.prompts.address import action
from tracer.prompts.door import PromptsDoor
from tracer.proxy.request import Request
from tracer.records import Exchange
from tracer.registry.database import Database
from tracer.registry.snapshot import Watcher
from tracer.scale.translate import MODELS_PATH, ScaleDoor
from tracer.signals import AppSpan, Feedback

# Takes a record for the spool; whether it could.
Append = Callable[[Exchange | Feedback | AppSpan], bool]


@dataclass(frozen=True, slots=True)
class Directory:
    """All endpoints of a worker, by prefix; `rendering` is told apart by its ending."""

    settings: Settings
    watcher: Watcher
    endpoints: tuple[tuple[str, Endpoint], ...]
    rendering: Rendering

    def __call__(self, request: Request, path: str) -> Awaitable[bool] | None:
        """The answer to a request, or None if no endpoint has this path."""
        endpoint = self._endpoint(request.method, path)
        if endpoint is None:
            return None
        return serve(request, endpoint, self.watcher.current, self.settings.require_key)

    def _endpoint(self, method: str, path: str) -> Endpoint | None:
        if method == "POST" and action(path) == "render":
            return self.rendering
        return next((found for prefix, found in self.endpoints if path == prefix or path.startswith(prefix + "/")), None)


def directory(
    settings: Settings,
    database: Database,
    watcher: Watcher,
    append: Append,
    questions: Questions,
    scale: ScaleDoor,
    session: aiohttp.ClientSession,
) -> Directory:
    """The endpoints of a worker, made once."""

    def keys_of(workspace: str) -> frozenset[str]:
        return frozenset(key.id for key in watcher.current.keys.values() if key.workspace == workspace)

    endpoints: tuple[tuple[str, Endpoint], ...] = (
        ("/v1/prompts", Prompts(database, watcher)),
        ("/v1/labels", Labels(database, watcher)),
        ("/v1/collections", Collections(database, watcher)),
        ("/v1/configs", Configs(database, watcher)),
        ("/v1/feedback", FeedbackEndpoint(settings, append, questions)),
        ("/v1/logs", Logs(settings, append, questions, keys_of)),
        ("/v1/analytics", Analytics(questions, keys_of)),
        ("/v5/spans", SpansEndpoint(settings, append, questions)),
        (MODELS_PATH, ScaleModels(scale, settings, session)),
    )
    rendering = Rendering(PromptsDoor(lambda: watcher.current), settings.max_request_bytes)
    return Directory(settings, watcher, endpoints, rendering)
