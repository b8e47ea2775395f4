"""What no template, query or script may hold, read from the files themselves."""

import re
from pathlib import Path

import pytest

UI = Path(__file__).parents[2] / "tracer" / "ui"
TEMPLATES = sorted((UI / "templates").rglob("*.html"))
QUERIES = sorted((UI / "queries").rglob("*.sql"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_nothing_goes_around_escaping_or_the_policy(path: Path) -> None:
    text = path.read_text()
    forbidden = (
        r"\|\s*safe\b",
        r"autoescape",
        r"\son\w+\s*=",
        r"\sstyle\s*=",
        r"<style",
        r"javascript:",
        r"https?://",
        r"srcdoc",
        r"\|\s*tojson",
    )
    assert not [pattern for pattern in forbidden if re.search(pattern, text)]
    # The only scripts are files, in the layout.
    assert path.name == "layout.html" or "<script" not in text
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_attributes_with_values_are_quoted(path: Path) -> None:
    """An unquoted attribute ends at a blank, whatever is escaped."""
    assert not re.findall(r"\s[\w-]+=\{\{", path.read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_forms_that_post_carry_the_token(path: Path) -> None:
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", path.read_text(), re.DOTALL):
        assert "part.token(session)" in form


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.name)
def test_every_question_minds_whose_rows_they_are(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("-- ")
    assert "$visible" in text
    if "llm.calls" in text:
        assert re.search(r"\$visible\b", text)
    if re.search(r"llm\.(feedback|spans|span_bodies)\b", text):
        assert "$visible_workspace" in text


@pytest.mark.parametrize("path", sorted(UI.rglob("*.py")), ids=lambda path: str(path.relative_to(UI)))
def test_no_markup_is_made_of_text(path: Path) -> None:
    """`Markup("…").format(x)` escapes x; `Markup(x)` and f-strings do not."""
    made = re.findall(r"Markup\((?![\"'])[^)]*\)", path.read_text())
    assert [each for each in made if each != "Markup(UNKNOWN)"] == []


def test_the_scripts_run_no_text() -> None:
    for path in sorted((UI / "static").glob("*.js")):
        text = path.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://", text), (
            path.name
        )
    for path in sorted((UI / "static").glob("*.css")):
        assert not re.search(r"@import|url\(|https?://", path.read_text()), path.name
