"""``simplugin collections calibrate``, and thresholds on probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import WORDS
from tests.cli.running import InProcess


def write_pairs(path: Path, count: int, *, top: float = 5.0, seed: int = 0) -> Path:
    """Write pairs of three words of the small model's, with labels by how many they share."""
    random = np.random.default_rng(seed)
    lines: list[str] = []
    for _ in range(count):
        shared = int(random.integers(0, 4))
        words = random.permutation(WORDS)
        first, second = [*words[:shared], *words[3 : 6 - shared]], [*words[:shared], *words[6 : 9 - shared]]
        label = float(np.clip(shared / 3 + random.normal(0, 0.1), 0, 1))
        lines.append(f"{' '.join(first)}\t{' '.join(second)}\t{top * label:.2f}\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def calibrated(simplugin: InProcess, handbook: Path, folder: Path) -> InProcess:
    write_pairs(folder / "pairs.tsv", 200)
    write_pairs(folder / "tr=pairs.tsv", 150, seed=1)
    assert simplugin("collections", "calibrate", "handbook", "--data", "en=pairs.tsv").code == 0
    return simplugin


def test_hits_have_a_probability_and_a_grade_from_then_on(calibrated: InProcess) -> None:
    hits = calibrated("search", "handbook", "renew library card", "--json").rows
    assert all(0 <= hit["probability"] <= 1 and 0 <= hit["grade"] <= 5 for hit in hits)
    first, last = hits[0]["probability"], hits[-1]["probability"]
    assert first > last

    least = (first + last) / 2
    kept = calibrated("search", "handbook", "renew library card", "--min-probability", least, "--json").rows
    assert kept == [hit for hit in hits if hit["probability"] >= least]
    assert f"  {hits[0]['probability']:.0%}  " in calibrated("search", "handbook", "renew library card").stdout
    again = calibrated("search", "handbook", "renew library card", "--rerank", "starter", "--json").rows
    assert {hit["probability"] for hit in again} == {None}


def test_it_tells_what_it_fitted_and_show_knows_it(calibrated: InProcess) -> None:
    told = calibrated(
        "collections", "calibrate", "handbook", "--data", "pairs.tsv", "--data", "tr=pairs.tsv", "--threshold", "4",
        "--json",
    )  # fmt: skip
    assert told.row == {
        "collection": "handbook",
        "model": "words",
        "threshold": 4.0,
        "scales": [{"language": "all", "pairs": 350, "method": "platt"}],
    }, "the file's own name is tr=pairs.tsv"
    named = calibrated("collections", "calibrate", "handbook", "--data", "de-AT=tr=pairs.tsv", "--json").row
    assert [scale["language"] for scale in named["scales"]] == ["all", "de-at"]
    assert calibrated("collections", "show", "handbook", "--json").row["vectors"][0]["calibrated"] == ["all", "de-at"]
    assert "all de-at" in calibrated("collections", "show", "handbook").stdout
    assert "probability" in calibrated("collections", "calibrate", "handbook", "--data", "pairs.tsv").stderr


def test_a_language_may_be_named_in_a_search(calibrated: InProcess) -> None:
    data = ("--data", "en=pairs.tsv", "--data", "es=tr=pairs.tsv")
    assert calibrated("collections", "calibrate", "handbook", *data).code == 0
    rows = [
        calibrated("search", "handbook", "coffee water", "--language", language, "--json").rows
        for language in ("en", "es")
    ]
    assert [hit["id"] for hit in rows[0]] == [hit["id"] for hit in rows[1]]
    assert rows[0][0]["probability"] != rows[1][0]["probability"]


def test_a_scale_may_be_given(calibrated: InProcess, folder: Path) -> None:
    write_pairs(folder / "ten.tsv", 100, top=10)
    refused = calibrated("collections", "calibrate", "handbook", "--data", "ten.tsv")
    assert refused.code == 1
    assert refused.is_one_sentence("ten.tsv", "which scale")
    assert calibrated("collections", "calibrate", "handbook", "--data", "ten.tsv", "--scale", "0-10").code == 0
    assert calibrated("collections", "calibrate", "handbook", "--data", "ten.tsv", "--scale", "ten").code == 2


@pytest.mark.parametrize(
    ("data", "parts"),
    [("absent.tsv", ["absent.tsv", "cannot be read"]), ("few.tsv", ["7 pairs", "at least 20"])],
)
def test_what_cannot_be_used_is_one_sentence(calibrated: InProcess, folder: Path, data: str, parts: list[str]) -> None:
    write_pairs(folder / "few.tsv", 7)
    outcome = calibrated("collections", "calibrate", "handbook", "--data", data)
    assert outcome.code == 1
    assert outcome.is_one_sentence(*parts)
    assert calibrated("collections", "calibrate", "novel", "--data", "pairs.tsv").is_one_sentence("'novel'")


def test_a_cutover_says_what_searches_lose(calibrated: InProcess, other_words: Path) -> None:
    said = calibrated("collections", "migrate", "handbook", "--model", other_words).stderr
    assert "Calibrate again before you ask for probabilities: simplugin collections calibrate handbook" in said
    back = calibrated("collections", "migrate", "handbook", "--rollback")
    assert "Calibrate again" not in back.stderr


def test_a_language_with_too_few_pairs_for_a_scale_is_named(simplugin: InProcess, handbook: Path, folder: Path) -> None:
    rows = [
        f"library card {number}\t{'coffee bus' if number % 2 else 'library card'}\t{5 * (1 - number % 2)}"
        for number in range(40)
    ]
    (folder / "few.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")

    told = simplugin("collections", "calibrate", "handbook", "--data", "tr_CY=few.tsv").stderr

    assert "Too few pairs for a scale of its own: tr_CY;" in told
