"""HTML to Markdown: the main text, without menus."""

from __future__ import annotations

import re
from copy import deepcopy
from importlib import import_module
from typing import Any

from simplugin.errors import DataError, MissingExtraError
from simplugin.ingestion.readers.encodings import decode
from simplugin.ingestion.sources.content import Content
from simplugin.records import Document

__all__ = ["read_html"]

_META = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?([\w.:-]+)", re.I)
_COMMENT = re.compile(rb"<!--.*?-->", re.S)
_TOP = 4096  # bytes in which a page names its encoding
_FEW = 0.2  # of the text of the body: with less the extraction missed the point
_MANY = 5_000  # elements: one of the ways to find the text looks at all paragraphs for each, for 50,000 half a minute
_ASIDE = frozenset(
    {"script", "style", "noscript", "template", "nav", "header", "footer", "aside", "svg", "iframe", "button", "select"}
)
_BLOCKS = frozenset(
    {"p", "div", "li", "tr", "br", "pre", "blockquote", "section", "article", "table", "td", "th", "dd", "dt"}
)
_HEADING = re.compile(r"h([1-6])$")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_KEPT = 0.5  # of the headings of a page: with fewer the extraction missed what they are there for
_MARKED = re.compile(r"^#{1,6} ", re.M)
_WORD = re.compile(r"\w+")


def read_html(content: Content, raw: bytes, languages: tuple[str, ...], declared: str | None) -> Document:
    """Return the main text of a page as Markdown, with title and language. Raises ``DataError`` where it has none."""
    named = _META.search(_COMMENT.sub(b"", raw[:_TOP]))
    text, encoding = decode(raw, languages, declared=declared or (named[1].decode("ascii") if named else None))
    text = text.replace("\0", "")  # where the parser would stop
    page = _parse(text)
    title, language = _title(page), _language(page)
    _show(page)
    main = _main(page)
    if not main.strip():
        raise DataError("the page has no text.")
    metadata: dict[str, Any] = {}
    if title:
        metadata["title"] = title
    if language:
        metadata["lang"] = language
    return Document(
        id=content.id,
        text=main,
        source=content.source,
        metadata=metadata,
        format="markdown",
        modified=content.modified,
        encoding=encoding,
    )


def _parse(text: str) -> Any:
    try:
        html: Any = import_module("lxml.html")  # it has no types
    except ImportError as error:
        raise MissingExtraError("documents", "Reading HTML") from error
    # A picture or a script within the page may have more than the 10 MB that are allowed otherwise.
    parser = html.HTMLParser(no_network=True, huge_tree=True, remove_comments=True, encoding="utf-8")
    try:
        page = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except Exception as error:  # lxml's errors derive from nothing narrower
        raise DataError(f"the page cannot be parsed ({error}).") from error
    if any(entry.type_name == "ERR_RESOURCE_LIMIT" for entry in parser.error_log):
        raise DataError("the page is nested so deeply that its rest cannot be read.")
    return page


def _show(page: Any) -> None:
    """Make text of what a reader sees as such, and an extraction takes for controls: questions that open, forms."""
    level = 1
    forms = list(page.iter("form"))
    much = _FEW * len(_body(page)) if forms else 0.0
    for form in forms:
        if len(_body(form)) >= much:  # a box for a search has less
            form.tag = "div"
    for element in page.iter("details", "summary", *_HEADINGS):
        if found := _HEADING.match(element.tag):
            level = int(found[1])
        elif element.tag == "summary" and next(element.iter(*_HEADINGS), None) is None:
            element.tag = f"h{min(level + 1, 6)}"  # it stands above what it opens
        else:
            element.tag = "div"
    for heading in page.iter(*_HEADINGS):
        for button in heading.iter("button"):
            button.tag = "span"


