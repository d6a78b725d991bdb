from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.encoders import Encoder
from simplugin.errors import DataError
from simplugin.evaluation import evaluate_pairs
from simplugin.evaluation import pairs as task
from simplugin.evaluation.datasets import Inference, Inferences
from simplugin.evaluation.metrics import spearman
from tests.evaluation.opposites import OppositeEncoder, turned
from tests.reranking.rules import rule_reranker

THREE = ("entailment", "neutral", "contradiction")
SHARED = {"entailment": 4, "neutral": 2, "contradiction": 0}


def inferences(count: int = 90, *, name: str = "set", language: str | None = "tr") -> Inferences:
    """Return pairs that share more words the more one follows from the other."""
    pairs: list[Inference] = []
    for number in range(count):
        label = THREE[number % 3]
        first = [f"a{number}x{place}" for place in range(4)]
        second = first[: SHARED[label]] + [f"b{number}x{place}" for place in range(4 - SHARED[label])]
        pairs.append(Inference(" ".join(first), " ".join(second), label))
    return Inferences(name, language, tuple(pairs), skipped=2)


def relabelled(data: Inferences, labels: Sequence[str]) -> Inferences:
    pairs = tuple(Inference(p.premise, p.hypothesis, label) for p, label in zip(data.pairs, labels, strict=True))
    return Inferences(data.name, data.language, pairs)


def marked(words: Sequence[str], labels: Sequence[str]) -> Inferences:
    """Return pairs in which one word decides what a rule says."""
    pairs = (Inference("it rains", f"{word} it is", label) for word, label in zip(words, labels, strict=True))
    return Inferences("marked", None, tuple(pairs))


def test_a_perfect_scorer_gets_one() -> None:
    judged = evaluate_pairs(OppositeEncoder(256), [inferences()], resamples=200)

    section = judged.result.section("tr")
    assert section.metrics["auc_entailment"] == 1.0
    assert section.ci95["auc_entailment"] == (1.0, 1.0)
    assert section.metrics["accuracy"] is section.metrics["macro_f1"] is None
    assert section.metrics["spearman_score"] == pytest.approx(section.details["spearman_ceiling"], abs=0.01)
    assert section.counts == {"pairs": 90, "skipped": 2}
    means = section.details["mean_score"]
    assert means["entailment"] > means["neutral"] > means["contradiction"]
    assert section.warnings == ()


def test_a_shuffled_one_is_near_chance() -> None:
    data = inferences(300)
    labels = np.random.default_rng(0).permutation([pair.label for pair in data.pairs]).tolist()

    section = evaluate_pairs(OppositeEncoder(256), [relabelled(data, labels)], resamples=200).result.section("tr")

    assert section.metrics["auc_entailment"] == pytest.approx(0.5, abs=0.1)
    assert section.metrics["spearman_score"] == pytest.approx(0, abs=0.15)
    assert section.warnings == ()


def test_an_inverted_one_gets_the_worst_and_is_named() -> None:
    data = inferences()
    pairs = tuple(Inference(p.premise, turned(p.hypothesis), p.label) for p in data.pairs)

    section = evaluate_pairs(OppositeEncoder(256), [Inferences("set", "tr", pairs)], resamples=200).result.section("tr")

    assert section.metrics["auc_entailment"] == 0
    (found,) = section.warnings
    assert (found.code, found.severity) == ("inverted_polarity", "error")
    assert "0.000 (0.000 to 0.000)" in found.message


RULE: dict[tuple[str, ...], dict[str, list[float]]] = {
    THREE: {"yes": [9.0, 0.0, 0.0], "maybe": [0.0, 9.0, 0.0], "no": [0.0, 0.0, 9.0]},
    ("contradiction", "entailment", "neutral"): {
        "yes": [0.0, 9.0, 0.0],
        "maybe": [0.0, 0.0, 9.0],
        "no": [9.0, 0.0, 0.0],
    },
}


@pytest.mark.model
@pytest.mark.parametrize("labels", RULE, ids=["entailment-first", "contradiction-first"])
def test_classes_are_told_by_name_in_whichever_order_they_are(tmp_path: Path, labels: tuple[str, ...]) -> None:
    model = rule_reranker(tmp_path, labels, RULE[labels])
    right = marked(["yes", "maybe", "no", "no"], ["entailment", "neutral", "contradiction", "contradiction"])
    wrong = marked(["yes", "yes", "no", "maybe"], ["entailment", "neutral", "contradiction", "entailment"])

    perfect = evaluate_pairs(model, [right], resamples=50).result.section("marked")
    half = evaluate_pairs(model, [wrong], resamples=0).result.section("marked")

    assert (perfect.metrics["accuracy"], perfect.metrics["macro_f1"], perfect.metrics["auc_entailment"]) == (1, 1, 1)
    assert half.metrics["accuracy"] == 0.5
    assert half.metrics["macro_f1"] == pytest.approx((1 / 2 + 0 + 1) / 3)
    # Of the four pairs of an entailment and another, one is in order, two are level and one is turned.
    assert half.metrics["auc_entailment"] == (1 + 0.5 + 0.5 + 0) / 4
    assert half.details["confusion"] == {
        "entailment": {"entailment": 1, "neutral": 1, "contradiction": 0},
        "neutral": {"entailment": 1, "neutral": 0, "contradiction": 0},
        "contradiction": {"entailment": 0, "neutral": 0, "contradiction": 1},
    }


