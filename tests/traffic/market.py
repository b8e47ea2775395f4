"""What there is to ask: models with their prices, speeds, failures, and the days on which their fingerprint changed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Version:
    """What a model was from a day on: its mark, and what changed with it."""

    fingerprint: str
    from_day: float = 0.0  # since the first day of the data
    slower: float = 1.0  # factor of times
    wordier: float = 1.0  # factor of output tokens, so of cost
    failing: float = 1.0  # factor of failures


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """One model at one provider. Prices are dollars for a million tokens; None: nobody knows."""

    provider: str
    upstream: str
    asked: str
    answered: str
    input_usd: float | None
    output_usd: float | None
    cached_usd: float | None
    ttft_ms: float
    itl_ms: float
    failing: float  # share of calls
    versions: tuple[Version, ...] = (Version(""),)
    reasoning: float = 0.0  # share of the output that is hidden
    embeds: bool = False


_OPENAI, _ANTHROPIC, _GOOGLE = "api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com"

_TUNED = "acme:triage:9xQ2"

# fmt: off
MODELS = (
    LanguageModel("openai", _OPENAI, "gpt-4o", "gpt-4o-2024-08-06", 2.5, 10, 1.25, 420, 14, 0.012, (
        Version("fp_a24b4d720c"), Version("fp_07871e2ad8", 11.4, slower=1.35),
        Version("fp_cbf1785567", 24.6, slower=1.1, wordier=1.2))),
    LanguageModel("openai", _OPENAI, "gpt-4o-mini", "gpt-4o-mini-2024-07-18", 0.15, 0.6, 0.075, 310, 9, 0.008, (
        Version("fp_72ed7ab54c"), Version("fp_51db84afab", 19.2, failing=2.5))),
    LanguageModel("openai", _OPENAI, "gpt-4.1", "gpt-4.1-2025-04-14", 2, 8, 0.5, 480, 12, 0.010, (
        Version("fp_daf5fcc80a"), Version("fp_c2295e73ad", 28.9, slower=0.8))),
    LanguageModel("openai", _OPENAI, "o4-mini", "o4-mini-2025-04-16", 1.1, 4.4, 0.275, 2600, 11, 0.015, reasoning=0.7),
    LanguageModel("openai", _OPENAI, "text-embedding-3-small", "text-embedding-3-small", 0.02, 0, None, 90, 0, 0.003,
                  embeds=True),
    LanguageModel("openai", _OPENAI, f"ft:gpt-4o-mini:{_TUNED}", f"ft:gpt-4o-mini-2024-07-18:{_TUNED}", None, None, None,
                  390, 10, 0.010, (Version("fp_7fcd609668"),)),
    LanguageModel("anthropic", _ANTHROPIC, "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", 3, 15, 0.3, 900, 16, 0.018),
    LanguageModel("anthropic", _ANTHROPIC, "claude-haiku-4-5", "claude-haiku-4-5-20251001", 1, 5, 0.1, 480, 8, 0.011),
    LanguageModel("google", _GOOGLE, "gemini-2.5-flash", "gemini-2.5-flash", 0.3, 2.5, 0.075, 380, 6, 0.020),
    LanguageModel("google", _GOOGLE, "gemini-2.5-pro", "gemini-2.5-pro", 1.25, 10, 0.31, 1800, 13, 0.024, reasoning=0.45),
    LanguageModel("groq", "api.groq.com", "llama-3.3-70b-versatile", "llama-3.3-70b-versatile", 0.59, 0.79, None, 120, 3.2,
                  0.035, (
        Version("fp_6507bcfb6f"), Version("fp_4196e754db", 6.3), Version("fp_3f3b593e33", 15.8, slower=1.6),
        Version("fp_9a8b91ba77", 22.1), Version("fp_0e9ab9e1d2", 31.5, failing=3.0))),
    LanguageModel("mistral-ai", "api.mistral.ai", "mistral-large-latest", "mistral-large-2411", 2, 6, None, 520, 15, 0.014),
    LanguageModel("deepseek", "api.deepseek.com", "deepseek-chat", "deepseek-chat", 0.27, 1.1, 0.07, 850, 24, 0.022, (
        Version("fp_3a5770e1b4_prod0225"), Version("fp_8802369eaa_prod0623", 17.3, wordier=1.35))),
    LanguageModel("ollama", "gpu-3.internal:11434", "qwen3:8b", "qwen3:8b", None, None, None, 260, 19, 0.006, (
        Version("fp_ollama"),)),
)
# fmt: on
INDEX = {each.asked: number for number, each in enumerate(MODELS)}


@dataclass(frozen=True, slots=True)
class Failure:
    """One way not to end well."""

    outcome: str
    status: int
    error_type: str
    message: str
    share: float  # of the failures
    again: bool = False  # SDKs try once more


FAILURES = (
    Failure("upstream_error", 429, "rate_limit_exceeded", "Rate limit reached for requests", 0.22, again=True),
    Failure("upstream_error", 500, "server_error", "The server had an error processing your request", 0.13, again=True),
    Failure("upstream_error", 503, "overloaded_error", "Overloaded", 0.12, again=True),
    Failure("upstream_error", 502, "disconnected", "{host} closed the connection without an answer", 0.04),
    Failure("upstream_error", 400, "context_length_exceeded", "This model's maximum context length is 128000 tokens", 0.06),
    Failure("upstream_error", 400, "content_filter", "The response was filtered due to the prompt", 0.03),
    Failure("upstream_error", 401, "invalid_api_key", "Incorrect API key provided", 0.02),
    Failure("timeout", 408, "response_timeout", "{host} did not answer in time", 0.08, again=True),
    Failure("timeout", 408, "connect_timeout", "{host} did not accept a connection in time", 0.02, again=True),
    Failure("stream_error", 200, "server_error", "The stream ended without its end", 0.09),
    Failure("client_gone", 200, "", "", 0.15),
    Failure("refused", 400, "bad_json", "the request body is not valid JSON: unexpected end of data (byte 812)", 0.02),
    Failure("refused", 401, "revoked_key", "Invalid API key: key_2c9 was revoked", 0.02),
)
RATE_LIMITED = 0  # its place above: what bursts are made of
# When (days since the first; all by day, see plan.THERE) a provider failed many calls: start, end, provider, which failure,
# share of its calls.
BURSTS = (
    (4.84, 4.89, "openai", RATE_LIMITED, 0.35),
    (12.02, 12.14, "anthropic", 2, 0.45),
    (14.80, 14.86, "groq", RATE_LIMITED, 0.60),
    (21.97, 22.05, "google", 1, 0.50),
    (27.82, 27.90, "openai", 2, 0.25),
    (33.90, 34.02, "deepseek", 7, 0.40),
)
