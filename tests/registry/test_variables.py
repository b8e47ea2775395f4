import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.registry.variables import Variables, variables_of, without_variables


def test_every_kind_of_tag() -> None:
    template = (
        "{{! no }}{{a}} {{{b}}} {{&c}} {{phone number}} {{#list}}{{x}} {{.}}{{#inner}}{{y}}{{/inner}}{{/list}}"
        "{{^list}}{{z}}{{/list}} {{>tone}} {{> tone@5 }} {{>>chosen}} {{=<% %>=}} {{a}}"
    )
    assert variables_of(template) == Variables(
        variables=("a", "b", "c", "phone number", "list", "x", "inner", "y", "z"),
        sections=("list", "inner"),
        partials=("tone", "tone@5"),
        variable_partials=("chosen",),
        inside={"list": ("x", "inner", "y", "z"), "inner": ("y",)},
    )


@pytest.mark.parametrize(
    "template", ["", "{{", "}}", "{{#a}}", "{{/a}}", "{{#a}}{{/b}}{{/a}}", "{{}}", "{{{a}}", "{{#a}}{{#a}}{{/a}}"]
)
def test_broken_templates_are_read_as_far_as_they_go(template: str) -> None:
    assert set(variables_of(template).variables) <= {"a"}


@given(st.text(alphabet="{}#^/>&! ab", max_size=60))
def test_nothing_is_too_broken_to_be_read(template: str) -> None:
    found = variables_of(template)
    assert set(found.inside) == set(found.sections) <= set(found.variables)


@pytest.mark.timeout(20)  # read twice over, each of these would take hours
@pytest.mark.parametrize(
    "template",
    [
        "{{" + " " * (1 << 20),
        "{{#" + " " * (1 << 20) + "}",
        "{{" * (1 << 19),
        "{" * (1 << 20),
        "{{#a}}" * 170_000,
        "".join(f"{{{{#s{n}}}}}" for n in range(100_000)),
        "{{#a}}" * 80_000 + "{{/b}}" * 80_000,
    ],
    ids=["spaces", "spaces in a section", "openings", "braces", "sections", "different sections", "endings"],
)
def test_however_much_is_asked_it_takes_no_longer_than_reading(template: str) -> None:
    assert len(variables_of(template).variables) <= 100_000
    assert without_variables({"model": "m"}, template) == {"model": "m"}


def test_sections_deeper_than_anybody_writes_are_not_followed() -> None:
    found = variables_of("".join(f"{{{{#s{n}}}}}" for n in range(60)))
    assert len(found.variables) == 60
    assert len(found.sections) == 10


@pytest.mark.parametrize(
    ("parameters", "kept"),
    [
        ({"model": "m", "topic": ""}, {"model": "m"}),
        ({"model": "m", "topic": "default"}, {"model": "m"}),
        ({"topic.sub": "", "seed": 1}, {"seed": 1}),
        ({"user": ""}, {}),  # a variable called like a parameter
        ({"user": "u-1", "temperature": 0}, {"user": "u-1", "temperature": 0}),
        ({"in_a_partial": ""}, {}),  # whose template is not looked at
        ({"vendor_option": "x", "stop": None}, {"vendor_option": "x", "stop": None}),
        ({"items": []}, {}),
    ],
)
def test_variables_among_the_parameters_are_left_out(parameters: dict[str, object], kept: dict[str, object]) -> None:
    template = "{{topic}} {{topic.sub}} {{user}} {{temperature}} {{#items}}{{.}}{{/items}}"
    assert without_variables(parameters, template) == kept
