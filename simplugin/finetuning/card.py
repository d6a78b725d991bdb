"""The model card of a fine-tuned model: its figures, how it was made, and of what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import yaml

from simplugin.catalog import ModelCard
from simplugin.evaluation.comparing import Difference
from simplugin.evaluation.report import to_model_index
from simplugin.evaluation.result import DataRecord, Evaluation, packages
from simplugin.finetuning.output import Run
from simplugin.finetuning.recipe import Recipe

__all__ = ["write_card"]


def write_card(
    name: str,
    recipe: Recipe,
    run: Run,
    *,
    steps: int,
    before: Mapping[str, Evaluation],
    after: Mapping[str, Evaluation],
    differences: Mapping[str, Sequence[Difference]],
    base: ModelCard | None = None,
) -> str:
    """Return the card in Markdown, with the block that the Hub reads figures from.

    ``before``, ``after`` and ``differences`` are by the role of the data: dev or test. ``base`` is the card of what was
    begun with, where it has one.
    """
    licence = None if base is None else base.licence
    index = to_model_index([each.result for each in after.values()])
    front = yaml.safe_dump(_front(recipe, run, base), sort_keys=False, allow_unicode=True)
    blocks = [
        f"---\n{front}{index}---",
        f"# {name}",
        *_made(recipe, run, steps),
        "## Opening it",
        _opening(name, recipe),
        "## Figures",
        *_figures(before, after, differences),
        "## How it was trained",
        _settings(recipe, run),
        "## Data",
        _data(run),
        f"What it began with has the licence {licence or 'that its own card says'}; see what the data ask for as well.",
        f"Made with {', '.join(f'{package} {version}' for package, version in packages().items())}.",
    ]
    return "\n\n".join(blocks) + "\n"


def _front(recipe: Recipe, run: Run, base: ModelCard | None) -> dict[str, Any]:
    languages = sorted({each.language for records in run.data.values() for each in records if each.language})
    told: dict[str, Any] = {"language": languages} if languages else {}
    if base is not None and base.licence:
        told["license"] = base.licence.lower().replace(" ", "-")  # as the Hub spells them: CC BY-SA 4.0 is cc-by-sa-4.0
    if base is not None and base.id.count("/") == 1:
        told["base_model"] = base.id
    pairs = sum(record.rows for record in run.data["train"])
    return told | {
        "library_name": "sentence-transformers",
        "pipeline_tag": "text-classification" if recipe.makes_pair_model else "sentence-similarity",
        "tags": ["sentence-transformers", "simplugin", f"dataset_size:{pairs}", f"loss:{recipe.loss}"],
    }


def _made(recipe: Recipe, run: Run, steps: int) -> Iterator[str]:
    pairs = sum(record.rows for record in run.data["train"])
    yield f"`{run.base}`, fine-tuned by `simplugin finetune {recipe.name}`: {pairs:,} labelled pairs, {steps:,} steps."
    yield f"{recipe.about} The recipe follows the card of `{recipe.card}`. {recipe.corrected}".rstrip()


def _opening(name: str, recipe: Recipe) -> str:
    ours, theirs = ("load_reranker", "CrossEncoder") if recipe.makes_pair_model else ("load", "SentenceTransformer")
    lines = ["import simplugin as sp", f"from sentence_transformers import {theirs}", ""]
    lines += [f'{opens}("./{name}")' for opens in (f"sp.{ours}", theirs)]
    return "\n".join(["```python", *lines, "```"])


def _figures(
    before: Mapping[str, Evaluation], after: Mapping[str, Evaluation], differences: Mapping[str, Sequence[Difference]]
) -> Iterator[str]:
    main = next(iter(after.values())).result.main
    yield f"`{main}`, with 95 % intervals of a cluster bootstrap; the difference is paired. Measured on this folder."
    rows = ["| data | section | pairs | before | after | difference |", "|---|---|---:|---|---|---|"]
    for role, judged in after.items():
        gained = {each.section: each for each in differences.get(role, ())}
        for section in judged.result.sections:
            name, value = section.section, section.metrics[main]
            cells = [
                role,
                name,
                f"{section.counts['pairs']:,}",
                _old(before.get(role), name, main),
                _spread(value, section.ci95.get(main)),
                _spread(gained[name].difference, gained[name].ci95, sign="+") if name in gained else "–",
            ]
            rows.append(f"| {' | '.join(cells)} |")
    yield "\n".join(rows)


def _old(judged: Evaluation | None, section: str, main: str) -> str:
    if judged is None:
        return "–"
    found = judged.result.section(section)
    return _spread(found.metrics.get(main), found.ci95.get(main))


def _spread(value: float | None, interval: tuple[float, float] | None, *, sign: str = "") -> str:
    if value is None:
        return "–"
    told = format(value, f"{sign}.4f")
    return told if interval is None else f"{told} ({interval[0]:{sign}.3f} to {interval[1]:{sign}.3f})"


def _settings(recipe: Recipe, run: Run) -> str:
    rows = ["| setting | value | from |", "|---|---|---|", f"| loss | {recipe.loss} | {recipe.sources['loss']} |"]
    for each in fields(recipe.hyperparameters):
        value = getattr(recipe.hyperparameters, each.name)
        if value is not None and each.name != "table_learning_rate":
            rows.append(f"| {each.name} | {value:g} | {recipe.sources.get(each.name, '')} |")
    rows.append(f"| weights kept | {recipe.keep} | the recipe |")
    rows.append(f"| seed | {run.seed} | |")
    return "\n".join(rows)


def _data(run: Run) -> str:
    rows = ["| role | file | language | pairs | SHA-256 |", "|---|---|---|---:|---|"]
    for role, records in run.data.items():
        rows += [_file(role, record) for record in records]
    return "\n".join(rows)


def _file(role: str, record: DataRecord) -> str:
    return f"| {role} | {record.name} | {record.language or ''} | {record.rows:,} | {record.sha256 or ''} |"