@pytest.mark.model
def test_a_pair_model_that_tells_the_opposite_is_named_inverted(tmp_path: Path) -> None:
    model = rule_reranker(tmp_path, THREE, {"yes": [0.0, 0.0, 9.0], "no": [9.0, 0.0, 0.0]})
    texts = [f"{word} w{number}" for number in range(20) for word in ("yes", "no")]
    data = marked(texts, ["entailment", "contradiction"] * 20)
    spread = tuple(Inference(f"p{n}", pair.hypothesis, pair.label) for n, pair in enumerate(data.pairs))

    section = evaluate_pairs(model, [Inferences("set", None, spread)], resamples=200).result.section("set")

    assert (section.metrics["accuracy"], section.metrics["auc_entailment"]) == (0, 0)
    assert [found.code for found in section.warnings] == ["inverted_polarity"]


@pytest.mark.model
def test_two_classes_and_three_meet_in_two(tmp_path: Path) -> None:
    three = rule_reranker(tmp_path / "three", THREE, RULE[THREE])
    two = rule_reranker(
        tmp_path / "two", ("entailment", "not_entailment"), {"yes": [9.0, 0.0], "maybe": [0.0, 9.0], "no": [0.0, 9.0]}
    )
    of_three = marked(["yes", "maybe", "no"], THREE)
    of_two = marked(["yes", "maybe", "no"], ["entailment", "not_entailment", "not_entailment"])

    for model, data in ((two, of_three), (three, of_two), (two, of_two)):
        section = evaluate_pairs(model, [data], resamples=0).result.section("marked")
        assert (section.metrics["accuracy"], section.metrics["auc_entailment"]) == (1, 1)
        assert list(section.details["confusion"]) == ["entailment", "not_entailment"]


@pytest.mark.model
def test_a_model_of_one_column_is_judged_by_its_score_alone(tmp_path: Path) -> None:
    model = rule_reranker(tmp_path, ["similar"], {"yes": [2.0], "maybe": [0.0], "no": [-2.0]})

    section = evaluate_pairs(model, [marked(["yes", "maybe", "no"], THREE)], resamples=0).result.section("marked")

    assert section.metrics["accuracy"] is section.metrics["macro_f1"] is section.details["confusion"] is None
    assert section.metrics["auc_entailment"] == section.metrics["spearman_score"] == 1
    assert section.details["mean_score"]["neutral"] == pytest.approx(0.5)


def test_the_ceiling_is_what_the_facts_say() -> None:
    assert task.spearman_ceiling([1, 0.5, 0] * 3000) == pytest.approx(0.943, abs=0.001)
    assert task.spearman_ceiling([1, 0] * 3000) == pytest.approx(0.866, abs=0.001)
    assert task.spearman_ceiling([1, 2, 3]) == 1


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=40))
def test_a_score_without_ties_in_the_order_of_the_labels_reaches_the_ceiling(worth: list[float]) -> None:
    ordered = sorted(worth)
    if len(set(ordered)) < 2:
        assert task.spearman_ceiling(ordered) == 0
        return

    assert task.spearman_ceiling(worth) == pytest.approx(spearman(range(len(ordered)), ordered))


def test_the_worth_of_classes_can_be_said_otherwise() -> None:
    data = inferences(9)
    strict = {"entailment": 1.0, "neutral": 0.0, "contradiction": 0.0}

    section = evaluate_pairs(OppositeEncoder(256), [data], worth=strict, resamples=0).result.section("tr")

    assert section.details["worth"] == strict
    assert section.details["spearman_ceiling"] == pytest.approx(task.spearman_ceiling([1, 0, 0] * 3))
    with pytest.raises(DataError, match="what 'neutral' is worth"):
        evaluate_pairs(OppositeEncoder(), [data], worth={"entailment": 1.0, "contradiction": 0.0})
    with pytest.raises(DataError, match="worth the same"):
        evaluate_pairs(OppositeEncoder(), [data], worth=dict.fromkeys(THREE, 1.0))


def test_pairs_of_one_class_judge_nothing() -> None:
    with pytest.raises(DataError, match="of one class, 'neutral'"):
        evaluate_pairs(OppositeEncoder(), [marked(["a", "b"], ["neutral", "neutral"])])


def test_draws_are_weighed_items_and_undefined_ones_are_nan() -> None:
    judged = evaluate_pairs(OppositeEncoder(16), [inferences(30)], resamples=0)
    (part,) = judged.parts

    found = task.resampled(part, np.full((2, len(part)), 3.0), task.METRICS)

    for metric, value in judged.result.section("tr").metrics.items():
        np.testing.assert_allclose(found[metric], np.nan if value is None else value)


def test_languages_are_pooled_and_their_translations_are_one_cluster() -> None:
    sets = [inferences(30, language="tr"), inferences(30, name="other", language="he")]

    judged = evaluate_pairs(OppositeEncoder(64), sets, resamples=50)

    assert [each.section for each in judged.result.sections] == ["tr", "he", "all"]
    assert judged.result.section("all").counts == {"pairs": 60, "skipped": 4}
    assert len(np.unique(judged.pooled(judged.result.section("all")).clusters)) == 30


def test_the_starter_on_hebrew_inference(data: Path, starter: Encoder) -> None:
    judged = evaluate_pairs(
        starter, {"he": data / "nli" / "hebnli-val.jsonl"}, columns=("translation1", "translation2"), resamples=100
    )

    section = judged.result.section("he")
    assert section.metrics["auc_entailment"] == pytest.approx(0.69, abs=0.01)
    assert section.details["mean_score"]["contradiction"] > section.details["mean_score"]["neutral"]
    assert section.details["spearman_ceiling"] == pytest.approx(0.943, abs=0.001)
