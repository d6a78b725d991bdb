"""Results as the ``model-index`` block of a model card.

Its fields are those that the Hub reads (https://huggingface.co/docs/hub/model-cards#evaluation-results), the types of
tasks those that sentence-transformers writes into its own cards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from simplugin.evaluation.report.naming import crossings, spoken
from simplugin.evaluation.result import DataRecord, Result, Section

__all__ = ["to_model_index"]

_TASKS = {
    "similarity": ("semantic-similarity", "Semantic Similarity"),
    "retrieval": ("information-retrieval", "Information Retrieval"),
    "bitext": ("translation", "Bitext Mining"),
    "pairs": ("text-classification", "Natural Language Inference"),
    "intents": ("text-classification", "Intent Classification"),
}
_SPLIT = re.compile(r"(?:^|[-_.])(test|dev|validation|train)(?=$|[-_.])")
_SPLITS = {"dev": "validation"}  # as the Hub names them


def to_model_index(results: Sequence[Result]) -> str:
    """Return the YAML of the ``model-index`` of one or more models, one entry a section and stage."""
    entries = [
        {
            "name": name,
            "results": [
                _entry(result, section)
                for result in results
                if result.model.name == name
                for section in result.sections
                if any(value is not None for value in section.metrics.values())
            ],
        }
        for name in dict.fromkeys(result.model.name for result in results)
    ]
    block: str = yaml.safe_dump({"model-index": entries}, sort_keys=False, allow_unicode=True, width=120)
    return block


def _entry(result: Result, section: Section) -> dict[str, Any]:
    kind, title = _TASKS[result.task]
    metrics = [
        {"type": metric, "value": round(value, 6), "name": _titled(metric)}
        for metric, value in section.metrics.items()
        if value is not None
    ]
    if result.main in section.macro:
        mean = round(section.macro[result.main], 6)
        name = f"{_titled(result.main)}, mean of parts"
        metrics.append({"type": f"macro_{result.main}", "value": mean, "name": name})
    return {"task": {"type": kind, "name": title}, "dataset": _dataset(result, section), "metrics": metrics}


def _dataset(result: Result, section: Section) -> dict[str, str]:
    records = _records(result, section)
    stems = list(dict.fromkeys(map(_stem, records)))
    name = records[0].name if len(records) == 1 else " + ".join(stems)
    pair = crossings(result).get(section.section)
    config = section.section if pair is None else "-".join(dict.fromkeys(pair))
    described = {"type": name, "name": f"{name} ({section.section})" if len(records) > 1 else name}
    if section.stage is not None:
        described["name"] += f", {section.stage}"
    splits = {found[1] for record in records if (found := _SPLIT.search(record.name))}
    if len(splits) == 1:
        (split,) = splits
        return described | {"config": config, "split": _SPLITS.get(split, split)}
    return described | {"config": config}


def _records(result: Result, section: Section) -> Sequence[DataRecord]:
    """Return the data of a section: those of its languages, or all."""
    wanted = {section.section, *crossings(result).get(section.section, ())}
    own = [record for record in result.data if record.language in wanted or record.name in wanted]
    return own or result.data


def _stem(record: DataRecord) -> str:
    """Return the name of a data set without its language: ``stsb-en-test`` is ``stsb-test``."""
    words = [word for word in re.split(r"[-_.]", record.name) if word != record.language]
    return "-".join(words) or record.name


def _titled(metric: str) -> str:
    words = spoken(metric).split()
    return " ".join(word if any(letter.isupper() for letter in word) else word.capitalize() for word in words)
