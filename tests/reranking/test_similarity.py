from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.records import Hit
from simplugin.reranking import SimilarityReranker
from tests.hashing import HashEncoder
from tests.reranking.rules import rule_reranker

sentences = st.lists(st.text("abc ", min_size=1, max_size=12), max_size=12)


def test_the_closest_comes_first_and_everything_but_the_score_stays() -> None:
    far = Hit("1", "a", 0.9, "the sea", source="s", metadata={"n": 1}, probability=0.8, grade=4.0)
    near = Hit("2", "b", 0.1, "a red car", source="t", metadata={"n": 2})

    best, other = SimilarityReranker(HashEncoder(256)).rerank("a red car", [far, near])

    assert (best.id, best.document_id, best.source, best.metadata) == ("2", "b", "t", {"n": 2})
    assert best.score == pytest.approx(1.0, abs=1e-5)
    assert (other.id, other.probability, other.grade) == ("1", None, None)
    assert (far.score, near.score) == (0.9, 0.1)


@given(sentences, st.integers(1, 15))
def test_reranking_keeps_what_it_was_given_and_only_orders_it(texts: list[str], top: int) -> None:
    reranker = SimilarityReranker(HashEncoder())

    everything, some = reranker.rerank("a b", texts), reranker.rerank("a b", texts, top_n=top)

    assert sorted(hit.text for hit in everything) == sorted(texts)
    assert [hit.score for hit in everything] == sorted((hit.score for hit in everything), reverse=True)
    assert some == everything[:top]
    assert all(texts[int(hit.id)] == hit.text for hit in everything)


def test_equal_scores_keep_their_order() -> None:
    hits = SimilarityReranker(HashEncoder()).rerank("x", ["same", "same", "same"])

    assert [hit.id for hit in hits] == ["0", "1", "2"]


def test_a_top_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        SimilarityReranker(HashEncoder()).rerank("x", ["a"], top_n=0)


@pytest.mark.parametrize(
    ("query", "hits", "said"),
    [
        (None, ["a"], "A query is a text; got a NoneType"),
        ("x", "a cat", r"got the single text 'a cat': write \[text\]"),
        ("x", {"a": "cat"}, "list of hits or texts, got a dict"),
        ("x", ["a", None], "Candidate 1 is a NoneType"),
    ],
)
def test_what_is_no_query_and_no_list_of_texts_is_refused(query: Any, hits: Any, said: str, tmp_path: Path) -> None:
    pair = rule_reranker(tmp_path, ("entailment",), {"a": (1.0,)})
    for reranker in (SimilarityReranker(HashEncoder()), pair):
        with pytest.raises(TypeError, match=said):
            reranker.rerank(query, hits)
