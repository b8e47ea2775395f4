from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.registry.folder import Entry, FileError, read_file, read_folder, same, same_content, to_toml, write_file
from tracer.registry.rules import new_slug
from tracer.registry.stored import Content

GREETING = '''\
name = "Greeting"
description = "friendlier"
publish = false
labels = ["staging", "qa"]
provider = "anthropic"

[parameters]
model = "m"          # a comment
temperature = 0.5
stop = ["\\n"]

[[messages]]
role = "system"
content = """
You are {{kind}}.
Say "hello" \\\\ only.
"""

[[messages]]
role = "user"
content = [{ type = "text", text = "{{question}}" }]
'''


def read(tmp_path: Path, text: str, name: str = "greeting", *, partial: bool = False) -> Entry:
    path = tmp_path / f"{name}.toml"
    path.write_text(text)
    return read_file(path, partial=partial)


def test_a_prompt(tmp_path: Path) -> None:
    entry = read(tmp_path, GREETING)
    assert (entry.slug, entry.name, entry.description) == ("greeting", "Greeting", "friendlier")
    assert (entry.publish, entry.labels, entry.content.provider) == (False, ("staging", "qa"), "anthropic")
    assert entry.content.parameters == {"model": "m", "temperature": 0.5, "stop": ["\n"]}
    assert orjson.loads(entry.content.string) == [
        {"role": "system", "content": 'You are {{kind}}.\nSay "hello" \\ only.\n'},
        {"role": "user", "content": [{"type": "text", "text": "{{question}}"}]},
    ]


def test_what_a_file_need_not_say(tmp_path: Path) -> None:
    entry = read(tmp_path, 'template = "Hi"')
    assert entry == Entry("greeting", "greeting", Content("Hi"), publish=True, labels=None, description="")


def test_messages_are_readable_in_a_written_file() -> None:
    messages = [{"role": "user", "content": 'First line\nSecond "line" \\ {{x}}\n'}]
    text = to_toml(Entry("x", "X", Content(orjson.dumps(messages).decode(), {"model": "m"})), partial=False)
    assert 'First line\nSecond "line" \\ {{x}}\n' in text
    assert text.index("[parameters]") < text.index("messages")


def test_line_ends_of_windows_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "greeting.toml"
    path.write_bytes(GREETING.replace("\n", "\r\n").encode())
    assert same(read_file(path, partial=False), read(tmp_path, GREETING))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = 'x'\nname = 'y'\ntemplate = 'z'", ":2: "),
        ("name = ", ":1: "),
        ('template = """never\nclosed', ":2: "),
        ("template = 'x'\n\ntempalte = 'y'", ":3: unknown key `tempalte`; did you mean `template`?"),
        ("template = 'x'\nname = 7", ":2: `name` should be a string"),
        ("template = 'x'\nname = ''", ":2: a name should have"),
        ("template = 'x'\nlabels = ['latest']", ":2: 'latest' cannot be a label"),
        ("template = 'x'\nlabels = [1]", ":2: `labels` should be a list of strings"),
        ("template = 'x'\npublish = 'yes'", ":2: `publish` should be true or false"),
        ("name = 'x'", ": one of `messages` and `template` should be there"),
        ("template = 'x'\n[[messages]]\nrole = 'user'", ":2: one of `messages` and `template`"),
        ("messages = []", ":1: `messages` is empty"),
        ("name = 'x'\n[[messages]]\ncontent = 'y'", ":2: each of `messages` should be a table with a `role`"),
        ("template = 'x'\n[parameters]\nsince = 2020-01-01", ":2: `parameters` has a value that JSON cannot have: 2020-01-01"),
        ("template = 'x'\nparameters = { a = nan }", ":2: `parameters` has a value"),
        ("template = 'x'\nparameters = '{'", ":2: `parameters` is not JSON"),
        ("template = 'x'\ntools = '{}'", ":2: `tools` should be a list"),
    ],
)
def test_mistakes_are_named_with_file_and_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(FileError) as raised:
        read(tmp_path, text)
    assert str(raised.value).startswith(f"{tmp_path}/greeting.toml{says}")


