"""Templates become trees: the specification's rules, against an independent implementation, and malformed ones."""

import collections
import re

import pystache
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prompts.asking import rendered
from tracer.prompts.mustache import MAX_DEPTH, MAX_TAGS, MAX_TEMPLATE, Include, Section, Text, Variable, names, parsed
from tracer.proxy.refused import Refused

# Template, and what Portkey's own engine (npm @portkey-ai/mustache 2.1.5) makes of it with x = 1 and true sections.
MALFORMED = [
    ("x {{a", "x {{a"),
    ("{{#a", "{{#a"),
    ("pre {{#a}}tail", "pre tail"),
    ("x{{/a}}y", "xy"),
    ("{{}}", ""),
    ("{{#a}}1{{#b}}2{{/a}}3{{/b}}4", "1234"),
    ("{{#a}}x{{/b}}y", "xy"),
    ("{{x}}}", "1}"),
    ("{ {{x}} }", "{ 1 }"),
    ('{{"a": 1}} {{x}}', " 1"),
]


@pytest.mark.parametrize(("template", "text"), MALFORMED)
def test_malformed_ones_go_on_as_portkeys(template: str, text: str) -> None:
    assert rendered(template, {"x": 1, "a": True, "b": True}) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ foo {{x}}", "{{ foo 1"),  # Portkey's drops what comes before, or does not, by the kind of the tag
        ("{{{x}}", "{1"),
        ("{{{{x}}}}", "{1}"),
        ("{{{x}}}}", "1}"),
        ("{{! {{x}} }}|", " }}|"),
        ("{{! a\nb }}|", "|"),
        ("{{x {{! c }}|", "{{x |"),
        ("{{=<% }}{{x}}", "{{=<% }}1"),
        ("{{=}}{{x}}", "{{=}}1"),
        ("{{= a b c =}}{{x}}", "{{= a b c =}}1"),
    ],
)
def test_malformed_ones_keep_their_text(template: str, text: str) -> None:
    assert rendered(template, {"x": 1}) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{=<% %>=}}<%x%> {{x}}", "1 {{x}}"),
        ("{{=| |=}}|x||#t|yes|/t|", "1yes"),
        ("{{=<% %>=}}<%={{ }}=%>{{x}}", "1"),
        ("{{= <%   %> =}}<% x %>", "1"),
        ("a\n{{=<% %>=}}\n<%x%>", "a\n1"),
    ],
)
def test_other_delimiters(template: str, text: str) -> None:
    assert rendered(template, {"x": 1, "t": True}) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("a\n{{#t}}\nb\n{{/t}}\nc", "a\nb\nc"),
        ("a\r\n{{#t}}\r\nb\r\n{{/t}}\r\nc", "a\r\nb\r\nc"),
        ("{{#t}}\nb\n  {{/t}}", "b\n"),
        (" {{#t}} | {{/t}} \n", "  |  \n"),
        ("{{#t}}\n  {{#t}}\nX\n  {{/t}}\n{{/t}}\n", "X\n"),
        ("a{{x}}{{#t}}\nb\n{{/t}}", "a1\nb\n"),
        ("a\n  {{! c }}  \nb", "a\nb"),
        ("a {{! c }}\nb", "a \nb"),
        ("{{x}}\nb", "1\nb"),
        ("{{#t}}{{#t}}\nb{{/t}}{{/t}}", "b"),  # two tags on a line: the specification is silent, mustache.js does this
    ],
)
def test_lines_with_nothing_but_tags_are_gone(template: str, text: str) -> None:
    assert rendered(template, {"x": 1, "t": True}) == text


def test_the_tree() -> None:
    assert parsed("a {{ phone number }}{{#b.c}}{{.}}{{/b.c}}{{^d}}{{>p@5}}{{/d}}{{>> q }}") == (
        Text("a "),
        Variable(("phone number",)),
        Section(("b", "c"), False, (Variable(()),)),
        Section(("d",), True, (Include("p@5", None, ""),)),
        Include("q", ("q",), ""),
    )


def test_names_are_those_of_variables() -> None:
    nodes = parsed("{{a.b}}{{#c}}{{d}}{{.}}{{/c}}{{^e}}{{/e}}{{>partial}}{{>>f.g}}{{! h }}{{{i}}}{{&j}}")
    assert set(names(nodes)) == {"a", "c", "d", "e", "f", "i", "j"}


