"""Values and sections, texts inside JSON, partials, and the bounds that no template and no variable gets past."""

import json
import tracemalloc
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prompts.asking import rendered
from tracer.prompts.mustache import MAX_DEPTH, parsed
from tracer.prompts.template import MAX_OUTPUT, MAX_STEPS, Evaluation, Json
from tracer.proxy.refused import Refused

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
TAGS = st.sampled_from(
    ["{{x}}", "{{{x}}}", "{{&x}}", "{{ x }}", "{{#t}}{{x}}{{/t}}", "{{#x}}{{.}}{{/x}}", "{{>p}}", "{{>>name}}"]
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", ""),
        ("<b>&amp;\"'", "<b>&amp;\"'"),
        ("a\nb\tc\\n", "a\nb\tc\\n"),
        ("{{y}}", "{{y}}"),
        (0, "0"),
        (1.5, "1.5"),
        (False, "false"),
        (True, "true"),
        ({"a": ["é", None, True]}, '{"a":["é",null,true]}'),
        ([1, "b"], '[1,"b"]'),
        ([], "[]"),
    ],
)
@pytest.mark.parametrize("tag", ["{{x}}", "{{{x}}}", "{{&x}}", "{{ x }}", "{{#s}}{{x}}{{/s}}", "{{s.x}}"])
def test_what_a_value_becomes(tag: str, value: object, text: str) -> None:
    assert rendered(f"<{tag}>", {"x": value, "y": "wrong", "s": {"x": value}}) == f"<{text}>"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{gone}}", ""),
        ("{{gone.further}}", ""),
        ("{{a.b.c}}", "deep"),
        ("{{a.b.gone}}", ""),
        ("{{a.b.c.d}}", ""),
        ("{{l.0}} {{l.1.n}} {{l.2}}|{{l.-1}}|{{l.00}}", "p q ||p"),
        ("{{l.length}} {{word.length}}", "2 4"),
        ("{{#l.length}}some{{/l.length}}{{#none.length}}none{{/none.length}}", "some"),
        ("{{phone number}}", "555"),
        ("{{x.y}}", ""),  # not the key "x.y"
        ("{{#a}}{{b.c}} {{word}}{{/a}}", "deep four"),
        ("{{#a}}{{b.word}}{{/a}}", ""),  # `b` is found inside, so the search for `word` ends there
        ("{{#nulled}}{{word}}{{/nulled}}", ""),  # it is there, as null
        ("{{#rows}}{{0}}{{1}};{{/rows}}", "12;34;"),
        ("{{#word}}{{length}}{{.}}{{/word}}", "four"),  # a string's length does not hide a variable
        ("{{.}}", '{"n":1}'),
    ],
)
def test_where_names_lead(template: str, text: str) -> None:
    variables: dict[str, object] = {
        "a": {"b": {"c": "deep"}},
        "l": ["p", {"n": "q"}],
        "none": [],
        "word": "four",
        "phone number": "555",
        "x.y": "wrong",
        "nulled": {"word": None},
        "rows": [[1, 2], [3, 4]],
    }
    assert rendered(template, {"n": 1} if template == "{{.}}" else variables) == text


@pytest.mark.parametrize("value", [None, "", 0, 0.0, False, [], ...])
def test_what_is_false(value: object) -> None:
    variables = {} if value is ... else {"x": value}
    assert rendered("{{#x}}yes{{/x}}{{^x}}no{{/x}}", variables) == "no"


@pytest.mark.parametrize("value", ["0", " ", "false", 1, -1, True, {}, {"a": None}, [None], [0]])
def test_what_is_true(value: object) -> None:
    assert rendered("{{#x}}yes{{/x}}{{^x}}no{{/x}}", {"x": value}) == "yes"


def test_sections_over_lists() -> None:
    people = {"people": [{"name": "Ada", "langs": ["a", "b"]}, {"name": "Bob", "langs": []}], "name": "outer"}
    template = "{{#people}}{{name}}:{{#langs}}{{.}} {{name}},{{/langs}}{{^langs}}none{{/langs}};{{/people}}{{name}}"
    assert rendered(template, people) == "Ada:a Ada,b Ada,;Bob:none;outer"


def test_partials() -> None:
    partials = {"greet": "Hi {{name}}{{>mark}}", "greet@2": "Hello {{name}}", "mark": "!"}
    assert (
        rendered("{{>greet}} {{> greet@2 }} {{>>which}}", {"name": "Ada", "which": "mark"}, partials) == "Hi Ada! Hello Ada !"
    )


def test_a_partial_alone_on_its_line_keeps_its_indentation() -> None:
    partials = {"list": "- {{x}}\n\n- b\n"}
    assert rendered("a\n  {{>list}}\nc", {"x": "1\n2"}, partials) == "a\n  - 1\n2\n\n  - b\nc"
    assert rendered("a {{>list}}c", {"x": "1"}, partials) == "a - 1\n\n- b\nc"


