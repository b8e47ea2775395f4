"""Paths of prompts: which version they mean, and one answer for all that mean none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prompts.asking import prompt, version
from tracer.prompts.address import LONGEST, PREFIX, Address, action, find, parse, partials
from tracer.proxy.refused import Refused
from tracer.registry.records import Caller, Partial, Prompt, Snapshot

GREET = prompt(
    version("one", 1, labels=frozenset({"staging", "v1.2"})),
    version("two", 2, labels=frozenset({"production", "staging"})),
    version("three", 3),
    published=2,
)
FOREIGN = prompt(version("theirs", 1), slug="pp-theirs", workspace="theirs")
OURS = prompt(version("ours", 1), slug="pp-ours", workspace="ours")
UNPUBLISHED = prompt(version("draft", 1), slug="pp-draft", published=0)
EMPTY = prompt(slug="pp-empty")
SNAPSHOT = Snapshot(
    prompts={GREET.slug: GREET, GREET.id: GREET, **{p.slug: p for p in (FOREIGN, OURS, UNPUBLISHED, EMPTY)}},
    partials={
        slug: Partial("id", slug, workspace, 1, {1: f"{slug} 1", 2: f"{slug} 2"})
        for slug, workspace in [("common", ""), ("ours", "ours"), ("theirs", "theirs")]
    },
)


def found(middle: str, workspace: str = "") -> str:
    return find(SNAPSHOT, parse(f"/v1/prompts/{middle}/completions"), Caller(workspace=workspace))[1].string


@pytest.mark.parametrize(
    ("middle", "string"),
    [
        ("pp-greet-abc123", "two"),
        ("6b1c0d7e", "two"),
        ("pp-greet-abc123@1", "one"),
        ("pp-greet-abc123@01", "one"),
        ("pp-greet-abc123@3", "three"),
        ("pp-greet-abc123@latest", "three"),
        ("pp-greet-abc123@default", "two"),
        ("pp-greet-abc123@production", "two"),
        ("pp-greet-abc123@staging", "two"),  # on two versions it is the newer
        ("pp-greet-abc123@v1.2", "one"),
        ("pp-greet-abc123%401", "one"),
        ("pp%2Dgreet-abc123%40latest", "three"),
        ("pp-draft@1", "draft"),
        ("pp-draft@latest", "draft"),
        ("pp-ours", "ours"),
    ],
)
def test_what_a_path_means(middle: str, string: str) -> None:
    assert found(middle) == string


TRICKS = [
    "",
    "@",
    "@1",
    "pp-gone",
    "pp-greet-abc123@",
    "pp-greet-abc123%40",
    "pp-greet-abc123@9",
    "pp-greet-abc123@0",
    "pp-greet-abc123@-1",
    "pp-greet-abc123@1.0",
    "pp-greet-abc123@²",
    "pp-greet-abc123@" + "9" * 200,
    "pp-greet-abc123@gone",
    "pp-greet-abc123@LATEST",
    "pp-greet-abc123@1@1",
    "pp-greet-abc123%25401",
    "pp-greet-abc123%2f..%2fpp-greet-abc123",
    "x/../pp-greet-abc123",
    "x/pp-greet-abc123",
    "../prompts/pp-greet-abc123",
    ".",
    "..",
    "%2e%2e",
    "./pp-greet-abc123",
    "pp-greet-abc123/",
    "/pp-greet-abc123",
    "pp-greet-abc123%00",
    "pp-greet-abc123%0a",
    "pp-greet-abc123%5c",
    "pp-greet-abc123%20",
    "pp-greet-abc123%3f",
    "pp-greet-abc123%ff",
    "pp-greet-abc123%",
    "pp-greet-abc123;1",
    "x" * 10_000,
    "pp-empty",
    "pp-empty@latest",
    "pp-draft",
]


@pytest.mark.parametrize("middle", TRICKS, ids=lambda text: text[:40])
def test_what_means_nothing_is_not_found(middle: str) -> None:
    with pytest.raises(Refused) as refused:
        found(middle)
    assert (refused.value.status, refused.value.kind, refused.value.message) == (404, "prompt_not_found", "Invalid prompt id")
    assert refused.value.body is None, "the usual body has both `message` and `error.message`, for each SDK its own"


@pytest.mark.parametrize("slug", [FOREIGN.slug, GREET.slug, GREET.id, "pp-gone"])
def test_a_caller_sees_only_its_own_workspace(slug: str) -> None:
    assert found("pp-ours", "ours") == "ours"
    with pytest.raises(Refused) as refused:
        found(slug, "ours")
    assert (refused.value.status, refused.value.kind, refused.value.message) == (404, "prompt_not_found", "Invalid prompt id")


@given(st.text() | st.text(alphabet="abc@%/.0423e\\\0?#"))
def test_any_path_is_an_address_or_not_found(middle: str) -> None:
    try:
        address = parse(f"{PREFIX}{middle}/render")
    except Refused as refused:
        assert refused.status == 404  # noqa: PT017  # or it is none
    else:
        assert address.action == "render"
        assert not set("@/\\\0?#") & set(address.id)
        assert len(address.id) + len(address.tag) <= LONGEST


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/prompts/pp-x/completions", "completions"),
        ("/v1/prompts/pp-x@1/render?debug=1", "render"),
        ("/v1/prompts/a/../b/completions", "completions"),
        ("/v1/prompts//render", "render"),
        ("/v1/prompts/completions", "completions"),
        ("/v1/prompts/pp-x", None),
        ("/v1/prompts/pp-x/versions", None),
        ("/v1/prompts/pp-x/makeDefault", None),
        ("/v1/prompts/partials/p/versions", None),
        ("/v1/chat/completions", None),
        ("/v1/completions", None),
        ("/v1/prompts?x=/completions", None),
    ],
)
def test_which_paths_are_calls(path: str, expected: str | None) -> None:
    assert action(path) == expected


def test_a_query_is_no_part_of_the_address() -> None:
    assert parse("/v1/prompts/pp-x@2/render?a=/completions") == Address("pp-x", "2", "render")


def test_other_paths_are_not_parsed() -> None:
    for path in ("/v1/chat/completions", "/v1/prompts/pp-x", ""):
        with pytest.raises(Refused):
            parse(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("common", "common 1"),
        ("common@1", "common 1"),
        ("common@2", "common 2"),
        ("common@latest", "common 2"),
        ("common@3", None),
        ("common@production", None),
        ("common@", "common 1"),
        ("gone", None),
        ("", None),
    ],
)
def test_partials_by_name(name: str, text: str | None) -> None:
    assert partials(SNAPSHOT, GREET, Caller())(name) == text


@pytest.mark.parametrize(
    ("owner", "workspace", "seen"),
    [
        (GREET, "", {"common", "ours", "theirs"}),
        (OURS, "", {"ours"}),  # not another workspace's texts, whoever calls
        (OURS, "ours", {"ours"}),
        (FOREIGN, "theirs", {"theirs"}),
    ],
)
def test_partials_by_workspace(owner: Prompt, workspace: str, seen: set[str]) -> None:
    look_up = partials(SNAPSHOT, owner, Caller(workspace=workspace))
    assert {name for name in SNAPSHOT.partials if look_up(name)} == seen
