import orjson
from hypothesis import given
from hypothesis import strategies as st

from tracer.sink.body import Plain
from tracer.sink.facts import Facts
from tracer.sink.remains import salvaged


def cut(document: bytes, kept: int) -> Facts:
    return salvaged(Plain(document[:kept], document[-kept:], True))


def test_a_guardrails_usage_is_not_the_models() -> None:
    document = {"usage": {"inputTokens": 3, "outputTokens": 4}, "x": "y" * 900, "trace": {"usage": {"topicPolicyUnits": 1}}}
    assert cut(orjson.dumps(document), 60).usage == {"inputTokens": 3, "outputTokens": 4}


def test_choices_keep_their_reasons_in_order() -> None:
    choices = [{"index": 0, "finish_reason": "stop", "x": "y" * 900}, {"index": 1, "finish_reason": "length"}]
    assert cut(orjson.dumps({"choices": choices}), 60).finish_reasons(cut=False) == ("stop", "length")


def test_text_cannot_pass_for_a_fact() -> None:
    said = orjson.dumps({"model": "evil", "usage": {"prompt_tokens": 9}, "finish_reason": "stop"}).decode()
    facts = cut(orjson.dumps({"id": "c", "choices": [{"message": {"content": said + "y" * 900 + said}}]}), 180)
    assert (facts.id, facts.model, facts.usage, facts.reasons) == ("c", "", None, {})


@given(st.text(alphabet='{}[]",:usageMetadata0129 \\', max_size=60), st.text(alphabet='{}[]",:choices0129 \\', max_size=60))
def test_nothing_makes_it_raise(head: str, tail: str) -> None:
    facts = salvaged(Plain(head.encode(), tail.encode(), True))
    assert isinstance(facts.model, str)
