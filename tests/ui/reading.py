"""What a browser would make of a page's HTML: its tags, links and words. And what no page may contain."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

# As a value of every column: a tag, an attribute, a script's end, a template's expression.
HOSTILE = (
    "\"'><xss-probe onclick=alert(1)></xss-probe></script></textarea></title>{{ 7919 * 7907 }}{% raw %}`${1}javascript:alert(1)"
)
_VOID = frozenset({"meta", "link", "input", "br", "img", "hr", "option", "path", "rect", "circle", "line"})


@dataclass(frozen=True, slots=True)
class Tag:
    """An element: its name, attributes, and all text in it."""

    name: str
    attributes: dict[str, str]
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


class Html(HTMLParser):
    """A parsed page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.tags: list[Tag] = []
        self._open: list[Tag] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Tag(tag, {name: value or "" for name, value in attrs})
        self.tags.append(made)
        if tag not in _VOID:
            self._open.append(made)

    def handle_endtag(self, tag: str) -> None:
        for index in range(len(self._open) - 1, -1, -1):
            if self._open[index].name == tag:
                del self._open[index:]
                return

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            tag.texts.append(data)

    def all(self, tag: str, /, **attributes: str) -> list[Tag]:
        """Elements of a name whose attributes are these; `class_` is one among several."""
        wanted = {key.replace("_", "-"): value for key, value in attributes.items() if key != "class_"}
        of_class = attributes.get("class_", "")
        return [
            each
            for each in self.tags
            if each.name == tag
            and all(each.attributes.get(key) == value for key, value in wanted.items())
            and (not of_class or of_class in each.attributes.get("class", "").split())
        ]

    def one(self, tag: str, /, **attributes: str) -> Tag:
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of <{tag} {attributes}>"
        return found[0]

    @property
    def text(self) -> str:
        return self.one("body").text

    @property
    def token(self) -> str:
        """The token of the page's forms."""
        return self.all("input", name="token")[0].attributes["value"]


def faults(page: Html) -> list[str]:
    """What a page must not have: what the policy would refuse, and what came in as data and went out as code."""
    found = []
    for tag in page.tags:
        found += [f"<{tag.name} {name}=…>" for name in tag.attributes if name.startswith("on") or name in ("style", "srcdoc")]
        if tag.name in ("style", "xss-probe", "iframe", "object", "embed", "base"):
            found.append(f"<{tag.name}>")
        if tag.name == "script" and not tag.attributes.get("src", "").startswith("/static/"):
            found.append("<script> of its own")
        for name in ("href", "src", "action", "formaction", "data-href", "data-live"):
            address = urlsplit(tag.attributes.get(name, ""))
            if address.scheme or address.netloc:
                found.append(f"{name}={tag.attributes[name]}")
    if "62615533" in page.source:  # 7919 * 7907
        found.append("an expression was evaluated")
    return found
