"""Who asks: applications with their prompts, users by Zipf's law, teams, keys."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Application:
    """A part of the company's product that asks models."""

    name: str
    share: float  # of the traces
    models: tuple[tuple[str, float], ...]
    streams: float  # share of its calls
    input_tokens: float  # median
    output_tokens: float
    calls: tuple[float, ...]  # shares of traces with 1, 2, … calls
    prompt: str = ""
    versions: tuple[tuple[str, float], ...] = ()  # prompt version and the day from which on it served
    door: str = "openai"
    tools: tuple[str, ...] = ()
    at_night: bool = False
    cached: float = 0.0  # share answered from Tracer's cache
    environments: tuple[float, float, float] = (0.86, 0.1, 0.04)
    temperature: float | None = None


_ONE = (1.0,)
_TUNED = "acme:triage:9xQ2"

# fmt: off
APPLICATIONS = (
    Application("support-chat", 0.34, (("gpt-4o", 0.45), ("claude-sonnet-4-5", 0.35), ("gpt-4.1", 0.2)), 0.95, 1400, 220,
                (0.86, 0.10, 0.04), "pp-support-a1b2", (("1", 0), ("2", 8.3), ("3", 18.5), ("4", 29.1)), "prompts",
                cached=0.06, temperature=0.3),
    Application("search-answers", 0.22, (("gpt-4o-mini", 0.6), ("gemini-2.5-flash", 0.4)), 0.7, 3200, 160,
                (0.75, 0.25), "pp-answer-77fe", (("11", 0), ("12", 21.7)), "prompts", cached=0.14, temperature=0.0),
    Application("search-index", 0.10, (("text-embedding-3-small", 1.0),), 0.0, 480, 0, _ONE),
    Application("code-assist", 0.10, (("claude-sonnet-4-5", 0.6), ("o4-mini", 0.2), ("deepseek-chat", 0.2)), 1.0, 5200, 480,
                (0.55, 0.25, 0.12, 0.08), tools=("read_file", "edit_file", "run_tests"), environments=(0.6, 0.15, 0.25)),
    Application("triage", 0.12,
                ((f"ft:gpt-4o-mini:{_TUNED}", 0.35), ("claude-haiku-4-5", 0.25), ("llama-3.3-70b-versatile", 0.4)),
                0.0, 620, 18, _ONE, "pp-triage-03cd", (("5", 0), ("6", 13.9)), "prompts", cached=0.10, temperature=0.0),
    Application("night-summaries", 0.05, (("mistral-large-latest", 0.5), ("gemini-2.5-pro", 0.2), ("qwen3:8b", 0.3)), 0.0,
                7800, 600, _ONE, at_night=True),
    Application("research-agent", 0.07, (("gpt-4.1", 0.5), ("gemini-2.5-pro", 0.3), ("o4-mini", 0.2)), 0.6, 2600, 310,
                (0.05, 0.1, 0.15, 0.15, 0.15, 0.15, 0.13, 0.12), "pp-agent-9e00", (("2", 0), ("3", 25.2)), "prompts",
                tools=("search", "open_page", "calculator")),
)
# fmt: on
TEAMS = ("support", "search", "platform", "growth", "research", "billing", "mobile", "data")
ENVIRONMENTS = ("production", "staging", "development")
CLIENTS = ("OpenAI/Python 3.4.0", "OpenAI/JS 6.9.1", "Anthropic/Python 0.77.0", "portkey-ai/2.3.4", "node-fetch", "curl/8.5.0")

_FIRST = (
    "ada ben chloe dan elif femi grace hugo ines jonas kira liam mira noah olga priya quinn rosa sami tess uma vera wim yara"
)
_LAST = "adeyemi brown costa dubois eriksen fischer garcia haddad ivanov jansen kim larsen moreau novak okafor patel rossi sato"


def user_names(count: int) -> NDArray[np.str_]:
    """That many different names; the first are those that ask most."""
    first, last = _FIRST.split(), _LAST.split()
    pairs = [f"{name}.{family}" for family in last for name in first]
    order = np.random.default_rng(7).permutation(len(pairs))
    names = [
        pairs[order[number % len(pairs)]] + (str(number // len(pairs) + 1) if number >= len(pairs) else "")
        for number in range(count)
    ]
    return np.array(names)


def zipf_weights(count: int, exponent: float = 0.85) -> NDArray[np.float64]:
    """How often each of that many users asks, the first most; adds up to 1."""
    weights = 1.0 / np.arange(1, count + 1) ** exponent
    normed: NDArray[np.float64] = weights / weights.sum()
    return normed
