from hypothesis import given
from hypothesis import strategies as st

from tracer.ui import code

JSONISH = st.text(alphabet="{}[]\":,\\ \n0123456789.eE-truefalsn<&'", max_size=80)


@given(JSONISH | st.text(max_size=40))
def test_the_pieces_are_the_text(text: str) -> None:
    assert "".join(piece for _, piece in code.json_code(text).pieces) == text
    assert "".join(piece for _, piece in code.template_code(text).pieces) == text


def test_json_by_what_its_parts_are() -> None:
    pieces = code.json_code('{"a": "b\\"c", "n": [-1.5e3, true]}').pieces
    assert [piece for piece in pieces if piece[0]] == [
        ("key", '"a"'),
        ("string", '"b\\"c"'),
        ("key", '"n"'),
        ("number", "-1.5e3"),
        ("word", "true"),
    ]


def test_long_texts_are_cut_and_counted() -> None:
    cut = code.json_code('"' + "x" * 100, most=10)
    assert (sum(len(text) for _, text in cut.pieces), cut.left_out) == (10, 91)


def test_long_strings_take_no_long_time() -> None:
    text = '"' + "\\" * 50_000
    assert "".join(piece for _, piece in code.json_code(text).pieces) == text


def test_tags_of_a_template() -> None:
    found = code.template_code("Hi {{name}}, {{#each}}{{{raw}}}{{/each}} {not} {{").pieces
    assert [text for kind, text in found if kind == "tag"] == ["{{name}}", "{{#each}}", "{{{raw}}}", "{{/each}}"]
