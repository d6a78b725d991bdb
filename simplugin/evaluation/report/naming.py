"""What things are called in a report."""

from __future__ import annotations

from collections.abc import Sequence

from simplugin.evaluation.result import Result

__all__ = ["TASKS", "crossings", "labels", "language_of", "languages", "left_out", "spoken"]

TASKS = {
    "similarity": "Semantic similarity",
    "retrieval": "Retrieval",
    "bitext": "Bitext mining",
    "pairs": "Natural language inference",
    "intents": "Intents",
}
_NAMES = ("Pearson", "Spearman", "Manhattan", "Euclidean", "AUC", "F1", "MRR")
_WORDS = {name.lower(): name for name in _NAMES}


def spoken(metric: str) -> str:
    """Return the name of a metric as people write it: ``spearman_cosine`` is "Spearman cosine"."""
    return " ".join(_WORDS.get(word, word) for word in metric.split("_"))


def labels(results: Sequence[Result]) -> list[str]:
    """Return a name for each result: its model's, numbered where two would have the same."""
    names = [result.model.name for result in results]
    return [
        name if names.count(name) == 1 else f"{name} ({names[: place + 1].count(name)})"
        for place, name in enumerate(names)
    ]


def languages(result: Result) -> list[str]:
    """Return the languages of the data, in order; a bitext has two."""
    named = [record.language or record.name for record in result.data]
    if result.task == "bitext":
        named = [language for pair in named for language in pair.split("-")]
    return list(dict.fromkeys(named))


def crossings(result: Result) -> dict[str, tuple[str, str]]:
    """Return the languages of each section that has two, or one on both sides: ``{"en": ("en", "en"), "en-de": …}``."""
    known = languages(result)
    pairs = {one if one == other else f"{one}-{other}": (one, other) for one in known for other in known}
    found: dict[str, tuple[str, str]] = {}
    for each in result.sections:
        # Of two languages alone, `cross` is their one crossing.
        named = [each.section, *(each.parts if len(each.parts) == 2 else ())]
        pair = next((pairs[name] for name in named if name in pairs), None)
        if pair is not None and (each.section in pairs or pair[0] != pair[1]):
            found[each.section] = pair
    return found


def left_out(result: Result) -> set[str]:
    """Return the crossings, where there are languages beside them: plots by section show those, a map shows these."""
    pairs = crossings(result)
    across = {section for section, (one, other) in pairs.items() if one != other}
    return across - {"cross"} if len(across) < len(pairs) else set()


def language_of(result: Result, part: str) -> str | None:
    """Return the language of a part's texts, where the data say so."""
    own = [record.language for record in result.data if part in {record.language, record.name}]
    return own[0] if own else None
