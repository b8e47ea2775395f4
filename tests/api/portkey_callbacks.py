"""Portkey's own LangChain and LlamaIndex callbacks, run on what those frameworks call them with, and its span exporter.

The callbacks are the SDK's code, unmodified. Of the frameworks, which are large, there is only what the callbacks import: the
empty base classes, the names of LlamaIndex's events and its token counter.
"""

import sys
import uuid
from enum import StrEnum
from importlib import util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import portkey_ai
import pytest
from opentelemetry.sdk.trace.export import SpanExporter


class Events(StrEnum):
    """llama_index.core.callbacks.schema.CBEventType, those that are used here and those the callback names."""

    LLM = "llm"
    QUERY = "query"
    CHUNKING = "chunking"
    NODE_PARSING = "node_parsing"
    SYNTHESIZE = "synthesize"
    EXCEPTION = "exception"
    TREE = "tree"
    RERANKING = "reranking"


class _Base:
    def __init__(self, **_: Any) -> None: ...


class _Tokens:
    def estimate_tokens_in_messages(self, messages: Any) -> int:
        return 7 * len(messages)


def _provide(monkeypatch: pytest.MonkeyPatch, **modules: dict[str, Any]) -> None:
    for name, content in modules.items():
        parts = name.split("__")
        for depth in range(1, len(parts) + 1):
            path = ".".join(parts[:depth])
            if path not in sys.modules:
                monkeypatch.setitem(sys.modules, path, ModuleType(path))
        for key, value in content.items():
            monkeypatch.setattr(sys.modules[".".join(parts)], key, value, raising=False)


def run_langchain(monkeypatch: pytest.MonkeyPatch, base_url: str, api_key: str) -> None:
    """A chain with a tool and a call to a model in it, as langchain-core reports them."""
    _provide(monkeypatch, langchain_core__callbacks__base={"BaseCallbackHandler": _Base})
    from portkey_ai.langchain import LangchainCallbackHandler

    handler = LangchainCallbackHandler(api_key=api_key, base_url=base_url, metadata={"traceId": "t-chain", "_user": "ana"})
    chain, tool, llm = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    handler.on_chain_start({"name": "AgentExecutor"}, {"input": "who?"}, run_id=chain, tags=["agent"], name="AgentExecutor")
    handler.on_tool_start({"name": "search"}, "who", run_id=tool, parent_run_id=chain, tags=[], inputs={"q": "who"})
    handler.on_tool_end("somebody", run_id=tool, parent_run_id=chain)
    serialized = {
        "id": ["langchain", "chat_models", "openai", "ChatOpenAI"],
        "name": "ChatOpenAI",
        "kwargs": {"base_url": "https://api.openai.com/v1", "default_headers": {"authorization": "Bearer sk-langchain-123456"}},
    }
    handler.on_llm_start(
        serialized,
        ["Human: who are you?"],
        run_id=llm,
        parent_run_id=chain,
        tags=[],
        invocation_params={"model": "gpt-4o", "temperature": 0.5},
    )
    generation = SimpleNamespace(text="I am.", generation_info={"finish_reason": "stop"})
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    result = SimpleNamespace(generations=[[generation]], llm_output={"token_usage": usage, "model_name": "gpt-4o-2024-08-06"})
    handler.on_llm_end(result, run_id=llm, parent_run_id=chain)
    handler.on_chain_end({"output": "Final Answer: I am."}, run_id=chain)


def run_llamaindex(monkeypatch: pytest.MonkeyPatch, base_url: str, api_key: str) -> None:
    """A query with a call to a model in it, as LlamaIndex reports them."""
    _provide(
        monkeypatch,
        llama_index__core__callbacks__schema={"CBEventType": Events},
        llama_index__core__callbacks__base_handler={"BaseCallbackHandler": _Base},
        llama_index__core__utilities__token_counting={"TokenCounter": _Tokens},
    )
    from portkey_ai.llamaindex import LlamaIndexCallbackHandler

    handler = LlamaIndexCallbackHandler(api_key=api_key, base_url=base_url, metadata={"_user": "bo"})
    handler.start_trace("index_construction")
    handler.on_event_start(Events.QUERY, {"query_str": "who?"}, event_id="q-1", parent_id="root")
    message = SimpleNamespace(role=SimpleNamespace(value="user"), content="who are you?")
    llm = {"api_base": "https://api.openai.com/v1", "class_name": "openai_llm", "model": "gpt-4o", "temperature": 0.1}
    handler.on_event_start(Events.LLM, {"messages": [message], "serialized": llm}, event_id="l-1", parent_id="q-1")
    answer = SimpleNamespace(message=SimpleNamespace(role="assistant", content="I am."))
    handler.on_event_end(Events.LLM, {"messages": [message], "response": answer}, event_id="l-1")
    handler.on_event_end(Events.QUERY, {"response": {"response": "I am.", "source_nodes": []}}, event_id="q-1")
    handler.end_trace()


def span_exporter(base_url: str, api_key: str) -> SpanExporter:
    """The SDK's exporter, from its file: its package wants instrumentations that it does not need itself."""
    file = Path(portkey_ai.__file__).parent / "api_resources" / "instrumentation" / "portkey_span_exporter.py"
    spec = util.spec_from_file_location("portkey_span_exporter", file)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: SpanExporter = module.PortkeySpanExporter(api_key=api_key, base_url=base_url)
    return made
