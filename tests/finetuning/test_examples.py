"""Labelled files as what is learned from."""

from __future__ import annotations

from pathlib import Path

import pytest

from simplugin.errors import DataError
from simplugin.evaluation.datasets import read_nli
from simplugin.finetuning import find_recipe
from simplugin.finetuning.examples import examples_of, read, shared
from tests.finetuning.sets import write_inferences, write_scored

SWAPPED = {"cat": "kedi", "kedi": "cat", "dog": "hund", "hund": "dog"}


def test_labels_become_similarities_of_0_to_1(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("".join(f"text {n},other {n},{n / 2}\n" for n in range(11)), encoding="utf-8")
    recipe = find_recipe("cosine")

    sets, notes = read(tmp_path / "a.csv", recipe, role="training")

    examples = examples_of(sets, recipe)
    assert examples.targets.tolist() == pytest.approx([n / 10 for n in range(11)])
    assert (examples.first[3], examples.second[3]) == ("text 3", "other 3")
    assert notes == ()


def test_crossing_adds_both_directions_and_keeps_translations_together(tmp_path: Path) -> None:
    files = {
        "en": write_scored(tmp_path / "en.tsv", 30),
        "de": write_scored(tmp_path / "de.tsv", 30, swapped=SWAPPED),
    }
    recipe = find_recipe("crossing")

    examples = examples_of(read(files, recipe, role="training")[0], recipe)

    assert len(examples) == 4 * 30
    assert examples.first[60:90] == examples.first[:30], "en-de begins in English"
    assert examples.second[60:90] == examples.second[30:60]
    assert len({tuple(examples.clusters[row::30]) for row in range(30)}) <= 30
    for row in range(30):
        assert len(set(examples.clusters[row::30].tolist())) == 1


def test_languages_that_do_not_match_are_refused(tmp_path: Path) -> None:
    files = {"en": write_scored(tmp_path / "en.tsv", 30), "de": write_scored(tmp_path / "de.tsv", 30, seed=1)}

    with pytest.raises(DataError, match="row by row"):
        read(files, find_recipe("crossing"), role="training")


def test_classes_are_learned_by_what_they_are_worth(tmp_path: Path) -> None:
    sets = [read_nli(write_inferences(tmp_path / "nli.jsonl", 12))]

    worth = examples_of(tuple(sets), find_recipe("nli-cosine")).targets.tolist()
    columns = examples_of(tuple(sets), find_recipe("nli-pair")).targets.tolist()

    assert worth[:3] == [1.0, 0.5, 0.0]
    assert columns[:3] == [1, 2, 0], "contradiction, entailment, neutral: the order of the card"


@pytest.mark.parametrize(
    ("worth", "words"),
    [
        ({"entailment": 0, "neutral": 1, "contradiction": 2}, "contradiction 2"),
        ({"entailment": 0, "neutral": 0.5, "contradiction": 1}, "inverted"),
        ({"entailment": 1, "neutral": 1, "contradiction": 1}, "inverted"),
    ],
)
def test_numbers_of_classes_are_no_similarities(tmp_path: Path, worth: dict[str, float], words: str) -> None:
    sets = (read_nli(write_inferences(tmp_path / "nli.jsonl", 12)),)

    with pytest.raises(DataError, match=words):
        examples_of(sets, find_recipe("nli-cosine"), worth=worth)


def test_numbered_classes_are_refused_until_they_are_named(tmp_path: Path) -> None:
    path = write_inferences(tmp_path / "nli.jsonl", 12, numbered=True)

    with pytest.raises(DataError, match=r"nli.jsonl:1: the class is a number"):
        read(path, find_recipe("nli-cosine"), role="training")


def test_a_recipe_of_degrees_refuses_numbered_classes(tmp_path: Path) -> None:
    rows = "".join(f"premise {n}\tanother {n}\t{n % 3}\n" for n in range(30))
    (tmp_path / "classes.tsv").write_text(rows, encoding="utf-8")
    (tmp_path / "two.tsv").write_text(rows.replace("\t2\n", "\t1\n"), encoding="utf-8")

    with pytest.raises(DataError, match="look like classes"):
        read(tmp_path / "classes.tsv", find_recipe("cosine"), role="training")
    with pytest.raises(DataError, match="The recipe 'nli-cosine' does so"):
        read(tmp_path / "two.tsv", find_recipe("cosine"), role="training")


def test_labels_upside_down_are_refused(tmp_path: Path) -> None:
    right = write_scored(tmp_path / "right.tsv", 60).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in right]
    turned = "".join(f"{first}\t{second}\t{5 - float(label):.3f}\n" for first, second, label in rows)
    (tmp_path / "turned.tsv").write_text(turned, encoding="utf-8")

    with pytest.raises(DataError, match="Turn them round"):
        read(tmp_path / "turned.tsv", find_recipe("sts"), role="training")


def test_too_few_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There are 9 pairs for dev in 'few'; at least 10"):
        read(write_scored(tmp_path / "few.tsv", 9), find_recipe("sts"), role="dev")


def test_shared_pairs_are_counted_whichever_text_comes_first(tmp_path: Path) -> None:
    recipe = find_recipe("cosine")
    (tmp_path / "a.csv").write_text("".join(f"text {n},other {n},{n / 2}\n" for n in range(11)), encoding="utf-8")
    (tmp_path / "b.csv").write_text("".join(f"other {n},text {n},{n / 4}\n" for n in range(8, 20)), encoding="utf-8")
    one, other = (examples_of(read(tmp_path / name, recipe, role="dev")[0], recipe) for name in ("a.csv", "b.csv"))

    assert shared(one, other) == 3
