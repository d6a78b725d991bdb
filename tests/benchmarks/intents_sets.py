"""Sets of utterances and queries for the benchmark of intents: what is taught, what is asked, and what is neither."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

BAKU = Path(__file__).parent / "baku"
ACROSS = ("de", "nl", "it", "tr", "zh")
SIZES = (3, 10, None)
DRAWS = 3
LARGE = 5000  # utterances, from which on one draw is enough
EVERY = 5  # one intent in so many is held out where a set has nothing that is out of scope
TENTHS = 10
OUT = "out_of_scope"


class Said(NamedTuple):
    """A text, what is meant (None: no intent that is known), its kind, and the row that it and its likes share."""

    text: str
    intent: str | None
    kind: str = ""
    row: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """What is taught, what is asked then, and texts that are told to be out of scope."""

    utterances: Sequence[Said]
    queries: Sequence[Said]
    negatives: Sequence[str] = ()

    def intents(self) -> list[str]:
        return sorted({str(each.intent) for each in self.utterances})


@dataclass(frozen=True, slots=True)
class Case:
    """Turns whose answers are judged together."""

    title: str
    turns: Sequence[Turn]


def cases(data: Path) -> Iterable[Case]:
    """Give all cases: each set at each size, and across languages."""
    folder = data / "intents"
    sets = {
        "CLINC150": [clinc(folder)],
        "banking77": [held_out(Turn(read(folder / "banking77-train.jsonl"), read(folder / "banking77-test.jsonl")))],
        "xSID en": each_fifth(halves(read(folder / "xsid-en.jsonl"))),
        "Home Assistant en": each_fifth(halves(read(folder / "home-assistant-en.jsonl"))),
        "Home Assistant de": each_fifth(halves(read(folder / "home-assistant-de.jsonl"))),
        "Baku": [baku()],
    }
    for name, ways in sets.items():
        for size in SIZES:
            yield at_size(name, ways, size)
        if name == "CLINC150":
            negatives = [said.text for said in read(folder / "clinc150-oos_train.jsonl")]
            told = replace(ways[0], negatives=negatives)
            yield at_size(f"CLINC150 with {len(negatives)} labelled negatives", [told], 10)
    yield across(folder, "the other half of the rows", parts=2)
    yield across(folder, "all but its own translation's tenth", parts=TENTHS)


def at_size(name: str, ways: Sequence[Turn], size: int | None) -> Case:
    """Return draws of as many utterances an intent, one of each way; all utterances where there is no size."""
    if size is None:
        return Case(f"{name}, all utterances", ways)
    draws = DRAWS if len(ways) == 1 and len(ways[0].utterances) <= LARGE else 1
    turns = [replace(way, utterances=draw(way.utterances, size, seed)) for seed, way in enumerate([*ways] * draws)]
    return Case(f"{name}, {size} utterances an intent", turns)


def draw(utterances: Sequence[Said], size: int, seed: int) -> list[Said]:
    """Return up to ``size`` utterances of each intent, of each kind as evenly as can be."""
    random = np.random.default_rng(seed)
    chosen = list[Said]()
    for _, said in sorted(by_intent(utterances).items()):
        seen = defaultdict[str, int](int)
        turns = list[tuple[int, int]]()
        for place in random.permutation(len(said)).tolist():
            turns.append((seen[said[place].kind], place))
            seen[said[place].kind] += 1
        chosen += [said[place] for _, place in sorted(turns, key=lambda turn: turn[0])[:size]]
    return chosen


def halves(rows: Sequence[Said], seed: int = 0) -> Turn:
    """Teach one half of each intent and ask the other; of an odd number the larger is taught."""
    random = np.random.default_rng(seed)
    taught, asked = list[Said](), list[Said]()
    for _, said in sorted(by_intent(rows).items()):
        places = random.permutation(len(said)).tolist()
        cut = (len(places) + 1) // 2
        taught += [said[place] for place in places[:cut]]
        asked += [said[place] for place in places[cut:]]
    return Turn(taught, numbered(asked))


def each_fifth(turn: Turn) -> list[Turn]:
    """Hold out each fifth of the intents in turn: of a small set one fifth is easily told apart, and another is not."""
    return [held_out(turn, first) for first in range(EVERY)]


def held_out(turn: Turn, first: int = EVERY - 1) -> Turn:
    """Teach nothing of every fifth intent, so that what means it is out of scope."""
    left = set(sorted(by_intent(turn.utterances))[first::EVERY])
    queries = [each._replace(intent=None) if each.intent in left else each for each in turn.queries]
    return Turn([each for each in turn.utterances if each.intent not in left], queries)


def across(folder: Path, what: str, *, parts: int, languages: Sequence[str] = ACROSS) -> Case:
    """Return turns of English utterances and queries in other languages; row n of every file says the same."""
    english = [each._replace(row=row) for row, each in enumerate(read(folder / "xsid-en.jsonl", once=False))]
    others = [
        each._replace(row=row, kind=language)
        for language in languages
        for row, each in enumerate(read(folder / f"xsid-{language}.jsonl", once=False))
    ]
    place = np.random.default_rng(0).permutation(len(english)) % parts
    turns = list[Turn]()
    for part in range(parts):
        # What an English row says twice is left out with it.
        gone = {each.text for each in english if place[each.row] == part}
        taught = [each for each in english if each.text not in gone]
        known = {each.intent for each in taught}
        asked = [each for each in others if place[each.row] == part and each.intent in known]
        turns += each_fifth(Turn(taught, asked))
    return Case(f"xSID, English utterances, queries in {', '.join(languages)}, {what}", turns)


def clinc(folder: Path) -> Turn:
    foreign = [each._replace(intent=None) for each in read(folder / "clinc150-oos_test.jsonl")]
    return Turn(read(folder / "clinc150-train.jsonl"), numbered([*read(folder / "clinc150-test.jsonl"), *foreign]))


def baku() -> Turn:
    """Return the bank in Baku; a query's kind is how it is typed and its language."""
    taught = [Said(row["text"], row["intent"], row["language"]) for row in rows_of(BAKU / "utterances.jsonl")]
    asked = [
        Said(row["text"], None if row["intent"] == OUT else row["intent"], f"{row['condition']} {row['language']}")
        for row in rows_of(BAKU / "queries.jsonl")
    ]
    return Turn(taught, numbered(asked))


def read(file: Path, *, once: bool = True) -> list[Said]:
    """Read a file of texts and intents, each text once unless told otherwise."""
    said = [Said(row["text"], row["intent"]) for row in rows_of(file)]
    return numbered(list({each.text: each for each in said}.values()) if once else said)


def rows_of(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def numbered(said: Sequence[Said]) -> list[Said]:
    return [each._replace(row=row) for row, each in enumerate(said)]


def by_intent(said: Sequence[Said]) -> dict[str, list[Said]]:
    found = defaultdict[str, list[Said]](list)
    for each in said:
        found[str(each.intent)].append(each)
    return found
