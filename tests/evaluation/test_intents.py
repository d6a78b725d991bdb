from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from simplugin.encoders import Encoder
from simplugin.errors import DataError, ModelError, NotAnEmbedderError
from simplugin.evaluation import evaluate_intents
from simplugin.evaluation import intents as task
from simplugin.evaluation.findings import Finding
from simplugin.evaluation.matching import FOLDS, plan_matching
from simplugin.intents.utterances import Utterance, Utterances
from tests.evaluation.opposites import OppositeEncoder, turned
from tests.hashing import HashEncoder
from tests.intents.test_fitting import rooms
from tests.reranking.rules import rule_reranker

INTENTS = ("bus", "coffee", "library")


def said(
    count: int, *, start: int = 0, name: str = "set", language: str | None = None, more: Sequence[Utterance] = ()
) -> Utterances:
    """Return utterances in which the words of an intent, and one of their own, are said."""
    numbers = range(start, start + count)
    own = tuple(
        Utterance(" ".join(f"{intent}{place}" for place in range(5)) + f" {intent}own{number}", intent)
        for number in numbers
        for intent in INTENTS
    )
    return Utterances(name, language, (*own, *more))


def foreign(count: int, language: str | None = None) -> Utterances:
    utterances = tuple(Utterance(f"strange{number} words{number} here{number}", None) for number in range(count))
    return Utterances("foreign", language, utterances)


def changed(data: Utterances, texts: Sequence[str]) -> Utterances:
    utterances = (Utterance(text, each.intent) for text, each in zip(texts, data.utterances, strict=True))
    return Utterances(data.name, data.language, tuple(utterances))


def test_a_perfect_scorer_gets_one() -> None:
    judged = evaluate_intents(
        HashEncoder(256), [said(8)], train=[said(4, start=50)], out_of_scope=[foreign(20)], resamples=200
    )

    section = judged.result.section("set")
    assert section.metrics == dict.fromkeys(task.METRICS, 1.0) | {"ambiguous": 0.0}
    assert section.ci95["accuracy"] == section.ci95["auc_out_of_scope"] == (1.0, 1.0)
    assert section.counts == {"utterances": 44, "out_of_scope": 20, "intents": 3, "untaught": 0}
    assert section.details["confused"] == []
    assert section.warnings == ()


def test_utterances_that_are_examples_or_mean_what_is_not_taught_are_told() -> None:
    data = said(8, more=[Utterance("what is this", "unknown"), Utterance("and this", "unknown")])

    def judge(train: Utterances) -> list[Finding]:
        section = evaluate_intents(HashEncoder(256), [data], train=[train], resamples=0).result.section("set")
        return list(section.warnings)

    untaught, same = judge(said(8))
    (alone,) = judge(said(4, start=50))
    _, some = judge(said(3, start=5))

    assert untaught == alone
    assert (alone.code, alone.severity, alone.evidence) == ("untaught", "warning", {"intents": ["unknown"]})
    assert "2 of the 26 utterances" in alone.message
    assert (same.code, same.severity, same.evidence) == ("learned_from", "error", {"utterances": 24})
    assert (some.code, some.severity, some.evidence) == ("learned_from", "warning", {"utterances": 9})


def test_a_shuffled_one_is_near_chance() -> None:
    data = said(100)
    texts = np.random.default_rng(0).permutation([each.text for each in data.utterances]).tolist()

    section = evaluate_intents(
        HashEncoder(256), [changed(data, texts)], train=[said(4, start=500)], resamples=200
    ).result.section("set")

    assert section.metrics["accuracy"] == pytest.approx(1 / 3, abs=0.08)
    assert section.metrics["auc_intent"] == pytest.approx(0.5, abs=0.08)
    assert section.warnings == ()


