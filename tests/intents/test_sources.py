"""Where utterances come from, and where a matcher is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simplugin.encoders import Encoder
from simplugin.errors import DataError, ModelError, ModelMismatchError
from simplugin.intents import IntentMatcher, Utterance
from simplugin.intents.utterances import read_utterances
from simplugin.records import Evidence, Hit, Stored
from simplugin_qdrant import open_store, register
from tests.hashing import HashEncoder
from tests.intents.test_fitting import rooms


def test_several_files_are_taught_together_with_languages_and_negatives(tmp_path: Path) -> None:
    (tmp_path / "en.jsonl").write_text('{"text": "pay my bill", "intent": "pay", "lang": "en"}\n', encoding="utf-8")
    (tmp_path / "tr.csv").write_text("text,intent\nfaturamı öde,pay\nne haber,oos\n", encoding="utf-8")
    (tmp_path / "no.txt").write_text("tell me a joke\n", encoding="utf-8")

    matcher = IntentMatcher.from_file(
        [tmp_path / "en.jsonl", tmp_path / "tr.csv"], HashEncoder(256), negatives=tmp_path / "no.txt"
    )

    assert matcher.utterances == (Utterance("pay my bill", "pay", "en"), Utterance("faturamı öde", "pay"))
    assert [each.text for each in matcher.negatives] == ["ne haber", "tell me a joke"]
    assert matcher.match("pay my bill").evidence[0]._replace(score=1.0) == Evidence("pay my bill", 1.0, "en")


def test_dictionaries_may_say_languages() -> None:
    matcher = IntentMatcher({"pay": {"en": ["pay my bill"], "tr-TR": ["faturamı öde"]}}, HashEncoder(256))

    assert [each.language for each in matcher.utterances] == ["en", "tr"]
    assert matcher.match("faturamı öde", language="tr").evidence[0].language == "tr"


def test_a_collection_is_followed_and_only_new_texts_are_encoded() -> None:
    class Counting(HashEncoder):
        asked: list[int]

        def encode_query(self, texts):  # type: ignore[no-untyped-def]
            listed = list(texts)
            self.asked = [*getattr(self, "asked", []), len(listed)]
            return super().encode_query(listed)

    encoder = Counting(256)
    with open_store(":memory:") as store:
        docs = register(store, "intents", encoder)
        docs.add(
            ["pay my bill", "i lost my bag", "a note"],
            ids=["a", "b", "c"],
            metadata=[{"intent": "pay", "lang": "en"}, {"intent": "lost"}, {}],
        )
        matcher = IntentMatcher.from_collection(docs)
        assert {each.text: (each.intent, each.language) for each in matcher.utterances} == {
            "pay my bill": ("pay", "en"),
            "i lost my bag": ("lost", None),
        }
        assert matcher.match("where is the garden").status == "out_of_scope"

        assert not matcher.reload()
        docs.add(["where is the garden"], ids=["d"], metadata=[{"intent": "garden"}])
        encoder.asked = []
        assert matcher.reload()

        assert encoder.asked == [1]
        assert matcher.match("where is the garden").intent == "garden"
        docs.delete(["a", "b", "d"])
        with pytest.raises(DataError, match="no intents"):
            matcher.reload()
        assert matcher.match("where is the garden").status == "match"  # it goes on by what was there


def test_a_collection_is_anything_with_a_model_and_texts() -> None:
    class Shelf:
        encoder = HashEncoder(256)

        def stored(self) -> Iterator[Stored]:
            yield Stored("1", "1", "pay my bill", metadata={"intent": "pay"})
            yield Stored("2", "2", "tell me a joke", metadata={"intent": "out_of_scope"})

    matcher = IntentMatcher.from_collection(Shelf())

    assert (matcher.intents, [each.text for each in matcher.negatives]) == (("pay",), ["tell me a joke"])
    with pytest.raises(ModelError, match="not made from a collection"):
        IntentMatcher(rooms(3), HashEncoder()).reload()


@pytest.mark.parametrize("count", [2, 6])
def test_what_is_loaded_answers_exactly_as_what_was_saved(tmp_path: Path, count: int) -> None:
    encoder = HashEncoder(256)
    matcher = IntentMatcher(rooms(count), encoder, negatives=["tell me a joke"])
    matcher.save(tmp_path / "j.json")
    asked = ["bus1 bus2", "penguins tell jokes", "coffee3", ""]

    loaded = IntentMatcher.load(tmp_path / "j.json", encoder)

    assert loaded.match(asked) == matcher.match(asked)
    assert (loaded.utterances, loaded.negatives) == (matcher.utterances, matcher.negatives)
    ours, theirs = matcher.knowledge["*"], loaded.knowledge["*"]
    assert (theirs.threshold, theirs.ambiguity) == (ours.threshold, ours.ambiguity)
    assert list(tmp_path.iterdir()) == [tmp_path / "j.json"]


def test_the_file_names_its_model_and_another_is_refused(tmp_path: Path, starter: Encoder) -> None:
    IntentMatcher(rooms(2), starter).save(tmp_path / "j.json")

    assert IntentMatcher.load(tmp_path / "j.json").knowledge["*"].encoder.card.name == starter.card.name
    with pytest.raises(ModelMismatchError, match=r"The file of intents .* was made with 'starter-3'.*fit the utter"):
        IntentMatcher.load(tmp_path / "j.json", HashEncoder(256))
    IntentMatcher(rooms(2), HashEncoder(64, seed=1)).save(tmp_path / "k.json")
    with pytest.raises(ModelMismatchError, match="cosine"):
        IntentMatcher.load(tmp_path / "k.json", HashEncoder(64, seed=2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "other"}, "holds no intents; they are written"),
        ({"version": 99}, "a newer simplugin"),
        ({"version": 1}, "an older simplugin; fit its utterances again"),
        ({"utterances": []}, "no intents"),
        ({"models": {}}, "it has no model"),
        ({"models": {"*": {"vectors": {"shape": [1, 64], "float32": "AAAA"}}}}, "can be read"),
        ({"models": {"*": {"learned": {"scoring": "magic"}}}}, "no scoring 'magic'"),
        ({"models": {"*": {"fingerprint": {}}}}, "can be read"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "j.json"
    IntentMatcher(rooms(2), HashEncoder(64)).save(path)
    values = json.loads(path.read_text(encoding="utf-8"))
    changed = (
        change | {"models": {"*": values["models"]["*"] | change["models"]["*"]}} if change.get("models") else change
    )
    path.write_text(json.dumps(values | changed), encoding="utf-8")

    with pytest.raises(DataError, match=message):
        IntentMatcher.load(path, HashEncoder(64))


def test_a_file_that_is_no_json_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "j.json").write_text("{", encoding="utf-8")

    with pytest.raises(DataError, match="no JSON"):
        IntentMatcher.load(tmp_path / "j.json", HashEncoder())
    with pytest.raises(DataError, match="cannot be read"):
        IntentMatcher.load(tmp_path / "k.json", HashEncoder())


class Preferring:
    """A reranker that prefers texts with a word."""

    def __init__(self, word: str, lead: float) -> None:
        self.word, self.lead = word, lead

    def rerank(self, query: str, hits: object, top_n: int | None = None) -> list[Hit]:
        listed = [str(each) for each in hits]  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType, reportUnknownArgumentType, reportAttributeAccessIssue]
        return [
            Hit(id=str(place), document_id="", score=self.lead if self.word in text else 0.0, text=text)
            for place, text in enumerate(listed)
        ]


@pytest.mark.parametrize(("word", "intent"), [("car", "drive"), ("boat", "sail")])
async def test_a_reranker_decides_close_calls(word: str, intent: str) -> None:
    utterances = {"drive": ["red thing car"], "sail": ["red thing boat"]}
    sure = IntentMatcher(utterances, HashEncoder(256), reranker=Preferring(word, 0.8))
    unsure = IntentMatcher(utterances, HashEncoder(256), reranker=Preferring(word, 0.05))

    assert IntentMatcher(utterances, HashEncoder(256)).match("red thing").status == "ambiguous"
    match = sure.match("red thing")
    assert (match.status, match.intent) == ("match", intent)
    assert match.evidence[0].text == utterances[intent][0]
    assert len(match.alternatives) == 1
    assert await sure.amatch("red thing") == match
    assert (unsure.match("red thing").status, unsure.match("red thing").intent) == ("ambiguous", intent)


def test_a_file_that_names_a_server_asks_it_only_where_its_user_names_it_too(tmp_path: Path, starter: Encoder) -> None:
    IntentMatcher(rooms(2), starter).save(tmp_path / "j.json")
    values = json.loads((tmp_path / "j.json").read_text(encoding="utf-8"))
    values["models"]["*"]["fingerprint"]["card"]["id"] = "http://127.0.0.1:9"
    (tmp_path / "j.json").write_text(json.dumps(values), encoding="utf-8")

    with pytest.raises(DataError, match=r"name it to open it: 'http://127\.0\.0\.1:9'"):
        IntentMatcher.load(tmp_path / "j.json")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"kind": "simplugin intents", "version": 1e999}'])
def test_a_file_that_no_matcher_wrote_is_refused_however_it_fails(tmp_path: Path, text: str) -> None:
    (tmp_path / "j.json").write_text(text)

    with pytest.raises(DataError):
        IntentMatcher.load(tmp_path / "j.json", HashEncoder())


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("models", "*", "learned", "confidence", "weights"), [1.0], "its confidence has 1 weights"),
        (("models", "*", "learned", "threshold"), 1e308, "is no score"),
        (("threshold",), float("nan"), "is no score"),
        (("models", "*", "vectors", "shape"), [float("inf"), 8], "cannot convert float infinity"),
    ],
)
def test_numbers_that_do_not_belong_there_are_refused(
    tmp_path: Path, place: tuple[str, ...], value: object, said: str
) -> None:
    IntentMatcher(rooms(6), HashEncoder(8)).fit().save(tmp_path / "j.json")
    values = json.loads((tmp_path / "j.json").read_text(encoding="utf-8"))
    inner = values
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    (tmp_path / "j.json").write_text(json.dumps(values))

    with pytest.raises(DataError, match=said):
        IntentMatcher.load(tmp_path / "j.json", HashEncoder(8))


def test_brackets_without_an_end_take_no_time(tmp_path: Path) -> None:
    (tmp_path / "i.yml").write_text("nlu:\n- intent: a\n  examples: |\n    - " + "[a](" * 50_000 + "\n")
    started = time.process_time()

    assert read_utterances(tmp_path / "i.yml").utterances
    assert time.process_time() - started < 4
