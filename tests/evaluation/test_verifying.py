from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from simplugin.catalog import Claim, find
from simplugin.encoders import StaticEncoder
from simplugin.errors import DataError, UnknownModelError
from simplugin.evaluation import LabelledPair, evaluate_similarity, verify
from simplugin.evaluation.verifying import claims_of, find_files
from tests.hashing import HashEncoder
from tests.labelled import labelled_pairs

STARTER = Path(str(resources.files("simplugin") / "starter"))


def write(path: Path, pairs: Sequence[LabelledPair]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{pair.first}\t{pair.second}\t{pair.label}\n" for pair in pairs]
    path.write_text("sentence1\tsentence2\tscore\n" + "".join(rows), encoding="utf-8")
    return path


def claim(data: str, value: float, metric: str = "spearman_cosine") -> Claim:
    return Claim(data=data, metric=metric, value=value, source="test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the same pairs in two languages; in the second, other words in another order."""
    folder = tmp_path_factory.mktemp("sts")
    pairs = labelled_pairs(120, seed=3)
    write(folder / "my-en-test.tsv", pairs)
    turned = [replace(pair, first=pair.second, second=pair.first) for pair in pairs]
    write(folder / "my-de-test.tsv", turned)
    return folder


@pytest.fixture(scope="module")
def files(folder: Path) -> dict[str, Path]:
    return {"my-en-test": folder / "my-en-test.tsv", "my-de-test": folder / "my-de-test.tsv"}


def test_a_claim_agrees_within_the_tolerance_and_differs_beyond_it(files: dict[str, Path]) -> None:
    model = HashEncoder(64)
    section = evaluate_similarity(model, files["my-en-test"]).result.sections[0]
    value = section.metrics["spearman_cosine"]
    assert value is not None

    near, far, wide = verify(
        model, files, claims=[claim("my-en-test", value + 0.0019), claim("my-en-test", value - 0.0021)]
    ) + verify(model, files, claims=[claim("my-en-test", value - 0.0021)], tolerance=0.003)
    assert (near.verdict, far.verdict, wide.verdict) == ("agrees", "differs", "agrees")
    assert near.measured == far.measured == pytest.approx(value)
    assert near.difference == pytest.approx(-0.0019)
    assert near.ci95 == pytest.approx(section.ci95["spearman_cosine"])
    assert near.to_json() == {
        "model": "hash-64-0",
        "data": "my-en-test",
        "metric": "spearman_cosine",
        "claimed": value + 0.0019,
        "measured": near.measured,
        "difference": near.difference,
        "ci95": list(near.ci95 or ()),
        "verdict": "agrees",
        "source": "test",
    }


def test_a_claim_outside_the_tolerance_differs_though_the_interval_holds_it(files: dict[str, Path]) -> None:
    (first,) = verify(HashEncoder(64), files, claims=[claim("my-en-test", 0)])
    assert first.ci95 is not None
    (inside,) = verify(HashEncoder(64), files, claims=[claim("my-en-test", first.ci95[0] + 0.001)])
    assert inside.verdict == "differs"


def test_every_metric_of_the_cards_is_measured(files: dict[str, Path]) -> None:
    metrics = evaluate_similarity(HashEncoder(32), files["my-en-test"], resamples=0).result.sections[0].metrics
    claims = [claim("my-en-test", value or 0, metric) for metric, value in metrics.items()]

    found = verify(HashEncoder(32), files, claims=claims)
    assert len(found) == 10
    assert {each.verdict for each in found} == {"agrees"}


def test_crossings_are_measured_both_ways_and_one_way(files: dict[str, Path]) -> None:
    model = HashEncoder(16)
    judged = evaluate_similarity(model, {"en": files["my-en-test"], "de": files["my-de-test"]}, cross=True)
    names = ("my-en-de-test crossed", "my-en-de-test across", "my-de-en-test across", "my-en-test", "my-de-test")
    both, there, back, en, de = verify(model, files, claims=[claim(name, 0) for name in names])

    metrics = {each.section: each.metrics["spearman_cosine"] for each in judged.result.sections}
    assert (both.measured, en.measured, de.measured) == pytest.approx((metrics["cross"], metrics["en"], metrics["de"]))
    ways = [
        evaluate_similarity(model, list(zip(one.first, one.second, one.label, strict=True))).result.sections[0]
        for one in (Pairs(files["my-en-test"], files["my-de-test"]), Pairs(files["my-de-test"], files["my-en-test"]))
    ]
    assert [there.measured, back.measured] == pytest.approx([each.metrics["spearman_cosine"] for each in ways])
    assert there.measured != back.measured


def test_what_was_not_given_is_told_and_so_is_what_cannot_be_measured(files: dict[str, Path]) -> None:
    claims = [
        claim("its own dev set", 0.1),
        claim("my-en-fr-test crossed", 0.5),
        claim("my-en-test", 0.5, "bleu"),
        claim("my-en-test", 0.5, "spearman_score"),
    ]
    found = verify(HashEncoder(16), files, claims=claims)
    assert [each.verdict for each in found] == ["no data", "no data", "not measurable", "not measurable"]
    assert {(each.measured, each.difference, each.ci95) for each in found} == {(None, None, None)}


def test_without_any_data_the_model_is_not_opened() -> None:
    found = verify("bge-m3", {})
    assert len(found) == len(find("bge-m3").claims)
    assert {each.verdict for each in found} == {"no data"}


def test_a_broken_file_is_refused_before_the_model_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "stsb-en-test.csv"
    file.write_text("sentence1,sentence2,score\na,b,high\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"stsb-en-test.csv:2: the label 'high'"):
        verify("no-such-model", {"x": file}, claims=[claim("x", 0.5)])


def test_a_card_with_a_false_claim_is_caught(data: Path) -> None:
    card = replace(find("starter"), claims=(claim("stsb-en-test", 0.793), claim("stsb-en-test", 0.893)))
    true, false = verify(StaticEncoder(STARTER, card), {"stsb-en-test": data / "stsb" / "stsb-en-test.csv"})
    assert (true.verdict, false.verdict) == ("agrees", "differs")
    assert false.difference == pytest.approx(-0.0995, abs=0.0006)


def test_every_claim_of_the_starter_on_sts_agrees(data: Path) -> None:
    claims = [each for each in claims_of("starter") if each.data.startswith("stsb")]
    files = find_files(claims, [data / "stsb"])
    assert len(claims) == 18
    assert {each.verdict for each in verify("starter", files, claims=claims, resamples=0)} == {"agrees"}


def test_every_claim_of_the_starter_on_bitext_agrees(data: Path) -> None:
    pytest.importorskip("simplugin.evaluation.bitext")
    claims = [each for each in claims_of("starter") if each.data.startswith("tatoeba")]
    files = find_files(claims, [data])
    assert len(claims) == 12
    assert {each.verdict for each in verify("starter", files, claims=claims, resamples=0)} == {"agrees"}


def test_the_starters_claims_are_those_of_its_readme() -> None:
    lines = (STARTER / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    whole, _, across, tatoeba = (
        dict(zip(codes, map(float, figures), strict=True))
        for codes, figures in zip(rows, rows[2:], strict=False)
        if all(figure.replace(".", "", 1).isdigit() for figure in figures)
    )
    expected = (
        [(f"stsb-{code}-test", value) for code, value in whole.items()]
        + [(f"stsb-{pair}-test across", value) for pair, value in across.items()]
        + [(f"tatoeba-en-{code}", value) for code, value in tatoeba.items()]
    )
    assert [(each.data, each.value) for each in claims_of("starter")] == expected


def test_nothing_claimed_is_one_sentence() -> None:
    for name in (str(STARTER), "owner/model", "cross-de-es-roberta"):
        with pytest.raises(DataError, match=f"Nothing is claimed of '{name}'"):
            claims_of(name)
    with pytest.raises(DataError, match="Nothing is claimed of 'hash-64-0'"):
        verify(HashEncoder(64), {})
    with pytest.raises(UnknownModelError, match="'startre'"):
        claims_of("startre")


def test_files_are_found_by_name_two_folders_down(folder: Path, tmp_path: Path) -> None:
    pairs = labelled_pairs(3)
    deep = write(tmp_path / "a" / "b" / "deep-test.tsv", pairs)
    write(tmp_path / "a" / "b" / "c" / "deeper-test.tsv", pairs)
    write(tmp_path / "a" / "text-test.txt", pairs)
    short = write(tmp_path / "tatoeba" / "en-de.tsv", pairs)
    claims = [claim(name, 0) for name in ("deep-test", "deeper-test", "text-test", "tatoeba-en-de")]

    assert find_files(claims, [tmp_path]) == {"deep-test": deep.resolve(), "tatoeba-en-de": short.resolve()}
    crossed = find_files([claim("my-en-de-test crossed", 0)], [folder])
    assert set(crossed) == {"my-en-test", "my-de-test"}
    named = find_files(claims, [tmp_path], names={"deep-test": short})
    assert named["deep-test"] == short
    with pytest.raises(DataError, match="absent: there is no such file or folder"):
        find_files(claims, [tmp_path / "absent"])


def test_two_files_of_one_name_are_refused_where_the_name_is_asked_for(tmp_path: Path) -> None:
    for place in ("new", "old"):
        write(tmp_path / place / "x-test.tsv", labelled_pairs(3))
    with pytest.raises(DataError, match=r"has the name of 'x-test' too; say which it is: x-test=FILE"):
        find_files([claim("x-test", 0)], [tmp_path])
    assert find_files([claim("y-test", 0)], [tmp_path]) == {}
    chosen = tmp_path / "new" / "x-test.tsv"
    assert find_files([claim("x-test", 0)], [tmp_path], names={"x-test": chosen}) == {"x-test": chosen}


class Pairs:
    """The first texts of one file with the second ones of another."""

    def __init__(self, one: Path, other: Path) -> None:
        left, right = ([line.split("\t") for line in file.read_text().splitlines()[1:]] for file in (one, other))
        self.first = [row[0] for row in left]
        self.second = [row[1] for row in right]
        self.label = [float(row[2]) for row in left]
