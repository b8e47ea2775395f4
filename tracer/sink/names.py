"""Whose price list a call belongs to, and under which names its model may stand there.

The host decides, where it is one that a price list names: a provider may be reached under any slug of the user's. Else the
slug does. What the caller asked for and what was answered are both tried; the reply resolves aliases and deployments, so it
goes first, but not at Bedrock, where only the name that was asked for tells the region that is paid for.

Unknown stays unknown: a model of one's own server has no price, whatever it is called, unless its name is in the list of the
provider that the server stands for (a gateway before OpenAI). A vendor before a slash is taken off only where it says nothing.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from genai_prices.data_snapshot import DataSnapshot

# Where Portkey's slug, or LiteLLM's vendor, is not the id of genai-prices. What is in neither is taken as it is.
_IDS = {
    "azure-openai": "azure",
    "azure-ai": "azure",
    "azure-foundry": "azure",
    "azure_ai": "azure",
    "vertex-ai": "google",
    "vertex_ai": "google",
    "gemini": "google",
    "palm": "google",
    "bedrock": "aws",
    "bedrock-mantle": "aws",
    "sagemaker": "aws",
    "mistral-ai": "mistral",
    "mistralai": "mistral",
    "xai": "x-ai",
    "together-ai": "together",
    "together_ai": "together",
    "fireworks-ai": "fireworks",
    "fireworks_ai": "fireworks",
    "perplexity-ai": "perplexity",
    "moonshot": "moonshotai",
    "novita-ai": "novita",
    "zhipu": "zhipuai",
    "z-ai": "zai",
    "voyage": "voyageai",
    "workers-ai": "cloudflare",
    "github": "github-copilot",
}
# Those that pass a call on to the vendor before the first slash of the model's name, at that vendor's price.
_PASS_ON = frozenset({"scale", "litellm"})
# A model's maker, whose own names have no vendor before them but its own.
_MAKERS = frozenset({"openai", "anthropic", "mistral", "deepseek", "cohere", "x-ai", "azure"})
# A maker without a list of its own, whose models another sells at the same price: whose list, and the names there.
_SOLD_BY = {"writer": ("aws", "writer.{}")}
# Programs that serve a model on a machine of one's own.
_OWN = frozenset(
    (
        *("ollama", "vllm", "lmstudio", "lm-studio", "llama-cpp", "llamacpp", "llamafile", "localai", "sglang", "tgi"),
        *("triton", "xinference", "koboldcpp", "jan", "mlx", "launch", "llmengine", "model-zoo"),
    )
)
HUGGINGFACE = "huggingface"
_POLICIES = frozenset({"fastest", "cheapest", "preferred", "auto"})

# Hosts that the library's patterns do not know.
_HOSTS = (
    (re.compile(r"bedrock[\w.-]*\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"), "aws"),
    (re.compile(r"router\.huggingface\.co|api-inference\.huggingface\.co"), HUGGINGFACE),
    (re.compile(r"api\.together\.ai"), "together"),
    (re.compile(r"(?:\w+\.)?api\.openai\.com"), "openai"),
    (re.compile(r"api\.cohere\.(?:ai|com)"), "cohere"),
    (re.compile(r"api\.writer\.com"), "writer"),
)
# These run anybody's programs, so that a host of theirs says nothing about a price.
_ANYBODYS = frozenset({"modal"})
_PORT = re.compile(r":\d+\Z")

_ARN = re.compile(r"arn:[\w-]*:bedrock:[^:]*:[^:]*:(?P<kind>[\w-]+)/(?P<name>.+)")
_HIDES = frozenset({"application-inference-profile", "provisioned-model", "custom-model-deployment", "imported-model"})
_GOOGLES = re.compile(r"(?:.*/)?(?:models|publishers/[\w-]+/models)/")
# OpenAI's list has them, but OpenAI serves none: whoever answers with one is somebody else.
_OPEN_WEIGHTS = re.compile(r"(?:^|/)gpt-oss", re.IGNORECASE)
_FIREWORKS = re.compile(r"accounts/fireworks/(?:models|routers)/")


class Sellers:
    """The ids of the price list by slug and by host."""

    def __init__(self, snapshot: DataSnapshot) -> None:
        self._snapshot = snapshot
        self._ids = {provider.id for provider in snapshot.providers}

    def seller(self, provider: str, host: str, models: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """Whose list, and the names without what said so, best first; an empty id and the reason if there is none.

        `models` are those of reply and request. The vendor, or the provider behind a router, may stand in either.
        """
        host, slug = _PORT.sub("", host.lower()), provider.lower()
        if slug in _PASS_ON:
            return self._passed_on(models)
        if slug in _OWN:
            return "", (f"{slug} runs on a machine of your own",)
        found = self._by_host(host) or (HUGGINGFACE if slug == HUGGINGFACE else self._known(slug))
        if found == HUGGINGFACE:
            return self._behind_huggingface(models)
        if found in _SOLD_BY or slug in _SOLD_BY:
            seller, form = _SOLD_BY.get(found) or _SOLD_BY[slug]
            return seller, tuple(form.format(model) for model in models)
        if not found:
            return "", (f"no price list for provider {provider or 'unknown'}",)
        return found, models[::-1] if found == "aws" else models

    def guess(self, model: str) -> str:
        """Who makes a model of that name, if the name tells; else empty."""
        try:
            return self._snapshot.find_provider(model.lower(), None, None).id
        except LookupError:
            return ""

    def _known(self, slug: str) -> str:
        found = _IDS.get(slug, slug)
        return found if found in self._ids else ""

    def _by_host(self, host: str) -> str:
        if not host:
            return ""
        for pattern, found in _HOSTS:
            if pattern.fullmatch(host):
                return found
        try:
            found = self._snapshot.find_provider(None, None, f"https://{host}").id
        except LookupError:
            return ""
        return "" if found in _ANYBODYS else found

    def _passed_on(self, models: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        found = next((known for model in models if "/" in model and (known := self._known(model.partition("/")[0]))), "")
        if not found:
            return "", (f"{models[-1] if models else 'the model'} does not say whose it is",)
        # A reply may lack the vendor that was asked for.
        bare = (model.partition("/")[2] if self._known(model.partition("/")[0]) else model for model in models)
        return found, tuple(dict.fromkeys(bare))

    def _behind_huggingface(self, models: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        chosen = next((end for model in models if (end := model.rpartition(":")[2]) != model and end not in _POLICIES), "")
        if not chosen:
            return "", ("Hugging Face's router chose the provider; name it behind the model, such as `:together`",)
        found = f"huggingface_{chosen}"
        if found not in self._ids:
            return "", (f"no price list for {chosen} at Hugging Face",)
        return found, tuple(dict.fromkeys(model.removesuffix(f":{chosen}") for model in models))


def is_own_program(provider: str) -> bool:
    """Whether that slug is a program on a machine of one's own, which has no price whatever a list says."""
    return provider.lower() in _OWN


