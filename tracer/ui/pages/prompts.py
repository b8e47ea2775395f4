"""The prompts of the registry and what became of their calls; one prompt with its versions side by side.

Templates, versions and labels are the registry's, as this process holds them in memory; results are SQL's. A prompt that is in
only one of the two is shown all the same: one that nobody called yet, and one that was deleted but has calls.
"""

import asyncio
import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiohttp import web

from tracer.registry.records import Prompt, PromptVersion
from tracer.ui.diff import Line, diff
from tracer.ui.page import PageError
from tracer.ui.pages.overview import proxy_url
from tracer.ui.reader import Row
from tracer.ui.sums import source
from tracer.ui.template_text import Template, as_text, read
from tracer.ui.times import time_range
from tracer.ui.view import View

DEFAULT = "30d"
_MOST_PROMPTS = 2000
_MOST_SHOWN = 300
_LATEST = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the list: what the registry has (None: it was deleted) and what SQL has ({}: it was not called)."""

    slug: str
    prompt: Prompt | None
    newest: PromptVersion | None
    called: Row


@dataclass(frozen=True, slots=True)
class Result:
    """One version's line in the table."""

    number: str
    version: PromptVersion | None
    is_published: bool
    called: Row
    feedback: Row


async def show(view: View) -> web.StreamResponse:
    """The list."""
    time = time_range(view.query, view.now, DEFAULT)
    search = view.query.get("search", "").strip()
    called = {
        row["prompt_id"]: row for row in await view.ask("prompts", source(time).parts, limit=_MOST_PROMPTS, **time.values)
    }
    own = {prompt.id: prompt for prompt in view.snapshot.prompts.values() if view.shows(prompt.workspace)}
    listed = [_listed(prompt, called) for prompt in own.values()]
    known = {name for prompt in own.values() for name in (prompt.slug, prompt.id)}
    listed += [Listed(name, None, None, row) for name, row in called.items() if name not in known]
    fitting = [each for each in listed if _fits(each, search)]
    fitting.sort(key=lambda each: (-each.called.get("called", 0), each.slug))
    return view.render(
        "prompts.html",
        title="Prompts",
        active="prompts",
        time=time,
        prompts=fitting[:_MOST_SHOWN],
        more=max(len(fitting) - _MOST_SHOWN, 0),
        search=search,
        is_empty=not listed,
        command=_command(view, "greeting", ("name",)),
    )


async def one(view: View) -> web.StreamResponse:
    """One prompt."""
    slug = view.match("slug")
    time = time_range(view.query, view.now, DEFAULT)
    prompt = _prompt(view, slug)
    names = sorted({prompt.slug, prompt.id} if prompt else {slug})
    called, feedback, latest = await asyncio.gather(
        view.ask("prompt-versions", source(time).parts, names=names, **time.values),
        view.ask("prompt-feedback", names=names, **time.values),
        view.ask("prompt-calls", names=names, limit=_LATEST, **time.values),
    )
    if prompt is None and not called:
        raise PageError(
            404, "There is no such prompt", "It may have been deleted, or is not yours to see; or ask for a longer time."
        )
    number, compared = _chosen(prompt, view.query)
    shown = _template(prompt, number)
    return view.render(
        "prompt.html",
        title=prompt.name if prompt else slug,
        active="prompts",
        time=time,
        slug=slug,
        prompt=prompt,
        results=_results(prompt, called, feedback),
        latest=latest,
        shown=shown,
        made=prompt.versions[number] if prompt and number is not None else None,
        compared=compared,
        differences=_differences(prompt, compared, number),
        command=_command(view, prompt.slug, shown.variables) if prompt and shown else "",
    )


def _command(view: View, slug: str, variables: Iterable[str]) -> str:
    """How a program calls a prompt."""
    body = shlex.quote(json.dumps({"variables": dict.fromkeys(variables, "…")}, ensure_ascii=False))
    return f"curl {proxy_url(view)}/v1/prompts/{slug}/completions \\\n  -H 'Content-Type: application/json' \\\n  -d {body}"


def _listed(prompt: Prompt, called: Mapping[str, Row]) -> Listed:
    newest = prompt.versions[max(prompt.versions)] if prompt.versions else None
    return Listed(prompt.slug, prompt, newest, called.get(prompt.slug) or called.get(prompt.id) or {})


def _fits(each: Listed, search: str) -> bool:
    words = f"{each.slug} {each.prompt.name if each.prompt else ''}".casefold()
    return search.casefold() in words


def _prompt(view: View, key: str) -> Prompt | None:
    prompt = view.snapshot.prompts.get(key)
    return prompt if prompt is not None and view.shows(prompt.workspace) else None


def _results(prompt: Prompt | None, called: list[Row], feedback: list[Row]) -> list[Result]:
    """A line for each version that exists or was called, newest first."""
    by_version = {row["version"]: row for row in called}
    opinions = {row["version"]: row for row in feedback}
    versions = {str(number): version for number, version in (prompt.versions.items() if prompt else ())}
    numbers = sorted({*versions, *by_version}, key=_order, reverse=True)
    published = str(prompt.published) if prompt else None
    return [
        Result(number, versions.get(number), number == published, by_version.get(number, {}), opinions.get(number, {}))
        for number in numbers
    ]


def _order(number: str) -> tuple[int, str]:
    return (int(number) if number.isascii() and number.isdigit() and len(number) < 12 else -1), number


def _chosen(prompt: Prompt | None, query: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Which version is shown, and which it is compared with: as the URL says, else the published one and the one before it."""
    if prompt is None or not prompt.versions:
        return None, None
    numbers = sorted(prompt.versions)

    def asked(name: str) -> int | None:
        text = query.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 12 and int(text) in prompt.versions else None

    shown = asked("version") or (prompt.published if prompt.published in prompt.versions else numbers[-1])
    before = [number for number in numbers if number < shown]
    return shown, asked("with") or (before[-1] if before else None)


def _template(prompt: Prompt | None, number: int | None) -> Template | None:
    return read(prompt.versions[number], number) if prompt and number is not None else None


def _differences(prompt: Prompt | None, old: int | None, new: int | None) -> tuple[Line, ...]:
    if prompt is None or old is None or new is None:
        return ()
    return diff(as_text(prompt.versions[old]), as_text(prompt.versions[new]))
