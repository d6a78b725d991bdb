"""``simplugin intents``: what an utterance means, by example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simplugin.cli.lines import read_lines
from simplugin.cli.options import AsJson, Model, data_from, default_model, is_text, refuse_overwriting
from simplugin.cli.output import note, print_json, print_table, waiting
from simplugin.cli.verbs import Verbs
from simplugin.errors import DataError

if TYPE_CHECKING:
    from simplugin.intents import IntentMatcher, Report, Utterance

__all__ = ["app"]

app = typer.Typer(cls=Verbs, help="What an utterance means, by example.", no_args_is_help=True)

_SHOWN = 100  # letters of a text in a table

_Saved = Annotated[Path, typer.Argument(help="What `intents fit` wrote.", metavar="J")]
_Foreign = Annotated[
    list[str] | None,
    typer.Option("--negatives", help="A file of utterances that mean none of the intents. Repeatable.", metavar="FILE"),
]


@app.command("fit")
def fit(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Utterances with intents (JSON lines, CSV, TSV, YAML), before a file its language: tr=intents.yml.",
            metavar="[LANG=]FILE…",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="The JSON file to write.", metavar="J")],
    model: Model = None,
    negatives: _Foreign = None,
    target: Annotated[
        str | None,
        typer.Option("--target", help="What to reach: precision=0.95 of what matches, or accept=0.9 of what is meant."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Learn from utterances how to score, how sure a match is and what to accept, and write it to a file.

    Example: simplugin intents fit intents.yml --out intents.json
    """
    from simplugin.intents import IntentMatcher
    from simplugin.intents.fitting import enough
    from simplugin.routing import REST

    wanted = _target(target)
    if not out.parent.is_dir():
        raise DataError(f"there is no folder {str(out.parent)!r} to write to.", path=out)
    refuse_overwriting(out, [Path(file) for _, file in data_from([*files, *(negatives or [])])])
    read = _read(files) + _read(negatives or [], out_of_scope=True)
    with waiting("learning"):
        matcher = IntentMatcher(read, model or default_model())
        if wanted is not None:
            matcher.fit(target=wanted)
    matcher.save(out)
    row = _told(matcher) | {"out": str(out)}
    if as_json:
        print_json(row)
        return
    print_table(
        [row],
        {
            "model": "model",
            "intents": "intents",
            "utterances": "utterances",
            "negatives": "out of scope",
            "scoring": "scoring",
            "threshold": "threshold",
            "ambiguity": "ambiguity",
            "balanced": "balanced accuracy",
        },
    )
    if not enough(matcher.knowledge[REST].taught.owners):
        note("There are few utterances: nothing was learned by itself; 4 intents and 24 utterances are enough.")
    note(f"Written: {out}")


