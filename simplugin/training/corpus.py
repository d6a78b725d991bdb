"""Training texts and test sets, read from the data folder."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from simplugin.errors import DataError

STSB_LANGUAGES = ("en", "de", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "tr", "zh")
"""Languages of the STS benchmark; row n is the same pair in each of them."""

TRANSLATED_LANGUAGES = ("az", "de", "es", "fr", "he", "it", "nl", "pl", "pt", "ru", "tr", "zh")
"""Languages with sentences aligned to English, in `parallel/` and in `tatoeba/`."""

PHRASEBOOK = Path(__file__).parent / "phrasebook"
"""Sentences and words of daily life in fourteen languages, written for this project: `parallel/` has few of them.

The files of one language have a row for each frequent word that all else lacks."""

Split = Literal["train", "dev", "test"]


@dataclass(frozen=True, slots=True)
class Translation:
    """A text beside the English sentence that says the same."""

    text: str
    english: str
    language: str


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """Two sentences and how alike people found them, from 0 (unrelated) to 5 (same meaning)."""

    first: str
    second: str
    score: float


def read_scored_pairs(data: Path, language: str, *, split: Split) -> list[ScoredPair]:
    """Read one part of the STS benchmark in one language.

    Raises `DataError` with path and line for a row that is not two texts and a score in [0, 5].
    """
    path = data / "stsb" / f"stsb-{language}-{split}.csv"
    rows = csv.reader(_lines(path))
    pairs: list[ScoredPair] = []
    for row in rows:
        if len(row) != 3:
            raise DataError(
                f"the row has {len(row)} fields, not the 3 of sentence1,sentence2,score.",
                path=path,
                line=rows.line_num,
            )
        pairs.append(ScoredPair(row[0], row[1], _score(row[2], path=path, line=rows.line_num)))
    return pairs


def read_translations(path: Path, language: str) -> list[Translation]:
    """Read a JSONL file of aligned sentences, one object a line with the keys `en` and the language's code.

    Raises `DataError` with path and line for a line that is not such an object.
    """
    translations: list[Translation] = []
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            parsed = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"the line is not JSON ({error.msg}).", path=path, line=number) from error
        fields = cast("dict[str, object]", parsed) if isinstance(parsed, dict) else {}
        english, text = fields.get("en"), fields.get(language)
        if not isinstance(english, str) or not isinstance(text, str):
            raise DataError(
                f"the line lacks a text under 'en' or {language!r}; give an object with both.",
                path=path,
                line=number,
            )
        translations.append(Translation(text, english, language))
    return translations


def read_training_translations(data: Path, *, splits: tuple[Split, ...] = ("train", "dev")) -> list[Translation]:
    """Read every (text, English sentence) pair that the starter may learn from, without repeats.

    That is `parallel/`, the phrasebook and the named splits of the STS benchmark, the English sentences themselves
    included, less every sentence that the benchmark's test part or Tatoeba has as well.
    Raises `DataError` where a file is absent or broken.
    """
    found = [
        translation
        for language in TRANSLATED_LANGUAGES
        for translation in read_translations(data / "parallel" / f"en-{language}.jsonl", language)
    ]
    english = dict.fromkeys(item.english for item in found)
    found += [Translation(sentence, sentence, "en") for sentence in english]
    found += read_phrases()
    for split in splits:
        originals = _sentences(read_scored_pairs(data, "en", split=split))
        for language in STSB_LANGUAGES:
            texts = _sentences(read_scored_pairs(data, language, split=split))
            _check_length(data, language, split=split, found=len(texts), expected=len(originals))
            found += [Translation(*both, language) for both in zip(texts, originals, strict=True)]
    tested = read_test_sentences(data) | read_tatoeba_sentences(data)
    return [
        item
        for item in dict.fromkeys(found)
        if item.text.strip()
        and item.english.strip()
        and to_key(item.text) not in tested
        and to_key(item.english) not in tested
    ]


def read_phrases(folder: Path = PHRASEBOOK) -> list[Translation]:
    """Read the phrasebook: tab-separated files with a line of language codes on top, English first.

    Every cell is a text with the row's English beside it. Raises `DataError` with path and line for a row of another
    length than the top one.
    """
    found: list[Translation] = []
    for path in sorted(folder.glob("*.tsv")):
        top, *rows = [line.rstrip("\r\n").split("\t") for line in _lines(path)]
        for number, row in enumerate(rows, start=2):
            if len(row) != len(top):
                raise DataError(f"the row has {len(row)} cells, not {len(top)}.", path=path, line=number)
            found += [Translation(text, row[0], language) for language, text in zip(top, row, strict=True)]
    return found


def read_training_pairs(data: Path) -> list[list[ScoredPair]]:
    """Read the training part of the STS benchmark: one list a language, row n the same pair in each.

    A pair is left out of every language when a sentence of it, in any language, is in the test part too.
    Raises `DataError` where a file is absent or broken.
    """
    languages = [read_scored_pairs(data, language, split="train") for language in STSB_LANGUAGES]
    for language, pairs in zip(STSB_LANGUAGES, languages, strict=True):
        _check_length(data, language, split="train", found=len(pairs), expected=len(languages[0]))
    tested = read_test_sentences(data)
    kept = [
        row
        for row in zip(*languages, strict=True)
        if not any(to_key(pair.first) in tested or to_key(pair.second) in tested for pair in row)
    ]
    return [[row[number] for row in kept] for number in range(len(STSB_LANGUAGES))]


def read_test_sentences(data: Path) -> set[str]:
    """Read the sentences of the STS benchmark's test part, as `to_key` gives them.

    The benchmark's parts share some hundred sentences, in other pairs.
    """
    return {
        to_key(sentence)
        for language in STSB_LANGUAGES
        for sentence in _sentences(read_scored_pairs(data, language, split="test"))
    }


def read_tatoeba_sentences(data: Path) -> set[str]:
    """Read every sentence of Tatoeba's test sets, both sides, as `to_key` gives them."""
    return {
        to_key(text)
        for language in TRANSLATED_LANGUAGES
        for item in read_translations(data / "tatoeba" / f"en-{language}.jsonl", language)
        for text in (item.text, item.english)
    }


def to_key(sentence: str) -> str:
    """Give what two writings of the same sentence have in common: case, spacing and punctuation left out."""
    letters = (letter if letter.isalnum() else " " for letter in sentence.casefold())
    return " ".join("".join(letters).split())


def _check_length(data: Path, language: str, *, split: Split, found: int, expected: int) -> None:
    if found != expected:
        path = data / "stsb" / f"stsb-{language}-{split}.csv"
        raise DataError(f"the number of sentences is {found}, not the {expected} of English.", path=path)


def _sentences(pairs: list[ScoredPair]) -> list[str]:
    return [sentence for pair in pairs for sentence in (pair.first, pair.second)]


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield from lines
    except FileNotFoundError as error:
        raise DataError("the file is absent; name the data folder (--train, --data).", path=path) from error
    except UnicodeDecodeError as error:
        raise DataError(f"the file is not UTF-8 ({error.reason}).", path=path) from error


def _score(field: str, *, path: Path, line: int) -> float:
    try:
        score = float(field)
    except ValueError as error:
        raise DataError(f"the score {field!r} is not a number.", path=path, line=line) from error
    if not 0.0 <= score <= 5.0:
        raise DataError(f"the score {score!r} lies outside [0, 5].", path=path, line=line)
    return score