def is_own_server(provider: str, host: str) -> bool:
    """Whether a call under OpenAI's slug went elsewhere."""
    return provider == "openai" and bool(host) and not host.lower().startswith("api.openai.com")


def names(model: str, seller: str) -> Iterator[str]:
    """The names under which this model may stand in that list, best first."""
    name = unquote(model) if "%" in model else model
    if seller == "aws":
        yield from _at_bedrock(name)
    elif seller == "google":
        name = _GOOGLES.sub("", name).removeprefix("google/")
        yield name
        if "@" in name:  # Vertex: claude-sonnet-4@20250514
            yield name.replace("@", "-")
    elif seller == "fireworks":
        if "#" not in name:  # behind it is a deployment, which is paid by the hour
            yield name
            yield _FIREWORKS.sub("", name)
    elif seller in _MAKERS:
        if _OPEN_WEIGHTS.search(name):
            return
        yield name
        vendor, slash, rest = name.partition("/")
        if slash and _IDS.get(vendor, vendor) in (seller, "openai" if seller == "azure" else seller):
            yield rest
    else:
        while name:
            yield name
            name = name.partition("/")[2]


def hidden(model: str) -> str:
    """Why a name tells nothing about the model, or empty."""
    arn = _ARN.fullmatch(unquote(model))
    if arn and arn["kind"] in _HIDES:
        return f"a Bedrock {arn['kind']} does not tell its model"
    return "a deployment of Fireworks is paid by the hour" if "#accounts/" in model else ""


def _at_bedrock(name: str) -> Iterator[str]:
    arn = _ARN.fullmatch(name)
    if arn:
        if arn["kind"] in _HIDES:
            return
        name = arn["name"]
    yield name
    vendor, _, rest = name.partition("/")
    if rest:  # as others write it: bedrock/us.anthropic.claude-…, openai/gpt-oss-120b
        yield rest
        yield f"{vendor}.{rest}"
    if name.startswith("claude"):
        yield f"anthropic.{name}"
    if ":" not in name:  # bedrock-mantle leaves the version out
        yield f"{name}-1:0"
        yield f"{name}-v1:0"
