"""Usage objects: figures stay whose keys say that they are such.

Providers name their counts as they like and find new ones every month, so there is no list of keys here but one of words: a
key stays if all the words in it are words of accounting ("cacheReadInputTokens", "ephemeral_1h_input_tokens"), and below it
only figures and a few names. So what a flavour of usage reads is kept before there is that flavour, and a key with any other
word in it goes.
"""

import re
from functools import lru_cache
from typing import Any

from tracer.blank.rules import GONE, Rule, either, figure, list_, name, object_

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+[a-z]*")
_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        token tokens char chars character characters byte bytes image images audio video document documents text multimodal
        modal modality second seconds page pages pixel pixels unit units request requests call calls query queries search
        searches fetch tool tools svg frame frames embedding embeddings step steps

        prompt prompts input inputs completion completions output outputs response candidate candidates generation generated
        gen reasoning thinking thought thoughts content cache cached creation read write written hit miss ephemeral 1h 5m 30m
        prediction predicted accepted rejected citation citations server web use used context instruction message messages
        classification classifications billed billable user assistant visible drafted n

        usage total sum count counts num number details detail breakdown metadata meta metrics timings statistics billing raw
        extra iterations models model type is in byok free executed requested estimated estimate size

        time duration latency length ms ns queue load eval evaluation evaluated first invocation processing per cost costs
        price usd ticks upstream inference discount tier service speed fast geo traffic on demand

        automated policy policies contextual grounding sensitive information topic word guardrail api ai gateway google maps
        file x amzn bedrock
        """,
    )
)
# Names among the figures: what kind of figure, and at which rate.
_NAMES = frozenset(
    {"modality", "type", "model", "service_tier", "serviceTier", "trafficType", "traffic_type", "speed", "inference_geo", "ttl"}
)
_ABOUT = re.compile(r"usage|tokens?|meta|metrics|timings|statistics|billed", re.IGNORECASE)
# Where unknown providers put it.
_WRAPPERS = frozenset({"result", "results", "stats", "data", "body", "payload", "info", "reply", "answer", "generation_info"})
_DEEPEST = 5
# Google writes numbers that might be long as texts.
_DIGITS = re.compile(r"[0-9]{1,18}")


@lru_cache(maxsize=1024)
def _accounts(key: str) -> bool:
    words = _WORD.findall(key) if len(key) <= 80 else []
    return bool(words) and all(word.lower() in _WORDS for word in words)


def counts(key: str, value: Any) -> bool:
    """Whether this key of a document may be one of usage: a figure of accounting, or an object that is called after it."""
    if isinstance(value, dict):
        return _accounts(key) and _ABOUT.search(key) is not None
    return isinstance(value, int | float) and _accounts(key)


def _level(deeper: Rule) -> Rule:
    def under(key: str, value: Any) -> Any:
        return deeper(value) if _accounts(key) else GONE

    inner = object_(dict.fromkeys(_NAMES, either(name, figure)), others=under)
    return either(_number, inner, list_(inner))


def _number(value: Any) -> Any:
    return value if isinstance(value, str) and _DIGITS.fullmatch(value) else figure(value)


def _nested() -> Rule:
    rule: Rule = _number
    for _ in range(_DEEPEST):
        rule = _level(rule)
    return rule


_ANY = _nested()


def usage(value: Any) -> Any:
    """What is left of a usage object, or of a figure of one."""
    return GONE if isinstance(value, list) else _ANY(value)


def figures_under(key: str, value: Any) -> Any:
    """What is left of one key of a usage object."""
    if key in _NAMES:
        return name(value)
    return _ANY(value) if _accounts(key) else GONE


def somewhere(key: str, value: Any, depth: int = 0) -> Any:
    """Usage under a key that no row knows, as far as the keys above it could be anyone's."""
    if counts(key, value):
        kept = usage(value)
        return GONE if kept == {} else kept
    if key not in _WRAPPERS or not isinstance(value, dict) or depth == _DEEPEST:
        return GONE
    found = {inner: kept for inner, part in value.items() if (kept := somewhere(inner, part, depth + 1)) is not GONE}
    return found or GONE
