"""One call through the proxy: the request goes up, the reply comes down, an Exchange goes to the spool.

    accept ─► who asks ─► body ─► (dialect, overrides) ─► route, credentials ─► answer (cache, upstream) ─► record

Invariants
- Exactly one record per accepted request, however it ends: `record` runs in a `finally` and only once. Attempts that a config's
  `retry` repeated are records of their own beside it.
- Nothing that goes wrong while observing reaches the client; what goes wrong upstream reaches it as a clear error if the reply
  has not begun, else as the same cut connection that the provider made.
- A client that leaves takes the upstream call with it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec

from tracer.cache.rule import Policy, Rule, cacheable, decide
from tracer.config import Settings
from tracer.proxy import body, websocket
from tracer.proxy.accept import accept, target_path
from tracer.proxy.answer import Answerer, Order
from tracer.proxy.ask import CHANGED_BY_ASKING, PLAIN, Question, propagates
from tracer.proxy.credentials import credentials
from tracer.proxy.dialect import Dialect, reshape, without
from tracer.proxy.downstream import ClientLeft, send_plain
from tracer.proxy.failing import failed, upstream_failed
from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.flight import Flight
from tracer.proxy.identity import identify, with_tags
from tracer.proxy.native import Door, with_key_of_query
from tracer.proxy.onward import overruled, question_of
from tracer.proxy.portkey_config import NO_CONFIG, Config, read_config, time_limit_s
from tracer.proxy.profile import Standing, Way
from tracer.proxy.providers import StreamUsage
from tracer.proxy.recorder import Recorder
from tracer.proxy.refused import Refused
from tracer.proxy.relay import Filter
from tracer.proxy.request import Request
from tracer.proxy.route import Routes, choose, ignored, model_prefix, named
from tracer.proxy.stream_usage import with_usage_requested
from tracer.proxy.wanted import Wanted
from tracer.records import Outcome
from tracer.registry.key_format import holds_key
from tracer.registry.records import Caller, Snapshot

_log = logging.getLogger(__name__)
_PLAIN = Wanted("", {})  # of a request that goes up as it came
# Bodies of more bytes are translated beside the event loop, one at a time: it takes some ms a MB, and seconds of the worst.
_LARGE = 1 << 20


@dataclass(frozen=True, slots=True)
class Forwarder:
    """Serves every door to a model. One per worker; `policy` is the cache's."""

    settings: Settings
    routes: Routes
    registry: Callable[[], Snapshot]
    policy: Policy
    recorder: Recorder
    answerer: Answerer
    large: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __call__(self, request: Request, door: Dialect | Door | None = None) -> bool:
        """Answer a request; whether its connection may serve another one. Without a door of its own it is OpenAI's."""
        flight = accept(request, door.name if door else "openai", keep_content=self.settings.capture == "full")
        self.recorder.began(flight)
        answer = self._native(request, flight, door) if isinstance(door, Door) else self._serve(request, flight, door)
        return await self.see_through(request, flight, answer, door)

    async def see_through(
        self, request: Request, flight: Flight, answer: Awaitable[bool], door: Dialect | Door | None = None
    ) -> bool:
        """Answer, and record how it ended: every call in a task ends here."""
        try:
            return await answer
        except Refused as refusal:
            flight.end(Outcome.REFUSED, refusal.kind, refusal.message)
            return await failed(request, flight, refusal.status, refusal.kind, refusal.message, door, refusal=refusal)
        except UpstreamFailed as error:
            return await upstream_failed(request, flight, error, door)
        except (ClientLeft, body.BodyLost):
            flight.client_left()
            return False
        except asyncio.CancelledError:
            if request.gone:
                flight.client_left()
            else:
                flight.stopped()
            raise
        except Exception:
            # The request edge: a fault of ours must end in one clear reply and one record, not in a lost call.
            _log.exception("call %s failed inside Tracer", flight.call_id)
            flight.end(Outcome.REFUSED, "internal", "an error inside Tracer; its log has the details")
            return await failed(request, flight, 500, "internal", flight.error_message, door)
        finally:
            self.recorder.over(flight)

    async def _serve(self, request: Request, flight: Flight, dialect: Dialect | None) -> bool:
        settings = self.settings
        caller, config = self._known(request, flight)
        target = target_path(request)
        question = None
        if dialect is None:  # what can be refused without its body is
            question = self._usual(request, flight, config, caller, target)
            if websocket.is_upgrade(request):
                return await self._socket(question, flight)
        path = target.partition("?")[0]
        rule = self._cache_rule(request, flight, config, dialect, path)
        whole = dialect is not None or rule is not None or bool(config.override_params)
        sent = await body.receive(request, flight, path, settings.max_request_bytes, settings.capture_bytes, whole=whole)
        filters: Sequence[Filter] = ()
        provider, override = "", config.override_params
        if dialect is None and isinstance(sent.parsed, dict):
            provider, model = model_prefix(self.routes, sent.parsed.get("model"))
            override = {"model": model, **override} if provider else override
        if dialect is not None or override:
            chosen = named(self.routes, request.headers, config, caller)
            made = partial(reshape, dialect, path, request.headers, sent, caller, chosen, override, flight, provider)
            if len(sent.data or b"") > _LARGE:
                async with self.large:
                    sent, wanted = await asyncio.to_thread(made)
            else:
                sent, wanted = made()
            question = self._question(request, flight, config, caller, target, wanted)
            filters = dialect.filters(path, wanted) if dialect and wanted else ()
        assert question is not None
        asking = self.asking_for_usage(sent, question)
        return await self.answerer(Order(request, flight, question, sent, asking, caller, filters, config.retry, rule))

    async def _native(self, request: Request, flight: Flight, door: Door) -> bool:
        """A request in its provider's own dialect: nothing of it is changed, but for usage that OpenAI's endpoints must be
        asked for (docs/providers.md)."""
        settings = self.settings
        target_path(request)
        headers = with_key_of_query(request.headers, door.query)
        caller, config = self._known(request, flight, headers)
        flight.notes += overruled(door, headers, config)
        question = question_of(request, flight, door, self.routes, settings, config, caller, headers)
        if websocket.is_upgrade(request):
            return await self._socket(question, flight)
        asks = door.usage_on_request and question.target.provider.stream_usage is StreamUsage.ASK
        path = "/v1/chat/completions" if asks and not question.signed else ""
        sent = await body.receive(
            request, flight, path, settings.max_request_bytes, settings.capture_bytes, small=body.LARGEST_JSON
        )
        asking = self.asking_for_usage(sent, question)
        return await self.answerer(Order(request, flight, question, sent, asking, caller, (), config.retry))

    async def _socket(self, question: Question, flight: Flight) -> bool:
        refusal = await websocket.relay(question, flight, self.answerer.pool)
        return await send_plain(question.request, refusal) if refusal else False

    def _known(self, request: Request, flight: Flight, headers: Mapping[str, str] | None = None) -> tuple[Caller, Config]:
        """Who asks and what their config says, noted on the flight. Raises Refused.

        `headers` may be others than the request's, of which then nothing is remembered.
        """
        if headers is None or headers is request.headers:
            standing = self._standing(request)
        else:
            standing = self._stands(headers, self.registry())
        note_standing(flight, standing)
        return standing.caller, standing.config

    def _standing(self, request: Request) -> Standing:
        """The same as is remembered of a request's headers. Raises Refused."""
        snapshot, profile = self.registry(), request.profile
        standing = profile.standing
        if standing is None or standing.snapshot is not snapshot or standing.of is not self:
            standing = profile.standing = self._stands(request.headers, snapshot)
            profile.way = None
        return standing

    def _stands(self, headers: Mapping[str, str], snapshot: Snapshot) -> Standing:
        caller = identify(headers, snapshot.keys, self.settings.require_key)
        sent = headers.get("x-portkey-config")
        config = read_config(sent, snapshot.configs, caller.workspace) if sent else NO_CONFIG
        return Standing(self, snapshot, caller, config, ignored(self.routes, headers, config))

    def _usual(self, request: Request, flight: Flight, config: Config, caller: Caller, path: str) -> Question:
        """The question of a request that goes up as it came. Raises Refused."""
        profile = request.profile
        way = profile.way
        if way is None:
            question = self._question(request, flight, config, caller, path)
            target, keys = question.target, question.keys
            own = [(keys.header[0].encode(), keys.header[1].encode("utf-8", "surrogateescape"))] if keys.header else []
            try:
                parts = profile.parts(keys.drop, own)
                asking = profile.parts(keys.drop | CHANGED_BY_ASKING, [*own, PLAIN])
            except ValueError as error:
                raise Refused(
                    503, "credential_unusable", f"the key that is configured for {target.slug} holds a line break"
                ) from error
            plain = is_plain(request, config, question, self.policy)
            way = profile.way = Way(target, keys, question.time_limit_s, parts, asking, plain)
            if propagates(question.propagate, target):
                return question
            return question._replace(way=way)
        note_way(flight, way)
        propagate = self.settings.propagate_traceparent
        usual = not propagates(propagate, way.target)
        return Question(request, way.target, way.keys, path, propagate, way.time_limit_s, way=way if usual else None)

    def _question(
        self, request: Request, flight: Flight, config: Config, caller: Caller, path: str, wanted: Wanted | None = None
    ) -> Question:
        """Where a request goes, with which key, and what of it goes there. Raises Refused."""
        settings = self.settings
        new = wanted or _PLAIN
        headers = without(request.headers, new.drop) if new.drop else request.headers
        target = choose(self.routes, headers, config, caller, new.provider)
        flight.provider, flight.upstream = target.slug, target.host
        keys = credentials(headers, target, settings.keys, config, caller)
        flight.key_hash = keys.key_hash
        flight.secrets += keys.secrets
        if new.path:
            _, mark, query = path.partition("?")
            path = new.path + mark + query
        limit_s = new.time_limit_s or time_limit_s(headers.get("x-portkey-request-timeout"), config)
        return Question(
            request=request,
            target=target,
            keys=keys,
            path=path,
            propagate=settings.propagate_traceparent,
            time_limit_s=limit_s,
            added=tuple([added for added in new.headers if not holds_key(added[1])]) if new.headers else (),
            drop=new.drop,
            plain=not new.sentinel,
            reshaped=wanted is not None,
        )

    def _cache_rule(self, request: Request, flight: Flight, config: Config, dialect: Dialect | None, path: str) -> Rule | None:
        """How the cache is to be used for a request; None: not at all."""
        if config.cache is None and self.policy.mode == "off":
            return None
        rule, notes = decide(request.headers, config.cache, self.policy)
        flight.notes += notes
        may_be = cacheable(request.method, path, request.headers.get("Content-Type", ""))
        return rule if may_be or dialect is not None else None

    def asking_for_usage(self, sent: body.Sent, question: Question) -> bytes | None:
        """The request's body with the usage option in it, or None where it is not to be asked for."""
        target = question.target
        wanted = target.provider.stream_usage is StreamUsage.ASK and target.host not in self.answerer.refusing
        if target.slug == "bedrock" and question.signed:
            return None
        return with_usage_requested(sent.data, sent.parsed) if wanted and sent.data and sent.parsed else None


def note_standing(flight: Flight, standing: Standing) -> None:
    """Who asks, on the flight."""
    caller = standing.caller
    if caller.key_id:
        flight.key_id = caller.key_id
        if caller.tags:
            flight.trace = msgspec.structs.replace(flight.trace, metadata=with_tags(flight.trace.metadata, caller.tags))
    if standing.notes:
        flight.notes += standing.notes


def note_way(flight: Flight, way: Way) -> None:
    """Where it goes, on the flight."""
    flight.provider, flight.upstream = way.target.slug, way.target.host
    flight.key_hash = way.keys.key_hash
    if way.keys.secrets:
        flight.secrets += way.keys.secrets


def is_plain(request: Request, config: Config, question: Question, policy: Policy) -> bool:
    """Whether calls with a request's headers are such as express.py takes."""
    special = config.override_params or config.cache is not None or config.retry is not None
    kept = policy.mode != "off" or propagates(question.propagate, question.target)
    odd = websocket.is_upgrade(request) or request.content_length is None
    return not (special or kept or odd or question.time_limit_s is not None)
