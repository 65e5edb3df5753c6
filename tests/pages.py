"""What every HTML page must be, whoever asks for it.

A page is valid when a browser reads it as it is written: its tags are closed in the order they were opened, and
a real HTML5 parser builds exactly that tree from them. Whatever the parser would move, close early or repair
(a ``div`` in a ``p``, a form in a form, text between table rows) shows as a difference.
"""

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

from justhtml import JustHTML
from justhtml.dom import Element

LANGUAGES = ("fi", "sv", "en")

_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_PHRASING_ONLY = frozenset("abbr button cite code em h1 h2 h3 h4 h5 h6 kbd label p q small span strong time".split())
_BLOCKS = frozenset(
    "address article aside blockquote details dialog div dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr "
    "main nav ol p pre section table ul".split()
)
_CHILDREN = {
    "dl": {"dt", "dd", "div", "script", "template"},
    "ol": {"li", "script", "template"},
    "select": {"option", "optgroup", "hr"},
    "tr": {"td", "th", "script", "template"},
    "ul": {"li", "script", "template"},
}
_INTERACTIVE = frozenset({"a", "button", "details", "input", "label", "select", "textarea"})
_TYPES_WITHOUT_LABEL = frozenset({"hidden", "submit", "button", "reset", "image"})
_REFERRING = ("aria-controls", "aria-describedby", "aria-details", "aria-labelledby", "aria-owns", "for", "headers")


def faults_of(html: str, path: str = "/") -> list[str]:
    """Every fault of a page, in words; an empty list for a good one."""
    written = _Written()
    written.feed(html)
    written.close()
    tree = JustHTML(html, collect_errors=True, sanitize=False)
    # End tags are judged by the outline: the parser also counts those inside a script's text.
    said = [str(error) for error in tree.errors if error.code != "unexpected-end-tag"]
    faults = [*written.faults(), *said]
    if not faults:
        faults += _differences(written.outline, list(_outline(tree.query("html")[0])))
    page = Page(tree)
    for look in (_document, _structure, _identifiers, _controls, _policy, _pictures_and_links):
        faults += look(page, path)
    return faults


class Page:
    """A parsed page, with its elements in order."""

    def __init__(self, tree: JustHTML) -> None:
        self.elements = [node for node in tree.query("*") if isinstance(node, Element)]
        self.ids = Counter(value for element in self.elements if (value := _attribute(element, "id")))

    def named(self, *names: str) -> list[Element]:
        return [element for element in self.elements if element.name in names]


