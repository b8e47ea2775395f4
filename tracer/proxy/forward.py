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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import msgspec

from tracer.cache.rule import Policy, Rule, cacheable, decide
from tracer.config import Settings
from tracer.proxy import body, websocket
from tracer.proxy.accept import accept, target_path
from tracer.proxy.answer import Answerer, Order
from tracer.proxy.ask import CHANGED_BY_ASKING, PLAIN, Question
from tracer.proxy.credentials import credentials
from tracer.proxy.dialect import Dialect, reshape, without
from tracer.proxy.downstream import ClientLeft, send_plain
from tracer.proxy.failures import UpstreamFailed
from tracer.proxy.flight import Flight
from tracer.proxy.identity import identify, with_tags
from tracer.proxy.portkey_config import NO_CONFIG, Config, read_config, time_limit_s
from tracer.proxy.profile import Standing, Way
from tracer.proxy.providers import StreamUsage
from tracer.proxy.recorder import Recorder
from tracer.proxy.refused import Refused
from tracer.proxy.relay import Filter, note_failure
from tracer.proxy.replies import failure
from tracer.proxy.request import Request
from tracer.proxy.route import Routes, Target, choose, ignored, model_prefix, named
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

    async def __call__(self, request: Request, dialect: Dialect | None = None) -> bool:
        """Answer a request; whether its connection may serve another one."""
        name = dialect.name if dialect else "openai"
        flight = accept(request, name, keep_content=self.settings.capture == "full")
        self.recorder.tally.open += 1
        try:
            return await self._serve(request, flight, dialect)
        except Refused as refusal:
            flight.end(Outcome.REFUSED, refusal.kind, refusal.message)
            return await _failed(request, flight, refusal.status, refusal.kind, refusal.message, dialect, refusal=refusal)
        except UpstreamFailed as error:
            return await _upstream_failed(request, flight, error, dialect)
        except (ClientLeft, body.BodyLost):
            flight.client_left()
            return False
        except asyncio.CancelledError:
            if request.gone:
                flight.client_left()
            else:
                flight.end(Outcome.UPSTREAM_ERROR, "shutdown", "Tracer was stopped before the call ended")
            raise
        except Exception:
            # The request edge: a fault of ours must end in one clear reply and one record, not in a lost call.
            _log.exception("call %s failed inside Tracer", flight.call_id)
            flight.end(Outcome.REFUSED, "internal", "an error inside Tracer; its log has the details")
            return await _failed(request, flight, 500, "internal", flight.error_message, dialect)
        finally:
            self.recorder.tally.open -= 1
            self.recorder.record(flight)

    async def _serve(self, request: Request, flight: Flight, dialect: Dialect | None) -> bool:
        settings = self.settings
        _, _, caller, config, notes = self._standing(request)
        if caller.key_id:
            _known(flight, caller)
        if notes:
            flight.notes += notes
        target = target_path(request)
        question = None
        if dialect is None:  # what can be refused without its body is
            question = self._usual(request, flight, config, caller, target)
            if websocket.is_upgrade(request):
                refusal = await websocket.relay(question, flight, self.answerer.pool)
                return await send_plain(request, refusal) if refusal else False
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
        asking = self._asking_for_usage(sent, question.target)
        return await self.answerer(Order(request, flight, question, sent, asking, caller, filters, config.retry, rule))

    def _standing(self, request: Request) -> Standing:
        """Who asks, and what their config says. Raises Refused."""
        snapshot, profile = self.registry(), request.profile
        standing = profile.standing
        if standing is None or standing.snapshot is not snapshot or standing.of is not self:
            caller = identify(request.headers, snapshot.keys, self.settings.require_key)
            sent = request.headers.get("x-portkey-config")
            config = read_config(sent, snapshot.configs, caller.workspace) if sent else NO_CONFIG
            notes = ignored(self.routes, request.headers, config)
            standing = profile.standing = Standing(self, snapshot, caller, config, notes)
            profile.way = None
        return standing

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
            way = profile.way = Way(target, keys, question.time_limit_s, parts, asking)
            if target.slug in question.propagate or "*" in question.propagate:
                return question
            return question._replace(way=way)
        target, keys = way.target, way.keys
        flight.provider, flight.upstream = target.slug, target.host
        flight.key_hash = keys.key_hash
        if keys.secrets:
            flight.secrets += keys.secrets
        propagate = self.settings.propagate_traceparent
        usual = not propagate or not (target.slug in propagate or "*" in propagate)
        return Question(request, target, keys, path, propagate, way.time_limit_s, way=way if usual else None)

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

    def _asking_for_usage(self, sent: body.Sent, target: Target) -> bytes | None:
        """The request's body with the usage option in it, or None where it is not to be asked for."""
        wanted = target.provider.stream_usage is StreamUsage.ASK and target.host not in self.answerer.refusing
        return with_usage_requested(sent.data, sent.parsed) if wanted and sent.data and sent.parsed else None


def _known(flight: Flight, caller: Caller) -> None:
    """Note on the row who the caller's key says it is."""
    flight.key_id = caller.key_id
    if caller.tags:
        flight.trace = msgspec.structs.replace(flight.trace, metadata=with_tags(flight.trace.metadata, caller.tags))


async def _upstream_failed(request: Request, flight: Flight, error: UpstreamFailed, dialect: Dialect | None) -> bool:
    message = note_failure(flight, error)
    found = error.failure
    # A pooled connection that closed in the moment it was used again never took the request.
    retry = found.retry or (flight.reused and not flight.headers_ns and error.kind in ("disconnected", "reset"))
    return await _failed(request, flight, found.status, error.kind, message, dialect, retry=retry)


async def _failed(
    request: Request,
    flight: Flight,
    status: int,
    kind: str,
    message: str,
    dialect: Dialect | None,
    *,
    refusal: Refused | None = None,
    retry: bool | None = None,
) -> bool:
    """A clear error, if the reply has not begun; else the connection is cut, as the provider's was."""
    if request.begun:
        return False
    flight.status = status
    reply = failure(
        status,
        kind,
        message,
        trace_id=flight.trace.trace_id,
        call_id=str(flight.call_id),
        retry=retry,
        body=dialect.error(message, refusal) if dialect else None,
        close=not request.content.is_eof(),  # the rest of an unread body must not be taken for the next request
    )
    try:
        return await send_plain(request, reply)
    except ClientLeft:
        return False