def test_partials_that_call_themselves_end_with_the_data() -> None:
    tree = {"v": 1, "kids": [{"v": 2, "kids": []}, {"v": 3, "kids": [{"v": 4, "kids": []}]}]}
    assert rendered("{{>node}}", tree, {"node": "{{v}}({{#kids}}{{>node}}{{/kids}})"}) == "1(2()3(4()))"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{>a}} {{>b@9}} {{>a}}", "Missing prompt partials: a, b@9"),
        ("{{>>unset}} {{>>empty}} {{>>number}}", "Missing variable partials: unset, empty, number"),
        ("{{>>names}}", "Missing prompt partials: nobody"),
        ("{{#t}}{{>a}}{{/t}}", "Missing prompt partials: a"),
        ("{{>" + "a" * 300 + "}}", "Missing prompt partials: " + "a" * 256),
        (
            "".join(f"{{{{>p{n}}}}}" for n in range(12)),
            "Missing prompt partials: p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 and 2 more",
        ),
    ],
)
def test_partials_that_are_not_there(template: str, message: str) -> None:
    asked_for: list[str] = []

    def look_up(name: str) -> None:
        asked_for.append(name)

    evaluation = Evaluation({"empty": "", "number": 5, "names": "nobody", "t": True}, look_up)
    evaluation.render(parsed(template))
    with pytest.raises(Refused, match=message) as refused:
        evaluation.check()
    assert (refused.value.status, refused.value.kind) == (400, "partial_not_found")
    assert not any(len(name) > 256 for name in asked_for)


def test_partials_that_nothing_asks_for_are_not_missed() -> None:
    evaluation = Evaluation({}, lambda name: None)
    assert evaluation.render(parsed("{{#x}}{{>a}}{{>>b}}{{/x}}.")) == "."
    evaluation.check()


@given(TAGS, st.text())
def test_any_text_comes_out_as_it_is(tag: str, value: str) -> None:
    variables = {"x": value, "t": True, "name": "p", "y": "wrong"}
    assert rendered(f"a{tag}b", variables, {"p": "{{x}}"}) == f"a{value}b"


@given(TAGS, VALUES)
def test_inside_a_json_string_any_value_comes_out_as_elsewhere(tag: str, value: object) -> None:
    variables = {"x": value, "t": True, "name": "p"}
    partials = {"p": 'said "{{x}}"\n\\'}
    evaluation = Evaluation(variables, partials.get)
    text = evaluation.render(parsed('{"before":"\\"\\\\","in":"' + tag + '","after":[1]}'), Json)
    made = json.loads(text)
    assert made == {"before": '"\\', "in": rendered(tag, variables, partials), "after": [1]}


@given(VALUES)
def test_outside_json_strings_a_value_is_part_of_the_structure(value: object) -> None:
    text = Evaluation({"x": value}, {}.get).render(parsed('{"a":"b","in":{{x}},"s":"{{s}}"}'), Json)
    if isinstance(value, str) or value is None:
        assert text == '{"a":"b","in":' + (value or "") + ',"s":""}'
    else:
        assert json.loads(text) == {"a": "b", "in": value, "s": ""}


@given(st.text(alphabet='"\\a{}:,'), st.text(alphabet='"\\a'))
def test_a_value_never_ends_the_string_it_is_in(before: str, value: str) -> None:
    """Whatever the template says before, an escaped value closes no string."""
    template = '["' + before.replace("{{", "").replace("}}", "") + "{{x}}"
    with_value = Evaluation({"x": value}, {}.get).render(parsed(template), Json)
    out = Json(MAX_OUTPUT)
    out.literal(template.removesuffix("{{x}}"))
    inside = out.in_string
    out.value(value)
    assert not inside or out.in_string
    assert "".join(out.pieces) == with_value
    if inside:
        again = Json(MAX_OUTPUT)
        again.literal(with_value)  # read as one text
        assert again.in_string


def test_a_partial_outside_json_strings_may_hold_messages() -> None:
    partials = {"example": '{"role":"user","content":"{{q}}"}', "tone": 'be "kind"\n'}
    template = '[{{>example}},{"role":"system","content":"{{>tone}}"}]'
    assert json.loads(Evaluation({"q": 'a "quoted"\nline'}, partials.get).render(parsed(template), Json)) == [
        {"role": "user", "content": 'a "quoted"\nline'},
        {"role": "system", "content": 'be "kind"\n'},
    ]


def refusal(template: str, variables: dict[str, object], partials: Mapping[str, str] | None = None) -> tuple[str, Evaluation]:
    evaluation = Evaluation(variables, (partials or {}).get)
    with pytest.raises(Refused) as refused:
        evaluation.render(parsed(template))
    assert (refused.value.status, refused.value.kind) == (400, "template_too_large")
    return refused.value.message, evaluation


ITEMS = {"l": list(range(100))}