def _main(page: Any) -> str:
    """Return the main text; what is left of the body where the extraction finds too little."""
    body, fast = _body(page), sum(1 for _ in page.iter()) > _MANY
    found = _extract(page, fast=fast)
    if found and _has_menu(found, page):  # of a short page all is taken
        for menu in list(page.iter("nav")):
            menu.clear(keep_tail=True)
        found = _extract(page, fast=fast)
    if found and _headings_in(found) < _KEPT * _headings_of(page):
        # Where nothing says what is main, the extraction may gather paragraphs alone.
        again = _extract(_with_main(page), fast=fast)
        found = again if again and _headings_in(again) > _headings_in(found) else found
    return found if found and len(found) >= _FEW * len(body) else body


def _headings_in(text: str) -> int:
    return len(_MARKED.findall(text))


def _headings_of(page: Any) -> int:
    """Count the headings of a page, without those of its menus, of what stands beside, and of empty ones."""
    return sum(
        1
        for heading in page.iter(*_HEADINGS)
        if str(heading.text_content()).strip() and not any(above.tag in _ASIDE for above in heading.iterancestors())
    )


def _with_main(page: Any) -> Any:
    """Return a page of which all of the body is said to be its main part."""
    copied = deepcopy(page)
    body = copied.find(".//body")
    if body is not None:
        main = import_module("lxml.html").Element("main")
        main.text, body.text = body.text, None
        main.extend(list(body))
        body.append(main)
    return copied


def _extract(page: Any, *, fast: bool) -> str | None:
    try:
        from trafilatura import extract
    except ImportError as error:
        raise MissingExtraError("documents", "Reading HTML") from error
    try:
        return extract(
            deepcopy(page),  # it takes out what it passes over
            output_format="markdown",
            favor_recall=True,
            include_tables=True,
            include_comments=False,
            with_metadata=False,
            fast=fast,
        )
    except Exception:  # noqa: BLE001  # trafilatura lets what odd pages do to it come through as it is
        return None


def _has_menu(found: str, page: Any) -> bool:
    """Say whether the words of a menu are in the text that was found, one after the other."""
    menus = [" ".join(_WORD.findall(" ".join(menu.itertext()))) for menu in page.iter("nav")]
    words = " ".join(_WORD.findall(found)) if menus else ""
    return any(menu and menu in words for menu in menus)


def _body(page: Any) -> str:
    """Return the text of a page's body, or of an element that is no page."""
    body = page.find(".//body")
    lines: list[str] = []
    _walk(page if body is None else body, lines)
    text = re.sub(r"(?<![ \t])[ \t]*\n[ \t]*", "\n", "".join(lines))  # a run of blanks is looked at once
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _walk(top: Any, lines: list[str]) -> None:
    """Gather the text of an element; a loop, since a page may be nested deeper than Python calls."""
    stack: list[tuple[Any, bool]] = [(top, False)]
    while stack:
        element, done = stack.pop()
        tag = element.tag if isinstance(element.tag, str) else ""
        if tag in _ASIDE and element is not top:  # taken out of the tree, a control character behind it would raise
            lines.append(re.sub(r"\s+", " ", element.tail or ""))
            continue
        border = "\n\n" if tag in _BLOCKS or _HEADING.match(tag) else ""
        if done:
            lines += [border, re.sub(r"\s+", " ", element.tail or "") if element is not top else ""]
            continue
        mark = f"{'#' * int(found[1])} " if (found := _HEADING.match(tag)) else ""
        lines += [border, mark, re.sub(r"\s+", " ", element.text or "") if tag else ""]
        stack.append((element, True))
        stack += [(child, False) for child in reversed(element)]


def _title(page: Any) -> str:
    for path in (".//head/title", ".//h1"):
        element = page.find(path)
        if element is not None and (title := " ".join(str(element.text_content()).split())):
            return title
    return ""


def _language(page: Any) -> str | None:
    code = str(page.get("lang") or page.get("xml:lang") or "").strip().lower()
    short = re.match(r"([a-z]{2})(?:$|[-_])", code)
    return "he" if short and short[1] == "iw" else short[1] if short else None