def test_what_a_partial_alone_on_its_line_is_indented_by() -> None:
    assert parsed(" \t{{>p}}\n") == (Include("p", None, " \t"),)
    assert parsed(" x{{>p}}\n") == (Text(" x"), Include("p", None, ""), Text("\n"))


def test_bounds_of_a_template() -> None:
    parsed("{{x}}" * MAX_TAGS)
    parsed("{{#x}}" * MAX_DEPTH)
    parsed("x" * MAX_TEMPLATE)
    for template in ("{{x}}" * (MAX_TAGS + 1), "{{#x}}" * (MAX_DEPTH + 1), "x" * (MAX_TEMPLATE + 1)):
        with pytest.raises(Refused) as refused:
            parsed(template)
        assert (refused.value.status, refused.value.kind) == (400, "template_too_large")


@pytest.mark.parametrize(
    "template",
    ["{" * MAX_TEMPLATE, " " * MAX_TEMPLATE, "{{" * 400_000 + "}}", "{{ " + " " * 1_000_000 + "}}", "\n" * MAX_TEMPLATE],
    ids=["braces", "spaces", "openings", "inside", "lines"],
)
def test_long_runs_are_few_nodes(template: str) -> None:
    """Each took a time that grows with the square of its length in one of the libraries."""
    assert len(parsed(template)) <= 3


_DATA = {
    "n": None,
    "f": False,
    "t": True,
    "i": 7,
    "s": "text",
    "e": "",
    "z": [],
    "l": ["p", "q"],
    "d": {"s": "inner"},
    "o": [{}],
}
_LEAVES = st.sampled_from(["a", " b ", "\n", "  ", "c\n", *(f"{{{{{name}}}}}" for name in [*_DATA, "gone", "d.s", "d.gone"])])
_ALONE = st.sampled_from(["{{! c }}", "{{>p}}", "{{>q}}", "\n  {{>p}}\n", "\n{{! c }} \n", "{{=<% %>=}}<%s%><%={{ }}=%>"])


def _section(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    bodies = st.lists(inside, max_size=4).map("".join)
    return st.builds(
        lambda kind, name, body, gap: f"{{{{{kind}{name}}}}}{gap}{body}{{{{/{name}}}}}{gap}",
        st.sampled_from("#^"),
        st.sampled_from([*_DATA, "gone"]),
        bodies,
        st.sampled_from(["", "\n", " \n"]),
    )


def _one_tag_or_a_word(template: str) -> str:
    """Several tags on a line with nothing else, or white space behind one: each implementation has its own way."""
    template = re.sub(r"[ ]+$", "", template, flags=re.MULTILINE)
    return "\n".join(
        line + "w" if len(re.findall("{{|<%", line)) > 1 and not re.sub(r"{{.*?}}|<%.*?%>", "", line).strip() else line
        for line in template.split("\n")
    )


TEMPLATES = st.lists(st.recursive(_LEAVES | _ALONE, _section), max_size=6).map("".join).map(_one_tag_or_a_word)
PARTIALS = {"p": "1{{s}}\n\n 2", "q": "{{#l}}{{.}}{{/l}}\n"}


class _Pystache(pystache.Renderer):  # type: ignore[misc]
    def str_coerce(self, val: object) -> str:
        return rendered("{{v}}", {"v": val})


@given(TEMPLATES)
def test_well_formed_ones_render_as_elsewhere(template: str) -> None:
    theirs = _Pystache(partials=PARTIALS, escape=lambda text: text)
    expected = theirs.render(template, _DATA)
    assert rendered(template, _DATA, PARTIALS) == expected


@given(
    st.lists(st.sampled_from(["{{", "}}", "{", "}", "#", "/", "^", ">", "=", "!", "&", "a", " ", "\n", "<%", "%>"])).map(
        "".join
    )
)
def test_no_text_fails(template: str) -> None:
    rendered(template, {"a": ["{{a}}", {}]}, collections.defaultdict(lambda: "{{#a}}"))


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_tags_stays(template: str) -> None:
    assert rendered(template, {}) == template
