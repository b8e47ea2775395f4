"""Whose calls cost money by public price lists: the rest runs on machines of one's own, or sells by contract."""

# Why calls of a provider cannot have a list price.
_WITHOUT_A_LIST = {
    "ollama": "a machine of one's own",
    "vllm": "a machine of one's own",
    "llama-cpp": "a machine of one's own",
    "huggingface": "a router: the provider behind it has the price",
}


def is_commercial(provider: str) -> bool:
    """Whether a provider sells tokens at a price of its own."""
    return provider not in _WITHOUT_A_LIST
