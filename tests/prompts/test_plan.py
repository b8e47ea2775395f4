"""What a version's string is, and how it is filled."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prompts.asking import content, rendered
from tracer.prompts.mustache import MAX_DEPTH, MAX_TEMPLATE
from tracer.prompts.plan import plan
from tracer.prompts.template import Evaluation
from tracer.proxy.refused import Refused


def filled(string: str, variables: dict[str, object], *, raw: bool = False, partials: dict[str, str] | None = None) -> object:
    return plan(string, raw).fill(Evaluation(variables, (partials or {}).get))


# Template, value of x, and the content of the final message: the table measured of Portkey's engine, but for its faults.
MEASURED = [
    ("{{x}}", "plain", "plain"),
    ("{{x}}", "<b>&amp;", "<b>&amp;"),
    ("{{x}}", "é 漢 🙂", "é 漢 🙂"),
    ("{{x}}", "a\nb\tc", "a\nb\tc"),
    ("{{gone}}", "", ""),
    ("{{x}}", None, ""),
    ("{{x}}", 3, "3"),
    ("{{x}}", 0, "0"),
    ("{{x}}", False, "false"),
    ("{{x}}", True, "true"),
    ("{{x}}", 'say "hi" \\ there', 'say "hi" \\ there'),  # theirs gains a backslash
    ("{{{x}}}", 'say "hi" \\ there', 'say "hi" \\ there'),
    ("{{x}}", {"a": 'b"c'}, '{"a":"b\\"c"}'),  # theirs fails
    ("{{x}}", ["a", 1], '["a",1]'),
    ("{{x}}", "{{y}}", "{{y}}"),
    ("{{x.y}}", {"y": "nested"}, "nested"),
    ("{{#x}}yes{{/x}}", "", ""),
    ("{{#x}}yes{{/x}}", [], ""),
    ("{{#x}}yes{{/x}}", 0, ""),
    ("{{#x}}yes{{/x}}", False, ""),
    ("{{#x}}yes{{/x}}", "0", "yes"),
    ("{{! c }}|{{&x}}|", "v", "|v|"),  # theirs leaves braces behind
    ("open {{a", "", "open {{a"),
    ("open {{#x}}{{x}}", "v", "open v"),
    ("stray {{/x}}|", "", "stray |"),
]


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize(("template", "value", "text"), MEASURED)
def test_what_arrives_in_the_message(template: str, value: object, text: str, raw: bool) -> None:
    assert content(template, {"x": value, "y": "wrong"}, raw=raw) == text


def test_lines_of_sections_are_gone_in_strings_too() -> None:
    assert content("a\n{{#x}}\nb\n{{/x}}\nc", {"x": True}) == "a\nb\nc"


@given(st.text(), st.booleans())
def test_any_text_arrives_as_it_is(value: str, raw: bool) -> None:
    assert content("{{x}}{{>p}}", {"x": value, "y": "wrong"}, raw=raw, partials={"p": "|{{x}}"}) == f"{value}|{value}"


@given(st.text(), st.text())
def test_any_text_as_a_template_gives_one_message(template: str, value: str) -> None:
    string = orjson.dumps([{"role": "user", "content": template}]).decode()
    assert filled(string, {"x": value, "": value}) == [{"role": "user", "content": rendered(template, {"x": value, "": value})}]


@given(st.text(alphabet='[]{}#/^x"\\:,\n') | st.text(), st.booleans())
def test_any_string_fills_or_is_refused(string: str, raw: bool) -> None:
    try:
        filled(string, {"x": ['"', {}]}, raw=raw)
    except Refused as refused:
        assert refused.kind in ("template_broken", "partial_not_found")  # noqa: PT017  # it may also be no refusal


def test_every_string_of_a_message_is_a_template_and_nothing_else() -> None:
    messages = [
        {
            "role": "{{r}}",
            "content": [{"type": "text", "text": "Look: {{x}}"}, {"type": "image_url", "image_url": {"url": "{{x}}", "n": 1}}],
            "{{key}}": [None, True, 1.5, ["{{x}}"]],
        }
    ]
    assert filled(json.dumps(messages), {"r": "user", "x": 'a"b'}) == [
        {
            "role": "user",
            "content": [{"type": "text", "text": 'Look: a"b'}, {"type": "image_url", "image_url": {"url": 'a"b', "n": 1}}],
            "{{key}}": [None, True, 1.5, ['a"b']],
        }
    ]


def test_raw_messages_may_have_sections_around_them() -> None:
    string = """[
      {"role": "system", "content": "Be {{tone}}."},
      {{#examples}}
      {"role": "user", "content": "{{q}}"}, {"role": "assistant", "content": "{{a}}"},
      {{/examples}}
      {"role": "user", "content": {{parts}}, "n": {{n}}}
    ]"""
    variables: dict[str, object] = {
        "tone": "\\brief\\",
        "examples": [{"q": '"1"?', "a": "one\n"}, {"q": "2?", "a": ""}],
        "parts": [{"type": "text", "text": "x"}],
        "n": "1",
    }
    expected = [
        {"role": "system", "content": "Be \\brief\\."},
        {"role": "user", "content": '"1"?'},
        {"role": "assistant", "content": "one\n"},
        {"role": "user", "content": "2?"},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": [{"type": "text", "text": "x"}], "n": 1},
    ]
    assert filled(string, variables, raw=True) == expected
    assert filled(string, variables) == expected, "it is no JSON as it stands, whether it says so or not"
    assert filled("{{#go}}" + string + "{{/go}}", {**variables, "go": True}) == expected


@pytest.mark.parametrize(
    ("string", "raw", "chat"),
    [
        ("[]", False, True),
        ('[{"role":"user","content":"a"}]', False, True),
        (' \n[ {"role":"user","content":"a"} ]', True, True),
        ('{{! c }} [{{#x}}{"role":"user"}{{/x}}]', False, True),
        ("[{{>messages}}]", True, True),
        ("[{{date}}] Summarise {{text}}", False, False),
        ("[INST] {{x}} [/INST]", False, False),
        ("[INST] {{x}} [/INST]", True, False),
        ("Write about {{x}}", False, False),
        ('{"role":"user","content":"a"}', False, False),
        ('["a"]', False, False),
        ('"a"', False, False),
        ("", False, False),
    ],
)
def test_messages_or_text(string: str, raw: bool, chat: bool) -> None:
    assert plan(string, raw).chat is chat


@pytest.mark.parametrize(
    ("string", "why"),
    [
        ('[{"role":"user","content":{{x}}}]', "not JSON once rendered"),
        ('[{"role":"user"},{{#x}}{{/x}}]', "not JSON once rendered"),
        ('{{#x}}{{/x}}[{"role":"user"}]{{^x}}, 1{{/x}}', "not JSON once rendered"),
        ('{{#x}}[{"role":"user"}]{{/x}}{{^x}}{"role":"user"}{{/x}}', "not an array of messages once rendered"),
        ('{{=<% %>=}}[{"role":"user"}]<%^x%>.a<%/x%>', "not JSON once rendered"),
    ],
)
def test_what_is_not_messages_once_rendered(string: str, why: str) -> None:
    with pytest.raises(Refused, match=f"Error in parsing prompt template: it is {why}") as refused:
        filled(string, {}, raw=True)
    assert (refused.value.status, refused.value.kind) == (400, "template_broken")


def test_missing_partials_of_all_messages_are_named_together() -> None:
    string = '[{"role":"user","content":"{{>a}}"},{"role":"user","content":"{{>b}}"}]'
    for raw in (False, True):
        with pytest.raises(Refused, match=r"Missing prompt partials: a, b$"):
            filled(string, {}, raw=raw)


def test_bounds_hold_for_all_messages_together() -> None:
    string = json.dumps([{"role": "user", "content": "{{x}}"}] * 20)
    assert filled(string, {"x": "x" * 1000}) == [{"role": "user", "content": "x" * 1000}] * 20
    for raw in (False, True):
        with pytest.raises(Refused, match="bytes"):
            filled(string, {"x": "x" * (1 << 20)}, raw=raw)


def test_a_string_that_is_too_large_or_too_deep() -> None:
    for string in ("x" * (MAX_TEMPLATE + 1), '[{"a":' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}]"):
        with pytest.raises(Refused) as refused:
            plan(string, False)
        assert refused.value.kind == "template_too_large"


def test_a_plan_is_made_once_and_what_it_fills_is_new() -> None:
    string = '[{"role":"user","content":["fixed"]}]'
    assert plan(string, False) is plan(str(string.encode(), "utf-8"), False)
    first = filled(string, {})
    assert isinstance(first, list)
    first[0]["content"].append("changed")
    first.append("changed")
    assert filled(string, {}) == [{"role": "user", "content": ["fixed"]}]
