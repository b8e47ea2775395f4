"""What no row of a dialect tells: OpenAI's chat, which the sink reads by hand, and how errors are told."""

from tracer.blank.rows import ERROR
from tracer.blank.rules import Rule, either, list_, names, object_, text, texts
from tracer.blank.usage import usage
from tracer.tokens import DELTA_KEYS

_MESSAGE = object_({**names("role"), **texts(*DELTA_KEYS)})
CHAT: dict[str, Rule] = {
    **names("id", "object", "type", "model", "created", "created_at", "system_fingerprint", "service_tier"),
    "usage": usage,
    "x_groq": object_({**names("id"), "usage": usage}),
    "choices": list_(
        object_(
            {
                **names("index", "finish_reason", "stop_reason"),
                "delta": _MESSAGE,
                "message": _MESSAGE,
                "error": ERROR,
                **texts("text"),
            }
        )
    ),
}
ERRORS: dict[str, Rule] = {
    "error": ERROR,
    **names("code", "status", "error_type", "__type"),
    **texts("message", "Message"),
    "detail": either(list_(object_(texts("msg"))), text),
}