def test_a_partial_has_no_messages(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r":2: unknown key `messages`"):
        read(tmp_path, "template = 'x'\nmessages = []", partial=True)


@pytest.mark.parametrize("name", ["partials", "a b", "ä", "a.b", "8105d4bf-baa6-4b3c-8de8-bce5a1b5dc57"])
def test_file_names_that_cannot_be_slugs(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match="cannot be a slug"):
        read(tmp_path, "template = 'x'", name)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(FileError, match=r"x\.toml: .*utf-8"):
        read_file(tmp_path / "x.toml", partial=False)


def test_every_wrong_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "partials").mkdir()
    (tmp_path / "deeper").mkdir()
    for name in ("a", "partials/b", "deeper/c"):
        (tmp_path / f"{name}.toml").write_text("x =")
    (tmp_path / "README.md").write_text("not a prompt")
    with pytest.raises(FileError) as raised:
        read_folder(tmp_path)
    lines = str(raised.value).splitlines()
    assert [line.split(":")[0].removeprefix(f"{tmp_path}/") for line in lines] == ["deeper/c.toml", "a.toml", "partials/b.toml"]
    with pytest.raises(FileError, match="no such folder"):
        read_folder(tmp_path / "nowhere")


def test_a_file_that_says_the_same_keeps_its_comments(tmp_path: Path) -> None:
    entry = read(tmp_path, GREETING)
    path = tmp_path / "greeting.toml"
    assert not write_file(path, entry, partial=False)
    assert path.read_text() == GREETING
    assert write_file(path, Entry("greeting", "Other", entry.content), partial=False)
    assert read_file(path, partial=False).name == "Other"


def test_spaces_in_json_make_no_difference() -> None:
    assert same_content(Content('[{"role":"user","content":"a"}]'), Content('[ {"content": "a", "role": "user"} ]'))
    assert not same_content(Content('[{"role":"user"}]', raw=True), Content('[ {"role":"user"}]', raw=True))
    assert not same_content(Content("a"), Content("a "))


# Mostly of what makes a difference to TOML.
texts = st.text(alphabet="ab \n\r\t\"'\\{}#=é\x7f\0\u2028", max_size=12) | st.text(max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, json_values, max_size=4)
templates = st.one_of(
    texts,
    st.lists(objects.map(lambda one: {"role": "user", **one}), max_size=3).map(lambda m: orjson.dumps(m).decode()),
)
contents = st.builds(
    Content,
    string=templates,
    parameters=objects,
    raw=st.booleans(),
    provider=texts,
    template_metadata=objects,
    tools=st.none() | st.lists(objects, max_size=2),
    functions=st.none() | st.lists(objects, max_size=2),
    tool_choice=st.sampled_from([None, "auto", {"type": "function", "function": {"name": "f"}}]),
)


@given(contents, st.booleans(), st.lists(st.sampled_from(["qa", "v1.2"]), unique=True), texts)
def test_whatever_is_written_reads_back(
    tmp_path_factory: pytest.TempPathFactory, content: Content, publish: bool, labels: list[str], description: str
) -> None:
    entry = Entry(new_slug("pp", "x"), "A name", content, publish, tuple(labels), description)
    path = tmp_path_factory.mktemp("prompts") / f"{entry.slug}.toml"
    assert write_file(path, entry, partial=False)
    assert same(read_file(path, partial=False), entry)


@given(texts)
def test_whatever_partial_is_written_reads_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    entry = Entry("tone", "Tone", Content(text))
    path = tmp_path_factory.mktemp("partials") / "tone.toml"
    assert write_file(path, entry, partial=True)
    assert read_file(path, partial=True) == entry
