"""Bodies of every dialect by hand, after the providers' documentation: what is left of each, exactly."""

from typing import Any

import orjson
import pytest

from tracer.blank import blank_json

S = "secret"
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "anthropic request": (
        {
            "model": "claude",
            "max_tokens": 9,
            "system": S,
            "messages": [{"role": "user", "content": S}],
            "metadata": {"user_id": "u-1", S: S},
            "tools": [{"name": "f", "description": S, "input_schema": {S: S}}],
            "stop_sequences": [S],
            "thinking": {"type": "enabled", "budget_tokens": 4},
        },
        {
            "model": "claude",
            "max_tokens": 9,
            "messages": [],
            "metadata": {"user_id": "u-1"},
            "tools": [{"name": "f"}],
            "thinking": None,
        },
    ),
    "anthropic reply": (
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": [
                {"type": "text", "text": S, "citations": [{S: S}]},
                {"type": "tool_use", "id": S, "name": S, "input": {S: S}},
            ],
            "stop_reason": "stop_sequence",
            "stop_sequence": S,
            "usage": {"input_tokens": 1, "output_tokens": 2},
        },
        {
            "id": "msg_1",
            "type": "message",
            "model": "claude",
            "content": "x",
            "stop_reason": "stop_sequence",
            "usage": {"input_tokens": 1, "output_tokens": 2},
        },
    ),
    "anthropic start": (
        {"type": "message_start", "message": {"id": "m", "model": "c", "content": [], "usage": {"input_tokens": 1}, S: S}},
        {"type": "message_start", "message": {"id": "m", "model": "c", "content": None, "usage": {"input_tokens": 1}}},
    ),
    "anthropic delta": (
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": S}},
        {"type": "content_block_delta", "delta": {"text": "x"}},
    ),
    "anthropic tool delta without text": (
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": ""}},
        {"type": "content_block_delta", "delta": {"partial_json": ""}},
    ),
    "anthropic end": (
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": S}, "usage": {"output_tokens": 2}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    ),
    "gemini request": (
        {
            "contents": [{"parts": [{"text": S}]}],
            "systemInstruction": {"parts": [{"text": S}]},
            "generationConfig": {"temperature": 1, "maxOutputTokens": 5, "stopSequences": [S], "responseSchema": {S: S}},
            "tools": [{"functionDeclarations": [{"name": "f", "description": S, "parameters": {S: S}}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        },
        {"generationConfig": {"temperature": 1, "maxOutputTokens": 5}, "tools": [{"functionDeclarations": [{"name": "f"}]}]},
    ),
    "gemini reply": (
        {
            "candidates": [
                {
                    "content": {
                        "parts": [{"text": S, "thought": True}, {"functionCall": {"name": S, "args": {S: S}}}, {"text": ""}],
                        "role": "model",
                    },
                    "finishReason": "STOP",
                    "index": 0,
                    "safetyRatings": [{S: S}],
                    "groundingMetadata": {"webSearchQueries": [S, S], "groundingChunks": [{"web": {"title": S}}]},
                }
            ],
            "usageMetadata": {"promptTokenCount": 1, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}]},
            "modelVersion": "gemini-2.5-flash",
            "responseId": "r-1",
        },
        {
            "candidates": [
                {"content": {"parts": [{"text": "x"}, {"functionCall": "x"}, {"text": ""}]}, "finishReason": "STOP", "index": 0}
            ],
            "usageMetadata": {"promptTokenCount": 1, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}]},
            "modelVersion": "gemini-2.5-flash",
            "responseId": "r-1",
        },
    ),
    "converse request": (
        {
            "messages": [{"role": "user", "content": [{"text": S}]}],
            "system": [{"text": S}],
            "inferenceConfig": {"maxTokens": 3, "stopSequences": [S]},
            "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {S: S}}}}]},
            "additionalModelRequestFields": {S: S},
            "requestMetadata": {S: S},
        },
        {"messages": [], "inferenceConfig": {"maxTokens": 3}, "toolConfig": {"tools": [{"toolSpec": {"name": "f"}}]}},
    ),
    "converse reply": (
        {
            "output": {"message": {"role": "assistant", "content": [{"text": S}, {"toolUse": {"name": S, "input": {S: S}}}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
            "metrics": {"latencyMs": 5},
            "trace": {S: S},
        },
        {
            "output": {"message": {}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
            "metrics": {"latencyMs": 5},
        },
    ),
    "converse event": (
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": S}}, "p": S}},
        {"contentBlockDelta": {"delta": {"reasoningContent": {"text": "x"}}}},
    ),
    "converse end": (
        {"metadata": {"usage": {"inputTokens": 1}, "metrics": {"latencyMs": 2}, "trace": {S: S}}},
        {"metadata": {"usage": {"inputTokens": 1}}},
    ),
    "titan": (
        {"inputTextTokenCount": 3, "results": [{"tokenCount": 4, "outputText": S, "completionReason": "FINISH"}]},
        {"inputTextTokenCount": 3, "results": [{"tokenCount": 4, "completionReason": "FINISH"}]},
    ),
    "llama on bedrock": (
        {
            "generation": S,
            "prompt_token_count": 3,
            "generation_token_count": 4,
            "stop_reason": "stop",
            "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3},
        },
        {
            "generation": "x",
            "prompt_token_count": 3,
            "generation_token_count": 4,
            "stop_reason": "stop",
            "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3},
        },
    ),
    "cohere v2 event": (
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": S}}}},
        {"type": "content-delta", "delta": {"message": {"content": {"text": "x"}}}},
    ),
    "cohere v2 end": (
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {"tokens": {"input_tokens": 1}}}},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {"tokens": {"input_tokens": 1}}}},
    ),
    "cohere v1 event": (
        {"is_finished": False, "event_type": "text-generation", "text": S},
        {"is_finished": False, "event_type": "x", "text": "x"},
    ),
    "cohere v1 end": (
        {
            "is_finished": True,
            "event_type": "stream-end",
            "finish_reason": "COMPLETE",
            "response": {
                "response_id": "r",
                "text": S,
                "generation_id": "g",
                "chat_history": [{"message": S}],
                "finish_reason": "COMPLETE",
                "meta": {"api_version": {"version": "1"}, "warnings": [S], "billed_units": {"input_tokens": 7}},
            },
        },
        {
            "is_finished": True,
            "event_type": "stream-end",
            "finish_reason": "COMPLETE",
            "response": {"response_id": "r", "finish_reason": "COMPLETE", "meta": {"billed_units": {"input_tokens": 7}}},
        },
    ),
    "ollama chat": (
        {"model": "l", "created_at": "t", "message": {"role": "assistant", "content": S, "images": [S]}, "done": False},
        {"model": "l", "created_at": "t", "message": {"content": "x"}, "done": False},
    ),
    "ollama generate": (
        {"model": "l", "response": S, "done": True, "done_reason": "stop", "context": [1, 2], "eval_count": 3},
        {"model": "l", "response": "x", "done": True, "done_reason": "stop", "eval_count": 3},
    ),
    "ollama request": (
        {"model": "l", "prompt": S, "options": {"num_predict": 3, "stop": [S]}},
        {"model": "l", "options": {"num_predict": 3}},
    ),
    "hugging face": (
        {
            "token": {"id": 5, "text": S, "special": False},
            "generated_text": S,
            "details": {"finish_reason": "length", "generated_tokens": 3},
        },
        {"token": {"text": "x"}, "generated_text": "x", "details": {"finish_reason": "length", "generated_tokens": 3}},
    ),
    "openai responses items": (
        {"object": "response", "output": [{"type": "web_search_call", "status": "completed", "id": S, "action": {"query": S}}]},
        {"object": "response"},
    ),
    "an error of amazon": (
        {"message": S, "__type": "ValidationException"},
        {"message": "x", "__type": "ValidationException"},
    ),
    "an error of google": (
        {"error": {"code": 429, "message": S, "status": "RESOURCE_EXHAUSTED", "details": [{S: S}]}},
        {"error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED"}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_left(name: str) -> None:
    body, left = CASES[name]
    blank = blank_json(orjson.dumps(body))
    assert orjson.loads(blank) == left
    assert S.encode() not in blank
    assert blank_json(blank) == blank
