"""Results as one page that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from importlib import resources
from pathlib import Path

import simplugin
from simplugin.errors import DataError
from simplugin.evaluation.report import plots, tables
from simplugin.evaluation.report.elements import Content, Markup, element
from simplugin.evaluation.report.naming import TASKS, labels, spoken
from simplugin.evaluation.report.plots import Figure
from simplugin.evaluation.report.provenance import provenance
from simplugin.evaluation.report.scored import disagreements, scored
from simplugin.evaluation.report.table import Cell, Code, Quote, Table, shown
from simplugin.evaluation.result import Evaluation, Result

__all__ = ["to_html", "write_html"]

# Whatever a text says, nothing is loaded and nothing run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_SHOWN = 5  # findings, where the rest are notes


def write_html(evaluations: Sequence[Evaluation], path: str | Path) -> None:
    """Write results, those of one task side by side, as one self-contained page with plots.

    Raises ``DataError`` where there are none, or the page cannot be written.
    """
    page = to_html(evaluations)
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(page, encoding="utf-8")
    except OSError as error:
        raise DataError(f"the page cannot be written ({error.strerror}).", path=path) from error


def to_html(evaluations: Sequence[Evaluation]) -> str:
    """Return the page that ``write_html`` writes."""
    if not evaluations:
        raise DataError("There is no result to show; evaluate something first.")
    results = [each.result for each in evaluations]
    for result in results:
        if not result.sections:
            raise DataError(f"The result of {result.model.name!r} has no section; there is nothing to show.")
    title = f"Evaluation of {', '.join(dict.fromkeys(result.model.name for result in results))}"
    tasks = {task: [each for each in evaluations if each.result.task == task] for task in _tasks(results)}
    head = element(
        "head",
        None,
        element("meta", {"charset": "utf-8"}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "color-scheme", "content": "light dark"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}),
        element("link", {"rel": "icon", "href": "data:,"}),
        element("title", None, title),
        element("style", None, Markup(_style())),
    )
    body = element(
        "body",
        None,
        element("a", {"class": "skip", "href": "#main"}, "Skip to the results"),
        element("header", None, element("h1", None, title), _introduction(results), _contents(tasks)),
        element("main", {"id": "main", "tabindex": "-1"}, (_task(task, chosen) for task, chosen in tasks.items())),
        element("footer", None, element("p", None, f"Made with simplugin {simplugin.__version__}.")),
    )
    return f"<!DOCTYPE html>\n{element('html', {'lang': 'en'}, head, body)}\n"


def _style() -> str:
    return resources.files("simplugin.evaluation.report").joinpath("style.css").read_text(encoding="utf-8")


def _tasks(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(result.task for result in results))


def _introduction(results: Sequence[Result]) -> Markup:
    names = ", ".join(record.name for record in dict.fromkeys(record for each in results for record in each.data))
    seeds = ", ".join(dict.fromkeys(str(seed) for each in results if (seed := each.settings.get("seed")) is not None))
    told = f"Judged by {names}." + (f" Intervals are cluster-bootstrap, seed {seeds}." if seeds else "")
    return element("p", {"class": "lead"}, told)


def _contents(tasks: Collection[str]) -> Markup | None:
    if len(tasks) < 2:
        return None
    links = (element("li", None, element("a", {"href": f"#{task}"}, TASKS[task])) for task in tasks)
    return element("nav", {"aria-label": "Tasks"}, element("ul", None, links))


def _task(task: str, evaluations: Sequence[Evaluation]) -> Markup:
    results = [each.result for each in evaluations]
    heading = element("h2", {"id": f"{task}-heading"}, TASKS[task])
    content = (
        _headlines(results),
        _findings(results),
        _comparisons(task, results),
        (
            _result(f"{task}-{place}", name, each, results)
            for place, (name, each) in enumerate(zip(labels(results), evaluations, strict=True))
        ),
        _provenance(task, results),
    )
    return element("section", {"id": task, "aria-labelledby": f"{task}-heading"}, heading, content)


def _headlines(results: Sequence[Result]) -> Markup:
    """Return the one figure of each model that stands for the others: that of all together, or of the first section."""
    tiles = (
        element("div", None, element("dt", None, name), _headline(result))
        for name, result in zip(labels(results), results, strict=True)
    )
    return element("dl", {"class": "headlines"}, tiles)


def _headline(result: Result) -> Iterator[Markup]:
    section = next((each for each in result.sections if each.section == "all"), result.sections[0])
    metric, value, mean = spoken(result.main), section.metrics.get(result.main), section.macro.get(result.main)
    interval = section.ci95.get(result.main)
    told = f"{shown(value)}{'' if interval is None else f' (95 %: {shown(interval)})'}"
    yield element("dd", {"class": "figure"}, "–" if value is None else f"{value if mean is None else mean:.3f}")
    if mean is None:
        yield element("dd", None, f"{metric}, {section.section}")
        yield element("dd", None, told)
    else:
        yield element("dd", None, f"{metric}, mean of {len(section.parts)} parts")
        yield element("dd", None, f"pooled {told}")


def _findings(results: Sequence[Result]) -> Content:
    found = tables.findings(results)
    if not found.rows:
        return element("p", {"class": "clean"}, "The checks of labels, models and scores found nothing wrong.")
    items = [
        element(
            "li",
            {"class": f"finding {severity}"},
            element("strong", None, f"{shown(severity)}: "),
            shown(message),
            element("span", {"class": "where"}, f" ({shown(model)}: {shown(places)})"),
        )
        for severity, model, message, places in found.rows
    ]
    # Notes come last; many of them would push the results out of sight.
    seen = max(_SHOWN, sum(row[0] != "note" for row in found.rows))
    more = element(
        "details",
        None,
        element("summary", None, f"{len(items) - seen} more notes"),
        element("ul", {"class": "findings"}, items[seen:]),
    )
    listed = element("ul", {"class": "findings"}, items[:seen])
    return element("h3", None, "Findings"), listed, more if items[seen:] else None


def _comparisons(task: str, results: Sequence[Result]) -> Iterator[Markup]:
    """Give the models side by side, those with the same main figure together."""
    for place, main in enumerate(dict.fromkeys(result.main for result in results)):
        figure = plots.intervals(f"{task}-intervals-{place}", [each for each in results if each.main == main])
        if figure is not None:
            yield _figure(figure, "h3")


def _result(name: str, label: str, judged: Evaluation, results: Sequence[Result]) -> Markup:
    alone = len(results) == 1
    among = [each for each in results if each.main == judged.result.main]
    heading = None if alone else element("h3", {"class": "model", "id": f"{name}-heading"}, label)
    gone = None
    if not judged.parts:
        gone = element("p", {"class": "gone"}, "The items of this result are not there: its figures are shown without "
                       "the plots and the list of pairs that are made of items.")  # fmt: skip
    pairs = disagreements(judged)
    return element(
        "div" if alone else "section",
        None if alone else {"aria-labelledby": f"{judged.result.task}-heading {name}-heading"},
        heading,
        gone,
        (_figure(figure, "h3" if alone else "h4") for figure in _figures(name, judged, among)),
        _table(tables.sections(judged.result, "Figures by section")),
        (_table(grid) for grid in tables.grids(judged.result)),
        None if pairs is None else _table(pairs, kind="quotes"),
    )


def _figures(name: str, judged: Evaluation, among: Sequence[Result]) -> Iterator[Figure]:
    result, items = judged.result, scored(judged)
    drawn = [plots.heatmap(f"{name}-heatmap", result, among), plots.stages(f"{name}-stages", result)]
    if items:
        drawn.append(plots.agreement(f"{name}-agreement", items, result.main))
        drawn.append(plots.reliability(f"{name}-reliability", items, seed=_seed(result)))
    yield from (figure for figure in drawn if figure is not None)


def _seed(result: Result) -> int:
    seed = result.settings.get("seed")
    return seed if isinstance(seed, int) and seed >= 0 else 0


def _provenance(task: str, results: Sequence[Result]) -> Markup:
    heading = element("h3", {"id": f"{task}-made"}, "What these figures were made with")
    return element(
        "section", {"aria-labelledby": f"{task}-heading {task}-made"}, heading, map(_table, provenance(results))
    )


def _figure(figure: Figure, heading: str) -> Markup:
    drawings = {"class": f"drawings {figure.fit}"}
    if figure.fit == "wide":  # what is scrolled must be reached by the keyboard
        drawings |= {"tabindex": "0", "role": "group", "aria-label": f"{figure.title}, drawing"}
    return element(
        "figure",
        {"id": figure.name, "aria-labelledby": f"{figure.name}-caption"},
        element(
            "figcaption",
            None,
            element(heading, {"id": f"{figure.name}-caption"}, _capital(figure.title)),
            element("p", None, _capital(figure.explanation)),
        ),
        figure.legend,
        element("div", drawings, figure.drawings),
        element("details", None, element("summary", None, "Numbers of this plot"), _table(figure.numbers)),
    )


def _table(table: Table, kind: str = "") -> Markup:
    numeric = [table.numeric(column) for column in range(len(table.heads))]
    heads = (
        element("th", {"scope": "col", "class": "number" if number else None}, head) if head else element("td", None)
        for head, number in zip(table.heads, numeric, strict=True)
    )
    rows = (
        element(
            "tr",
            None,
            element("th", {"scope": "row"}, shown(row[0])),
            (_cell(cell, number=number) for cell, number in zip(row[1:], numeric[1:], strict=True)),
        )
        for row in table.rows
    )
    inner = element(
        "table",
        {"class": kind or None},
        element("caption", None, _capital(table.caption)),
        element("thead", None, element("tr", None, heads)),
        element("tbody", None, rows),
    )
    return element("div", {"class": "scroll", "tabindex": "0", "role": "group", "aria-label": table.caption}, inner)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _cell(cell: Cell, *, number: bool) -> Markup:
    match cell:
        case Quote():
            return element("td", {"dir": "auto", "lang": cell.language}, cell.text)
        case Code():
            return element("td", None, element("code", None, cell.text))
        case _:
            return element("td", {"class": "number" if number else None}, shown(cell))