@pytest.mark.parametrize(
    ("template", "variables", "partials", "over"),
    [
        ("{{>p}}", {}, {"p": "{{>p}}"}, "deeper"),
        ("{{>p}}", {}, {"p": "{{>q}}", "q": "{{#t}}{{/t}}{{>p}}"}, "deeper"),
        ("{{>>p}}", {"p": "q"}, {"q": "{{>>p}}"}, "deeper"),
        ("{{#t}}" * 30 + "{{>p}}", {"t": True}, {"p": "{{#t}}" * 30}, "deeper"),
        ("{{#t}}{{>p}}{{/t}}", {"t": True}, {"p": "{{#t}}{{>p}}{{>p}}{{/t}}"}, "deeper"),
        ("{{>p0}}", {}, {f"p{n}": f"{{{{>p{n + 1}}}}}" * 4 for n in range(40)} | {"p40": ""}, "steps"),
        ("{{#l}}" * 4 + "{{/l}}" * 4, ITEMS, {}, "steps"),
        ("{{#l}}" * 4 + "x", ITEMS, {}, "steps"),
        ("{{#l}}{{#l}}{{>p}}{{/l}}{{/l}}", ITEMS, {"p": "{{#l}}{{.}}{{/l}}"}, "steps"),
        ("{{#l}}{{" + "a." * 5000 + "a}}{{/l}}", ITEMS, {}, "steps"),
        ("{{#x}}{{/x}}", {"x": [[]] * (MAX_STEPS + 1)}, {}, "steps"),
        ("\n".join(" " * n + "{{>p}}" for n in range(1, 50)), {}, {"p": "word\n" * 10_000}, "steps"),
        ("{{x}}" * 2, {"x": "x" * (10 << 20)}, {}, "bytes"),
        ("{{x}}", {"x": "é" * (MAX_OUTPUT // 2 + 1)}, {}, "bytes"),
        ("{{#l}}{{x}}{{/l}}", {"x": "x" * (MAX_OUTPUT // 50), **ITEMS}, {}, "bytes"),
        ("{{#l}}" + "x" * (MAX_OUTPUT // 50) + "{{/l}}", ITEMS, {}, "bytes"),
        ("{{#l}}{{x}}{{/l}}", {"x": {"a": ["x" * (MAX_OUTPUT // 50)]}, **ITEMS}, {}, "bytes"),
        (" " * 900_000 + "{{>p}}", {}, {"p": "x\n" * 1000}, "steps"),
        (" " * 1_300 + "{{>p}}", {}, {"p": "x\n" * 1000}, "longer"),
    ],
)
def test_bombs(template: str, variables: dict[str, object], partials: Mapping[str, str], over: str) -> None:
    message, evaluation = refusal(template, variables, partials)
    assert over in message
    assert (evaluation.steps < 0) == (over == "steps")


@pytest.mark.parametrize("raw", [False, True])
def test_a_bomb_takes_memory_within_the_bounds(raw: bool) -> None:
    value = "\0" * (10 << 20)  # six times as long in JSON
    evaluation = Evaluation({"x": value, **ITEMS}, {}.get)
    nodes = parsed('["{{#l}}{{x}}{{/l}}"]')
    tracemalloc.start()
    with pytest.raises(Refused, match="bytes"):
        evaluation.render(nodes, Json) if raw else evaluation.render(nodes)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * MAX_OUTPUT


def test_the_account_is_one_for_all_texts_of_a_prompt() -> None:
    evaluation = Evaluation({"x": "x" * (6 << 20), **ITEMS}, {}.get)
    evaluation.render(parsed("{{x}}"))
    assert evaluation.room == MAX_OUTPUT - (6 << 20)
    before = evaluation.steps
    evaluation.render(parsed("{{#l}}{{.}}{{/l}}"))
    assert before - 4 * len(ITEMS["l"]) < evaluation.steps < before - len(ITEMS["l"])
    evaluation.render(parsed("{{x}}"))
    with pytest.raises(Refused, match="bytes"):
        evaluation.render(parsed("{{x}}"))


def test_what_is_within_the_bounds() -> None:
    assert len(rendered("{{x}}", {"x": "x" * MAX_OUTPUT})) == MAX_OUTPUT
    assert rendered("{{#t}}" * MAX_DEPTH + "x", {"t": True}) == "x"
    rows = [{"name": "n", "kind": "k", "text": "t"} for _ in range(5000)]
    assert len(rendered("{{#rows}}{{name}} {{kind}} {{text}}\n{{/rows}}", {"rows": rows})) == 6 * 5000


def test_variables_that_nest_deep() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    message, _ = refusal("{{x}}", {"x": deep})
    assert "nests too deep" in message
    while deep:  # taken apart, as Python's own way of it would go as deep
        deep = deep.pop()  # type: ignore[assignment]


def test_values_that_are_not_json() -> None:
    with pytest.raises(Refused) as refused:
        rendered("{{x}}", {"x": {"a": b"bytes"}})
    assert (refused.value.status, refused.value.kind) == (400, "bad_variables")