class _Written(HTMLParser):
    """The outline of a page as its author wrote it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.outline: list[tuple[int, str, int]] = []
        self._open: list[str] = []
        self._faults: list[str] = []

    def faults(self) -> list[str]:
        return [*self._faults, *(f"<{tag}> is never closed" for tag in self._open)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._begin(tag, attrs)
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._begin(tag, attrs)
        if tag not in _VOID and "svg" not in (tag, *self._open):
            self._say(f"<{tag}/> does not close itself in HTML")

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()
        elif tag in self._open:
            self._say(f"</{tag}> closes while <{self._open[-1]}> is open")
            while self._open.pop() != tag:
                pass
        else:
            self._say(f"</{tag}> closes nothing")

    def _begin(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.outline.append((len(self._open), tag, self.getpos()[0]))
        for name, times in Counter(name for name, _ in attrs).items():
            if times > 1:
                self._say(f"<{tag}> has {name} twice")

    def _say(self, fault: str) -> None:
        self._faults.append(f"line {self.getpos()[0]}: {fault}")


def _outline(element: Element, depth: int = 0) -> Iterator[tuple[int, str]]:
    yield depth, element.name.lower()
    for child in (element.template_content or element).children or ():
        if isinstance(child, Element):
            yield from _outline(child, depth + 1)


def _differences(written: list[tuple[int, str, int]], read: list[tuple[int, str]]) -> list[str]:
    for (depth, tag, line), (read_depth, read_tag) in zip(written, read, strict=False):
        if (depth, tag) != (read_depth, read_tag):
            return [f"line {line}: a browser does not read <{tag}> as it is written here, but <{read_tag}>"]
    if len(written) != len(read):
        return [f"{len(written)} elements are written, {len(read)} read"]
    return []


def _attribute(element: Element, name: str) -> str:
    value = (element.attrs or {}).get(name)
    return value if isinstance(value, str) else ""


def _has(element: Element, name: str) -> bool:
    return name in (element.attrs or {})


def _words(element: Element) -> str:
    own = _attribute(element, "aria-label") or _attribute(element, "title")
    pictures = " ".join(_attribute(image, "alt") for image in element.query("img"))
    return (own or element.to_text() or pictures).strip()


def _describe(element: Element) -> str:
    marks = "".join(f' {n}="{v}"' for n in ("id", "name", "href", "src") if (v := _attribute(element, n)))
    return f"<{element.name}{marks}>"


def _above(element: Element) -> Iterator[Element]:
    node = element.parent
    while isinstance(node, Element):
        yield node
        node = node.parent


def _document(page: Page, path: str) -> Iterator[str]:
    for name in ("title", "h1", "main"):
        found = [node for node in page.named(name) if not any(above.name == "svg" for above in _above(node))]
        if len(found) != 1:
            yield f"{len(found)} <{name}>, not one"
        elif not found[0].to_text().strip():
            yield f"<{name}> is empty"
    language = _attribute(page.named("html")[0], "lang")
    first = path.split("?")[0].strip("/").split("/")[0]
    if first in LANGUAGES and language != first:
        yield f"the language said is {language!r}, the address asks for {first!r}"
    elif language not in LANGUAGES:
        yield f"the language {language!r} is not known"
    if not any(_attribute(node, "name") == "viewport" for node in page.named("meta")):
        yield "no viewport: a phone would show it as a wide page"
    if not any(_attribute(node, "charset").lower() == "utf-8" for node in page.named("meta")):
        yield "no character set"


def _structure(page: Page, _path: str) -> Iterator[str]:
    # An error summary with its heading stands before the page's own; from there on no level is skipped.
    level = 1
    for element in page.elements:
        name = element.name
        above = [node.name for node in _above(element)]
        if len(name) == 2 and name[0] == "h" and name[1].isdigit():
            if int(name[1]) > level + 1:
                yield f"{_describe(element)} follows a heading of level {level}"
            level = int(name[1])
        if above and above[0] in _CHILDREN and name not in _CHILDREN[above[0]]:
            yield f"<{name}> stands directly in <{above[0]}>"
        if name == "li" and above[0] not in ("ul", "ol", "menu"):
            yield f"<li> stands in <{above[0]}>"
        # 'p' may hold no block, but a parser that meets one ends the paragraph, which shows in the outline.
        if name in _BLOCKS and (holder := next((tag for tag in above if tag in _PHRASING_ONLY), None)):
            yield f"<{name}> stands in <{holder}>"
        if name in _INTERACTIVE and {"a", "button"}.intersection(above):
            yield f"{_describe(element)} stands inside a link or button"


def _identifiers(page: Page, _path: str) -> Iterator[str]:
    for value, times in page.ids.items():
        if times > 1:
            yield f'id="{value}" is there {times} times'
        if not value.strip() or " " in value:
            yield f'id="{value}" is not one word'
    for element in page.elements:
        for name in _REFERRING:
            for value in _attribute(element, name).split():
                if value not in page.ids:
                    yield f'{_describe(element)}: {name}="{value}" points to nothing'
        link = _attribute(element, "href")
        if element.name == "a" and len(link) > 1 and link.startswith("#") and link[1:] not in page.ids:
            yield f"{_describe(element)} leads to nothing"


def _controls(page: Page, _path: str) -> Iterator[str]:
    labelled = {_attribute(label, "for") for label in page.named("label") if _words(label)}
    for control in page.named("input", "select", "textarea"):
        if control.name == "input" and _attribute(control, "type") in _TYPES_WITHOUT_LABEL:
            continue
        named = (
            _attribute(control, "aria-label").strip()
            or _attribute(control, "aria-labelledby")
            or _attribute(control, "id") in labelled
            or any(above.name == "label" and _words(above) for above in _above(control))
        )
        if not named:
            yield f"{_describe(control)} has no label"
    for fieldset in page.named("fieldset"):
        children = [child for child in fieldset.children or () if isinstance(child, Element)]
        if not children or children[0].name != "legend" or not _words(children[0]):
            yield f"{_describe(fieldset)} has no legend"
    for form in page.named("form"):
        if _attribute(form, "method").lower() not in ("", "get", "post", "dialog"):
            yield f"{_describe(form)} has an unknown method"


def _policy(page: Page, _path: str) -> Iterator[str]:
    """Nothing that the content security policy would stop, and nothing from another host."""
    for element in page.elements:
        for name in element.attrs or {}:
            if name.startswith("on") or name == "style":
                yield f"{_describe(element)} has {name}="
        if element.name == "style":
            yield "<style> stands in the page"
        if element.name == "script" and not _has(element, "src"):
            data = _attribute(element, "type")
            if data not in ("application/json", "application/ld+json"):
                yield "<script> stands in the page"
        if element.name in ("script", "img", "iframe", "source", "link"):
            address = _attribute(element, "src") or (
                _attribute(element, "href") if "canonical" not in _attribute(element, "rel") else ""
            )
            loads = element.name != "link" or _attribute(element, "rel") not in ("alternate", "canonical")
            if loads and "//" in address[:8]:
                yield f"{_describe(element)} comes from another host"
        if _attribute(element, "href").strip().lower().startswith(("javascript:", "data:", "vbscript:")):
            yield f"{_describe(element)} runs what it links to"


def _pictures_and_links(page: Page, _path: str) -> Iterator[str]:
    for image in page.named("img"):
        if not _has(image, "alt"):
            yield f"{_describe(image)} has no alt"
    for element in page.named("a", "button"):
        if not _words(element) and not _attribute(element, "aria-labelledby"):
            yield f"{_describe(element)} says nothing"
    for table in page.named("table"):
        if not table.query("th"):
            yield f"{_describe(table)} has no header cells"