def test_an_inverted_one_gets_the_worst_and_is_named() -> None:
    data = said(20)
    opposite = changed(data, [turned(each.text) for each in data.utterances])
    # What is out of scope has an example's words, and what is in scope their opposites.
    known = Utterances("known", None, tuple(Utterance(f"{each.text} too", None) for each in data.utterances))

    section = evaluate_intents(
        OppositeEncoder(256), [opposite], train=[said(4, start=50)], out_of_scope=[known], resamples=200
    ).result.section("set")

    assert section.metrics["accuracy"] == section.metrics["auc_intent"] == section.metrics["auc_out_of_scope"] == 0
    assert section.metrics["in_scope_accepted"] == section.metrics["out_of_scope_refused"] == 0
    assert [found.code for found in section.warnings] == ["inverted_polarity"] * 2
    assert [next(iter(found.evidence)) for found in section.warnings] == ["auc_intent", "auc_out_of_scope"]


def test_confusions_are_counted_most_frequent_first() -> None:
    words = {"bus": "bus0 bus1", "coffee": "coffee0 coffee1", "library": "library0 library1"}
    rows = [("bus", "coffee"), ("bus", "coffee"), ("coffee", "library"), ("bus", "bus"), ("library", "library")]
    data = Utterances(
        "set", None, tuple(Utterance(f"{words[taken]} x{n}", true) for n, (true, taken) in enumerate(rows))
    )
    train = Utterances("train", None, tuple(Utterance(text, intent) for intent, text in words.items()))

    section = evaluate_intents(HashEncoder(512), [data], train=[train], resamples=0).result.section("set")

    assert section.details["confused"] == [
        {"intent": "bus", "matched": "coffee", "utterances": 2},
        {"intent": "coffee", "matched": "library", "utterances": 1},
    ]
    assert section.metrics["accuracy"] == 2 / 5
    # bus: 1 of 1 told, of 3; coffee: 0 of 2 told, of 1; library: 1 of 2 told, of 1.
    assert section.metrics["macro_f1"] == pytest.approx((2 / 4 + 0 + 2 / 3) / 3)


def test_without_examples_the_other_folds_are_them() -> None:
    own = tuple(Utterance(f"lonely{number} word{number}", f"lonely{number}") for number in range(2))

    judged = evaluate_intents(HashEncoder(256), [said(10, more=own)], resamples=0)

    section = judged.result.section("set")
    # The two intents with one utterance have no example in other folds, and cannot be matched.
    assert section.counts["untaught"] == 2
    assert section.metrics["accuracy"] == 30 / 32
    assert judged.result.settings["folds"] == FOLDS
    assert section.metrics["auc_out_of_scope"] is section.metrics["out_of_scope_refused"] is None


def test_an_utterance_is_never_matched_to_itself() -> None:
    unlike = Utterances("set", None, tuple(Utterance(f"a{n} b{n}", INTENTS[n % 3]) for n in range(30)))
    twice = Utterances("set", None, unlike.utterances * 2)

    for data in (unlike, twice):
        judged = evaluate_intents(HashEncoder(256), [data], resamples=0)
        assert judged.parts[0].numbers["score"].max() < 0.5


def test_folds_hold_each_intent_evenly_and_follow_the_seed() -> None:
    data = said(2 * FOLDS)

    one, same, other = (plan_matching("set", data, (), (), seed) for seed in (1, 1, 2))

    for turn in one.turns:
        assert sorted(one.utterances[place].intent or "" for place in turn.places) == sorted(INTENTS * 2)
        assert {intent: len(texts) for intent, texts in turn.examples.items()} == dict.fromkeys(INTENTS, 8)
    assert sorted(place for turn in one.turns for place in turn.places) == list(range(len(data.utterances)))
    assert one.turns == same.turns
    assert one.turns != other.turns


def test_sections_are_named_by_the_language_and_by_that_of_the_examples() -> None:
    sets = [said(3, name="a", language="tr"), said(3, name="b", language="en")]
    train = [said(3, start=50, name="t", language="en")]

    across = evaluate_intents(HashEncoder(256), sets, train=train, resamples=0)
    folded = evaluate_intents(HashEncoder(256), sets, resamples=0)

    assert [each.section for each in across.result.sections] == ["en-tr", "en", "all"]
    assert [each.section for each in folded.result.sections] == ["tr", "en", "all"]
    assert across.result.section("all").counts["utterances"] == 18
    assert [record.name for record in across.result.data] == ["a", "b", "t"]