@app.command("match")
def match(
    saved: _Saved,
    texts: Annotated[list[str], typer.Argument(help="What was said; '-' takes a text a line from stdin.")],
    model: Model = None,
    language: Annotated[str | None, typer.Option("--language", help="Of the texts, where it is known.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what texts mean, how surely, and by which utterances.

    Example: simplugin intents match intents.json "Ich möchte zahlen"
    """
    from simplugin.intents import IntentMatcher

    said = list(read_lines(["-"])) if texts == ["-"] else texts
    if broken := next((text for text in said if not is_text(text)), None):
        message = f"{broken!r} is no UTF-8 text."
        raise typer.BadParameter(message)
    if not said:
        raise DataError("There is no text to match.")
    with waiting("matching"):
        matcher = IntentMatcher.load(saved, model)
        found = matcher.match(said, language=language)
    rows = [asdict(each) | {"evidence": [each_._asdict() for each_ in each.evidence]} for each in found]
    if as_json:
        for row in rows:
            print_json(row)
        return
    columns = {"text": "text", "status": "status", "intent": "intent", "confidence": "confidence", "score": "score"}
    shown = [
        row | {"text": each.text[:_SHOWN], "said": each.evidence[0].text if each.evidence else None}
        for row, each in zip(rows, found, strict=True)
    ]
    print_table(shown, columns | {"margin": "margin", "said": "closest utterance"})


@app.command("report")
def report(
    saved: _Saved,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            help="Labelled queries, before a file its language: tr=queries.csv. [default: the utterances themselves, "
            "asked as if they were queries] Repeatable.",
            metavar="[LANG=]FILE",
        ),
    ] = None,
    negatives: _Foreign = None,
    model: Model = None,
    close: Annotated[
        float, typer.Option("--close", min=-1, max=1, help="The cosine from which utterances of two intents conflict.")
    ] = 0.9,
    show: Annotated[int, typer.Option("--show", min=0, help="Rows of each table.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Say where a matcher errs: which intents are confused, the wrong queries, precision by coverage, and conflicts.

    Example: simplugin intents report intents.json --data queries.csv
    """
    from simplugin.intents import IntentMatcher, report_on

    asked = _read(data or []) + _read(negatives or [], out_of_scope=True)
    if negatives and not data:
        raise typer.BadParameter("--negatives are judged beside --data; give both, or neither.")
    with waiting("matching"):
        matcher = IntentMatcher.load(saved, model)
        found = report_on(matcher, asked if data else None, close=close)
    if as_json:
        for row in _rows(found):
            print_json(row)
    else:
        _print(found, show)
    if unknown := sorted({each.intent for each in asked if each.intent} - set(matcher.intents)):
        note(f"The matcher has no intent {', '.join(map(repr, unknown[:5]))}: what means it counts as out of scope.")


def _target(text: str | None) -> dict[str, float] | None:
    """Read ``precision=0.95`` or ``accept=0.9``; what is neither is wrong usage."""
    from simplugin.intents.thresholds import as_target

    if text is None:
        return None
    name, _, value = text.partition("=")
    try:
        target = {name: float(value)}
        as_target(target)
    except ValueError:
        message = f"{text!r} is neither precision=0.95 nor accept=0.9, with a number between 0 and 1."
        raise typer.BadParameter(message, param_hint="--target") from None
    return target


def _read(files: Sequence[str], *, out_of_scope: bool = False) -> list[Utterance]:
    from simplugin.intents import read_utterances

    return [
        each
        for language, file in data_from(list(files))
        for each in read_utterances(file, language=language, out_of_scope=out_of_scope).utterances
    ]


def _told(matcher: IntentMatcher) -> dict[str, Any]:
    from simplugin.routing import REST

    known = matcher.knowledge[REST]
    learned = known.learned
    return {
        "model": known.encoder.card.name,
        "intents": len(matcher.intents),
        "utterances": len(matcher.utterances),
        "negatives": len(matcher.negatives),
        "scoring": None if learned is None else learned.scoring,
        "threshold": known.threshold,
        "ambiguity": known.ambiguity,
        "balanced": None if learned is None else learned.balanced,
        "target": None if learned is None or learned.target is None else asdict(learned.target),
    }


def _rows(found: Report) -> list[dict[str, Any]]:
    """Return the report as JSON objects, each with its ``kind``."""
    wrong = [asdict(each) | {"evidence": [each_._asdict() for each_ in each.evidence]} for each in found.wrong]
    return [
        {"kind": "figures", "held_out": found.held_out, **asdict(found.figures)},
        *({"kind": "confused", **asdict(each)} for each in found.confused),
        *({"kind": "wrong", **each} for each in wrong),
        *({"kind": "coverage", **asdict(each)} for each in found.curve),
        *(
            {"kind": "conflict", **asdict(each), "conflict": each.kind} | {"kind": "conflict"}
            for each in found.conflicts
        ),
    ]


def _print(found: Report, show: int) -> None:
    names = ("queries", "out_of_scope", "accuracy", "accepted", "refused", "balanced", "ambiguous", "ece")
    note("The utterances themselves, asked as if they were queries:" if found.held_out else "The given queries:")
    print_table([asdict(found.figures)], {name: name.replace("_", " ") for name in names})
    _titled("Most often confused", [asdict(each) for each in found.confused], _CONFUSED, show)
    wrong = [
        asdict(each) | {"said": each.evidence[0].text if each.evidence else None, "meant": each.meant or "none"}
        for each in found.wrong
    ]
    _titled("Wrong queries, the surest first", wrong, _WRONG, show)
    _titled("Precision by coverage", [asdict(each) for each in found.curve], _CURVE, len(found.curve) if show else 0)
    conflicts = [
        {
            "conflict": each.kind.replace("_", " "),
            "first": f"{each.first.text} [{each.first.intent or 'none'}]",
            "second": f"{each.second.text} [{each.second.intent or 'none'}]",
            "cosine": each.cosine,
            "remedy": each.remedy,
        }
        for each in found.conflicts
    ]
    _titled("Conflicts of the utterances", conflicts, _CONFLICTS, show)


_CONFUSED = {"meant": "meant", "matched": "taken for", "queries": "queries"}
_WRONG = {
    "text": "query",
    "meant": "meant",
    "status": "status",
    "intent": "best intent",
    "confidence": "confidence",
    "said": "closest utterance",
}
_CURVE = {"confidence": "confidence from", "coverage": "coverage", "precision": "precision"}
_CONFLICTS = {"conflict": "conflict", "first": "utterance", "second": "and", "cosine": "cosine", "remedy": "what to do"}


def _titled(title: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], show: int) -> None:
    if not rows or not show:
        return
    more = f" ({show} of {len(rows):,})" if len(rows) > show else ""
    note(f"{title}{more}:")
    print_table(rows[:show], columns)
