"""Evaluating retrieval: laws of scorers whose quality is known, stages over real stores, and trec_eval's figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from ir_measures import RR, Judged, R, Success, nDCG

from simplugin.encoders import Encoder
from simplugin.errors import DataError, ModelError
from simplugin.evaluation import Evaluation, Section, evaluate_retrieval, read_retrieval
from simplugin.evaluation.datasets.retrieval import RetrievalSet
from simplugin.evaluation.metrics.auc import auc
from simplugin.evaluation.result import Part
from simplugin.evaluation.retrieval import METRICS, resampled
from simplugin.measures import FloatArray, unit_rows
from simplugin.records import Hit
from simplugin.reranking import SimilarityReranker, load_reranker
from simplugin.routing import load_router
from simplugin_qdrant import collection_searches, open_store, register, stage_searches
from tests.evaluation.trec import read_qrels, read_run
from tests.hashing import HashEncoder
from tests.reranking.checkpoints import pair_folder

COUNT = 240
DIMENSION = 64


class Scorer(HashEncoder):
    """An encoder whose cosine of query i and document i is what it is told; any other pair is close to 0."""

    def __init__(self, cosines: Sequence[float]) -> None:
        super().__init__(dimension=2 * len(cosines))
        self.cosines = cosines

    def encode_query(self, texts: Iterable[str]) -> FloatArray:
        return np.stack([self._unit(text) for text in texts])

    def encode_document(self, texts: Iterable[str]) -> FloatArray:
        return np.stack([self._unit(text) for text in texts])

    def _unit(self, text: str) -> FloatArray:
        vector = np.zeros(self.dimension, dtype=np.float32)
        side, number = text[0], int(text[1:]) if text[1:].isdigit() else 0
        if side == "q":
            vector[2 * number] = 1
        else:
            cosine = self.cosines[number]
            vector[2 * number : 2 * number + 2] = cosine, (1 - cosine**2) ** 0.5
        return vector


def graded(labels: Sequence[float], name: str = "sts") -> RetrievalSet:
    ids = [str(number) for number in range(len(labels))]
    return RetrievalSet(
        name,
        None,
        {id_: f"d{id_}" for id_ in ids},
        {id_: f"q{id_}" for id_ in ids},
        {id_: {id_: label} for id_, label in zip(ids, labels, strict=True)},
        graded=True,
    )


def ordinary(given: RetrievalSet) -> RetrievalSet:
    judgements = {query: dict.fromkeys(each, 1.0) for query, each in given.judgements.items()}
    return replace(given, judgements=judgements, graded=False)


@pytest.fixture
def labels() -> list[float]:
    return [round(float(label), 1) for label in np.random.default_rng(0).uniform(0, 5, COUNT)]


def figures(model: Encoder, data: RetrievalSet, **options: object) -> Section:
    (section,) = evaluate_retrieval(model, data, resamples=200, **options).result.sections  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return section


def test_a_perfect_scorer_gets_one(labels: list[float]) -> None:
    found = figures(Scorer([label / 5 for label in labels]), graded(labels), dev=graded(labels[::-1], "dev"))

    assert tuple(found.metrics) == METRICS
    assert found.metrics["nDCG@10"] is None, "on STS labels it would mislead"
    for metric in ("AUC", "RR@10", "R@1", "R@10"):
        assert found.metrics[metric] == 1
        assert found.ci95[metric] == (1, 1)
    assert found.counts == {"queries": COUNT, "documents": COUNT}


def test_a_perfect_scorer_selects_perfectly(labels: list[float]) -> None:
    """The dev labels are those of the scorer there too."""
    clear = [label for label in labels if label >= 3 or label < 2]
    model = Scorer([label / 5 for label in clear])
    folds = figures(model, graded(clear))

    assert folds.metrics["selective@10"] == 1
    assert folds.details["threshold_from"] == "folds"
    assert 0.4 < folds.details["threshold"] < 0.6
    assert folds.details["answerable"] + folds.details["unanswerable"] == len(clear)


def test_a_perfect_scorer_gets_one_on_other_sets_too(labels: list[float]) -> None:
    found = figures(Scorer([0.9] * COUNT), ordinary(graded(labels)))

    assert {metric: found.metrics[metric] for metric in ("RR@10", "R@1", "R@10", "nDCG@10")} == {
        "RR@10": 1,
        "R@1": 1,
        "R@10": 1,
        "nDCG@10": 1,
    }
    assert found.metrics["selective@10"] is None
    assert found.metrics["AUC"] is None
    assert found.details["threshold"] is None


def test_a_random_scorer_gets_about_nothing_and_half_where_it_may_keep_silent(labels: list[float]) -> None:
    class Random(HashEncoder):
        def _encode(self, texts: Sequence[str]) -> FloatArray:
            return unit_rows(np.stack([self._direction(text) for text in texts]))

    found = figures(Random(), graded(labels))
    other = figures(Random(), ordinary(graded(labels)))

    assert found.metrics["selective@10"] == pytest.approx(0.5, abs=0.06)
    assert found.metrics["AUC"] == pytest.approx(0.5, abs=0.1)
    low, high = found.ci95["AUC"]
    assert low < 0.5 < high
    for metric in ("RR@10", "R@1", "R@10"):
        assert found.metrics[metric] == pytest.approx(0, abs=0.08)
    assert other.metrics["nDCG@10"] == pytest.approx(0, abs=0.08)


def test_an_inverted_scorer_is_at_the_bottom_and_named(labels: list[float]) -> None:
    found = figures(Scorer([-label / 5 for label in labels]), graded(labels))

    assert found.metrics["AUC"] == 0
    assert found.metrics["RR@10"] == found.metrics["R@10"] == 0
    assert found.metrics["selective@10"] == 0.5, "it never answers, so it is silent where it ought to be"
    assert "inverted_polarity" in {finding.code for finding in found.warnings}


def test_one_that_gives_all_the_same_score_finds_nothing(labels: list[float]) -> None:
    class Constant(HashEncoder):
        def _encode(self, texts: Sequence[str]) -> FloatArray:
            return unit_rows(np.ones((len(texts), self.dimension)))

    found = figures(Constant(), graded(labels))
    assert found.metrics["RR@10"] == found.metrics["R@10"] == 0, "the worst of equal orders counts"
    assert found.metrics["AUC"] == 0.5


def test_few_judged_are_told_as_a_lower_bound(labels: list[float]) -> None:
    (finding,) = figures(Scorer([label / 5 for label in labels]), graded(labels)).warnings
    assert (finding.code, finding.severity) == ("few_judged", "note")
    assert "lower bound" in finding.message


def test_a_threshold_fitted_on_what_is_scored_is_named(labels: list[float]) -> None:
    model = Scorer([label / 5 for label in labels])
    same = figures(model, graded(labels), dev=graded(labels))
    by_code = {finding.code: finding for finding in same.warnings}
    assert by_code["threshold_tuned_on_test"].severity == "error"
    assert by_code["threshold_tuned_on_test"].evidence == {"shared": COUNT, "queries": COUNT}

    other = graded(labels[:20])
    asked_otherwise = replace(other, queries={id_: f"{text}0" for id_, text in other.queries.items() if id_ != "9"})
    kept = {id_: each for id_, each in asked_otherwise.judgements.items() if id_ != "9"}
    apart = replace(asked_otherwise, queries={id_: f"q{int(id_) + 300}" for id_ in kept}, judgements=kept)
    larger = Scorer([label / 5 for label in labels] + [0.0] * 100)
    assert "threshold_tuned_on_test" not in {one.code for one in figures(larger, graded(labels), dev=apart).warnings}


def test_resampling_is_that_of_the_items_read_again(labels: list[float], tmp_path: Path) -> None:
    model = HashEncoder()
    evaluation = evaluate_retrieval(model, graded(labels), resamples=100)
    evaluation.save(tmp_path / "result.json")
    again = Evaluation.load(tmp_path / "result.json")

    (section,) = again.result.sections
    items = again.pooled(section)
    names = [metric for metric, value in section.metrics.items() if value is not None and metric != "AUC"]
    once = resampled(items, np.ones((1, len(items))), names)

    assert {metric: values[0] for metric, values in once.items()} == pytest.approx(
        {metric: section.metrics[metric] for metric in names}
    )
    assert isinstance(items, Part)
    with pytest.raises(KeyError):
        resampled(items, np.ones((1, len(items))), ["AUC"])


def topics(count: int, *, language: str = "", seed: int = 0) -> RetrievalSet:
    """Return queries of three words, a document with two of them and more, and labels by whether it is theirs."""
    random = np.random.default_rng(seed)
    ids = [str(number) for number in range(count)]
    words = {id_: [f"w{id_}x{place}{language}" for place in range(6)] for id_ in ids}
    labels = {id_: float(random.choice([0.5, 4.5])) for id_ in ids}
    documents = {
        id_: " ".join((words[id_] if labels[id_] > 3 else words[ids[-1 - int(id_)]])[:5]) + f" t{id_}" for id_ in ids
    }
    queries = {id_: " ".join(words[id_][:3]) for id_ in ids}
    return RetrievalSet(
        "topics", language or None, documents, queries, {id_: {id_: labels[id_]} for id_ in ids}, graded=True
    )


@pytest.mark.parametrize("location", ["edge", ":memory:"])
def test_every_stage_runs_in_a_real_store_and_tells_its_loss(tmp_path: Path, location: str) -> None:
    data = topics(60)
    with open_store(tmp_path if location == "edge" else location) as store:
        searches = stage_searches(store, reranker=SimilarityReranker(HashEncoder(256, seed=1)))
        evaluation = evaluate_retrieval(HashEncoder(), data, searches=searches, resamples=50)
        assert store.names() == [], "what was made for it is gone"

    by_stage = {section.stage: section for section in evaluation.result.sections}
    assert list(by_stage) == ["exact", "index", "quantized", "rerank"]
    assert by_stage["index"].metrics == pytest.approx(by_stage["exact"].metrics), "sixty vectors need no index"
    assert by_stage["index"].details["threshold"] == pytest.approx(by_stage["exact"].details["threshold"])
    assert [by_stage[stage].details.get("against") for stage in by_stage] == [None, "exact", "exact", "quantized"]
    for stage in ("index", "quantized", "rerank"):
        details = by_stage[stage].details
        assert set(details["loss"]) == {"selective@10", "RR@10", "R@1", "R@10"}
        for metric, lost in details["loss"].items():
            was, now = (by_stage[each].metrics[metric] for each in (details["against"], stage))
            assert was is not None
            assert now is not None
            assert lost == pytest.approx(was - now)
        assert 0 < details["overlap@10"] <= 1
    assert by_stage["rerank"].details["threshold"] != by_stage["exact"].details["threshold"], "in its own units"
    assert {part.stage for part in evaluation.parts} == set(by_stage)


def test_a_hybrid_index_has_a_threshold_of_its_own_scores() -> None:
    with open_store(":memory:") as store:
        searches = stage_searches(store, ("index",), mode="hybrid")
        (found,) = evaluate_retrieval(
            HashEncoder(), topics(60), dev=topics(30, seed=3), searches=searches, exact_search=False, resamples=0
        ).result.sections

    assert found.details["threshold_from"] == "folds", "a dev set says nothing of scores that depend on the collection"
    assert found.details["threshold"] > 1
    assert found.metrics["AUC"] is None
    assert found.metrics["selective@10"] is not None


def test_a_collection_of_chunks_is_judged_by_the_texts_of_the_documents() -> None:
    data = topics(40)
    with open_store(":memory:") as store:
        docs = register(store, "own", HashEncoder(), mode="dense")
        texts = list(data.documents.values())
        pieces = [text.rsplit(" ", 1)[0] for text in texts[:10]]
        docs.add([*pieces, *(f"  {text.replace(' ', '   ')} " for text in texts[10:]), "something else"])
        searches = collection_searches(docs)
        (found,) = evaluate_retrieval(
            HashEncoder(), data, searches=searches, exact_search=False, resamples=0
        ).result.sections
        (whole,) = evaluate_retrieval(HashEncoder(), data, resamples=0).result.sections

    assert (found.section, found.stage) == ("topics", "index")
    assert found.counts == {"queries": 40, "documents": 41}
    assert found.details["missing"] == 0
    assert found.metrics["R@10"] == whole.metrics["R@10"] == 1


def test_a_collection_that_lacks_most_documents_is_refused() -> None:
    data = topics(40)
    with open_store(":memory:") as store:
        docs = register(store, "own", HashEncoder(), mode="dense")
        docs.add(list(data.documents.values())[:25])
        searches = collection_searches(docs)
        (found,) = evaluate_retrieval(
            HashEncoder(), data, searches=searches, exact_search=False, resamples=0
        ).result.sections
        assert found.details["missing"] == 15

        docs.delete([hit.document_id for hit in docs.search("t0", limit=25)][:10])
        with pytest.raises(DataError, match=r"Of the 40 documents .* 25 are not in collection 'own'"):
            evaluate_retrieval(HashEncoder(), data, searches=searches, exact_search=False)


def test_ids_count_only_where_they_are_those_of_the_file() -> None:
    data = topics(40)
    with open_store(":memory:") as store:
        docs = register(store, "own", HashEncoder(), mode="dense")
        docs.add([f"another text {id_}" for id_ in data.documents], ids=data.documents)
        with pytest.raises(DataError, match="40 are not in"):
            evaluate_retrieval(HashEncoder(), data, searches=collection_searches(docs), exact_search=False)
        named = replace(data, named=True)
        (found,) = evaluate_retrieval(
            HashEncoder(), named, searches=collection_searches(docs), exact_search=False, resamples=0
        ).result.sections
        assert found.details["missing"] == 0


def test_a_reranker_of_any_kind_has_its_own_scores() -> None:
    class ByLength:
        def rerank(self, query: str, hits: Sequence[Hit | str], top_n: int | None = None) -> list[Hit]:
            given = [hit if isinstance(hit, Hit) else Hit("0", "0", 0.0, hit) for hit in hits]
            scored = [replace(hit, score=float(len(hit.text))) for hit in given]
            return sorted(scored, key=lambda hit: -hit.score)[:top_n]

    with open_store(":memory:") as store:
        searches = stage_searches(store, ("index",), reranker=ByLength())
        sections = evaluate_retrieval(HashEncoder(), topics(40), searches=searches, resamples=0).result.sections

    assert [section.stage for section in sections] == ["exact", "index", "rerank"]
    assert sections[2].details["threshold"] > 1


@pytest.mark.model
def test_a_pair_model_orders_the_hits_and_is_judged_by_its_own_scores(tmp_path: Path) -> None:
    data = topics(30)
    pairs = load_reranker(pair_folder(tmp_path, columns=1))
    with open_store(":memory:") as store:
        searches = stage_searches(store, ("index",), reranker=pairs)
        sections = evaluate_retrieval(HashEncoder(), data, searches=searches, resamples=0).result.sections

    owners = [(query, document) for query, labels in data.judgements.items() for document in labels]
    scores = pairs.score([(data.queries[query], data.documents[document]) for query, document in owners])
    alike = [data.judgements[query][document] >= 3 for query, document in owners]
    assert sections[-1].metrics["AUC"] == pytest.approx(auc(scores, alike))
    assert sections[-1].metrics["AUC"] != sections[0].metrics["AUC"]


def test_a_routed_collection_is_judged_as_it_answers() -> None:
    router = load_router({"tr": HashEncoder(seed=1), "*": HashEncoder()})
    data = topics(30)
    with open_store(":memory:") as store:
        docs = register(store, "routed", router, mode="dense")
        docs.add(data.documents.values())
        (found,) = evaluate_retrieval(
            docs.encoder, data, searches=collection_searches(docs), exact_search=False, resamples=0
        ).result.sections

    assert found.details["threshold_from"] == "folds"
    assert found.metrics["AUC"] is None, "its scores are of several models"
    assert found.metrics["R@10"] == 1


def test_collections_are_taken_away_also_where_asking_fails() -> None:
    class Broken:
        def rerank(self, query: str, hits: Sequence[Hit | str], top_n: int | None = None) -> list[Hit]:
            raise ModelError("The model broke.")

    with open_store(":memory:") as store:
        with pytest.raises(ModelError, match="broke"):
            evaluate_retrieval(HashEncoder(), topics(9), searches=stage_searches(store, reranker=Broken()), resamples=0)
        assert store.names() == []


def test_across_languages_each_direction_is_a_section(starter: Encoder, data: Path) -> None:
    sets = {language: data / "retrieval" / f"xquad-{language}.json" for language in ("en", "tr")}
    evaluation = evaluate_retrieval(starter, sets, cross=True, resamples=0)

    assert [section.section for section in evaluation.result.sections] == ["en", "tr", "en-tr", "tr-en"]
    assert evaluation.result.main == "nDCG@10"
    english, _, crossed, _ = evaluation.result.sections
    assert english.counts == {"queries": 1187, "documents": 240}, "a few of 1190 questions are there twice"
    assert 0.3 < crossed.metrics["nDCG@10"] < english.metrics["nDCG@10"]  # type: ignore[operator]
    assert evaluation.parts[0].texts["query"]
    assert not evaluation.parts[2].texts, "crossings leave the words to their languages"


@pytest.mark.parametrize("name", ["stsb/stsb-tr-test.csv", "retrieval/heq-val-he.json"])
def test_figures_are_those_of_trec_eval_on_real_data(starter: Encoder, data: Path, tmp_path: Path, name: str) -> None:
    asked = read_retrieval(data / name, language="xx")
    (section,) = evaluate_retrieval(starter, asked, trec=tmp_path, resamples=0).result.sections
    level = 60 if asked.graded else 1  # its labels are whole numbers: 3 of 5 is 60
    qrels = read_qrels(tmp_path / "xx.qrels")
    with_answers = {qrel.query_id for qrel in qrels if qrel.relevance >= level}
    kept = [qrel for qrel in qrels if qrel.query_id in with_answers]
    found = read_run(tmp_path / "xx.exact.run")

    measures = {
        "RR@10": RR(rel=level) @ 10,
        "R@1": R(rel=level) @ 1,
        "R@10": R(rel=level) @ 10,
        "Success@1": Success(rel=level) @ 1,
        "Success@10": Success(rel=level) @ 10,
    }
    if not asked.graded:
        measures["nDCG@10"] = nDCG @ 10
    theirs = ir_measures.calc_aggregate(list(measures.values()), kept, found)
    ours = section.metrics | section.details

    assert {metric: ours[metric] for metric in measures} == pytest.approx(
        {metric: theirs[measure] for metric, measure in measures.items()}
    )
    assert len(with_answers) == section.details["known_items"]
    if asked.graded:
        everything = ir_measures.calc_aggregate([Judged @ 10], qrels, found)
        assert section.metrics["Judged@10"] == pytest.approx(everything[Judged @ 10])


def test_sets_that_do_not_go_together_are_refused() -> None:
    one = topics(5, language="en")
    with pytest.raises(DataError, match="each kind by itself"):
        evaluate_retrieval(HashEncoder(), [one, ordinary(one)])
    with pytest.raises(DataError, match="only the labels of STS files"):
        evaluate_retrieval(HashEncoder(), ordinary(one), dev=one)
    with pytest.raises(DataError, match="The dev set 'topics' is in 'tr'"):
        evaluate_retrieval(HashEncoder(), one, dev=topics(5, language="tr"))
    with pytest.raises(DataError, match="of two or more languages"):
        evaluate_retrieval(HashEncoder(), one, cross=True)
    with pytest.raises(DataError, match="nothing to judge"):
        evaluate_retrieval(HashEncoder(), [])
    with pytest.raises(ModelError, match="no encoder"):
        evaluate_retrieval(SimilarityReranker(HashEncoder()), one)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