def test_what_is_out_of_scope_is_for_the_data_of_its_language() -> None:
    sets = [said(3, name="a", language="tr"), said(3, name="b", language="en")]

    judged = evaluate_intents(HashEncoder(256), sets, out_of_scope=[foreign(5, "tr")], resamples=0)

    counts = {each.section: each.counts["out_of_scope"] for each in judged.result.sections}
    assert counts == {"tr": 5, "en": 0, "all": 5}
    with pytest.raises(DataError, match="out of scope in 'de', and the data is in 'en', 'tr'"):
        evaluate_intents(HashEncoder(256), sets, out_of_scope=[foreign(5, "de")])


def test_examples_of_what_means_none_teach_the_matcher_that_is_judged() -> None:
    taught = tuple(Utterance(text, intent) for intent, texts in rooms(6).items() for text in texts)
    near, negatives = (
        tuple(Utterance(f"bus{number % 6} bus {word}{number} {word}", None) for number in range(60))
        for word in ("odd", "strange")
    )
    asked = (Utterance("bus1 bus2 bus3 bus", "bus"), *near)

    without, told = (
        evaluate_intents(
            HashEncoder(256), [Utterances("asked", None, asked)], train=[Utterances("taught", None, train)], resamples=0
        )
        for train in (taught, (*taught, *negatives))
    )

    refused = [judged.result.section("all").metrics["out_of_scope_refused"] for judged in (without, told)]
    assert refused[0] is not None
    assert refused[1] is not None
    assert refused[1] > refused[0]


def test_a_file_in_several_languages_has_a_section_for_each(tmp_path: Path) -> None:
    rows = ["text,intent,lang"]
    rows += [
        f"{intent}{lang} {intent}{lang}{n},{intent},{lang}"
        for lang in ("tr", "he")
        for intent in "abc"
        for n in range(3)
    ]
    (tmp_path / "bank.csv").write_text("\n".join([*rows, "strange words,none,"]), encoding="utf-8")

    judged = evaluate_intents(HashEncoder(256), tmp_path / "bank.csv", resamples=0)

    counts = {each.section: each.counts["utterances"] for each in judged.result.sections}
    assert counts == {"tr": 9, "he": 9, "bank": 1, "all": 19}
    assert judged.result.section("tr").metrics["accuracy"] == 1.0
    assert judged.result.section("bank").metrics["accuracy"] is None
    assert sorted(judged.parts[0].texts["text"])[0] == "atr atr0"


def test_draws_are_weighed_items_and_undefined_ones_are_nan() -> None:
    judged = evaluate_intents(HashEncoder(8), [said(8)], resamples=0)
    (part,) = judged.parts

    found = task.resampled(part, np.full((2, len(part)), 3.0), task.METRICS)

    for metric, value in judged.result.section("set").metrics.items():
        np.testing.assert_allclose(found[metric], np.nan if value is None else value)


def test_what_cannot_be_judged_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="all are out of scope"):
        evaluate_intents(HashEncoder(), [foreign(3)])
    with pytest.raises(DataError, match="No example has an intent"):
        evaluate_intents(HashEncoder(), [said(2)], train=[foreign(3)])
    with pytest.raises(DataError, match="too few utterances"):
        evaluate_intents(HashEncoder(), [Utterances("set", None, (Utterance("a", "b"),))])
    with pytest.raises(NotAnEmbedderError, match="rule"):
        evaluate_intents(rule_reranker(tmp_path, ["similar"], {"a": [1.0]}), [said(2)])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ModelError, match="object is no encoder"):
        evaluate_intents(object(), [said(2)])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_the_starter_matches_turkish_by_english_examples(data: Path, starter: Encoder) -> None:
    folder = data / "intents"

    judged = evaluate_intents(
        starter,
        {"tr": folder / "xsid-tr.jsonl"},
        train={"en": folder / "xsid-en.jsonl"},
        out_of_scope=folder / "clinc150-oos_val.jsonl",
        resamples=100,
    )

    section = judged.result.section("en-tr")
    assert section.metrics["accuracy"] == pytest.approx(0.96, abs=0.01)
    assert section.counts["out_of_scope"] == 100
    assert section.metrics["auc_out_of_scope"] == pytest.approx(0.94, abs=0.02)
