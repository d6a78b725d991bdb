"""``simplugin evaluate verify``: does a model reach what its card claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simplugin.cli.completion import model_names
from simplugin.cli.evaluate.options import Resamples, Seed
from simplugin.cli.options import AsJson, Scale, scale_from
from simplugin.cli.output import counting, meter, note, print_json, print_table

if TYPE_CHECKING:
    from simplugin.evaluation import Verification

__all__ = ["verify"]

_COLUMNS = {
    "data": "data",
    "metric": "metric",
    "claimed": "claimed",
    "measured": "measured",
    "difference": "difference",
    "ci95": "95 %",
    "verdict": "verdict",
    "source": "source",
}


def verify(
    name: Annotated[
        str,
        typer.Argument(
            help="Catalog name, Hub id or, with --card, folder of the model.",
            metavar="NAME",
            autocompletion=model_names,
        ),
    ],
    data: Annotated[
        list[str],
        typer.Option(
            "--data",
            help="A folder, whose files have the names of the data, or a file, before it the name of its data. "
            "Repeatable.",
            metavar="FOLDER|[NAME=]FILE",
        ),
    ],
    card: Annotated[
        str | None,
        typer.Option("--card", help="Hold it to the claims of this catalog card. [default: its own]", metavar="NAME"),
    ] = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0, help="How far a claim may be from what is measured.")
    ] = 0.002,
    scale: Scale = None,
    resamples: Resamples = 1000,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Measure a model against the claims of its card, on the same data; exit 1 where one differs.

    Example: simplugin evaluate verify starter --data ./stsb
    """
    limits = scale_from(scale)
    from simplugin.evaluation import verify as verified
    from simplugin.evaluation.verifying import claims_of, find_files, names_of

    claims = claims_of(card or name)
    sources, named = _apart(data)
    files = find_files(claims, sources, names=named)
    wanted = names_of(claims)
    unused = [each for each in sources if Path(each).is_file() and Path(each).resolve() not in files.values()]
    unused += [f"{each}={file}" for each, file in named.items() if each not in wanted]
    for source in unused:
        note(f"Not used, since no claim is on it: {source}; NAME=FILE says of which data it is ({', '.join(wanted)}).")
    with meter("encoding") as show:
        found = verified(
            name,
            files,
            claims=claims,
            scale=limits,
            tolerance=tolerance,
            resamples=resamples,
            seed=seed,
            progress=counting(show, "texts"),
        )
    if as_json:
        for each in found:
            print_json(each.to_json())
    else:
        print_table([_row(each) for each in found], _COLUMNS)
        note(_closing(found, tolerance))
    verdicts = {each.verdict for each in found}
    if "differs" in verdicts or "agrees" not in verdicts:
        raise typer.Exit(1)


def _apart(texts: Sequence[str]) -> tuple[list[str], Mapping[str, str]]:
    """Return what was given without a name, and with one; what is there under the whole text has none."""
    plain = [text for text in texts if "=" not in text or Path(text).exists()]
    pairs = [text.rpartition("=") for text in texts if text not in plain]
    return plain, {name: file for name, _, file in pairs}


def _row(each: Verification) -> dict[str, Any]:
    interval = None if each.ci95 is None else "{:.4f} to {:.4f}".format(*each.ci95)
    return each.to_json() | {
        "claimed": f"{each.claimed:.4f}",
        "measured": None if each.measured is None else f"{each.measured:.4f}",
        "difference": None if each.difference is None else f"{round(each.difference, 4) + 0.0:+.4f}",  # not -0.0000
        "ci95": interval,
    }


def _closing(found: Sequence[Verification], tolerance: float) -> str:
    counts = {
        verdict: sum(each.verdict == verdict for each in found)
        for verdict in ("agrees", "differs", "no data", "not measurable")
    }
    told = ", ".join(f"{verdict} {count}" for verdict, count in counts.items() if count)
    return (
        f"Of {len(found)} claims: {told}. To agree is to be within {tolerance:g} of what was measured on the same "
        "data; the interval tells how much the figure means, and decides nothing."
    )
