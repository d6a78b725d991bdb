from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document as LangChainDocument

from simplugin.ingestion.report import Failure
from simplugin.ingestion.sources.loaders import as_documents, is_loader
from simplugin.records import Document


class Colour(str, Enum):  # noqa: UP042  # metadata made before Python 3.11 looks like this
    RED = "red"


class Loader(BaseLoader):
    def __init__(self, *documents: LangChainDocument) -> None:
        self._documents = documents
        self.loaded = 0

    def lazy_load(self) -> Iterator[LangChainDocument]:
        for document in self._documents:
            self.loaded += 1
            yield document


def page(text: str = "text", id: str | None = None, **metadata: Any) -> LangChainDocument:  # noqa: A002
    return LangChainDocument(page_content=text, id=id, metadata=metadata)


def ids(*documents: LangChainDocument) -> list[str]:
    return [entry.id for entry in as_documents(documents) if isinstance(entry, Document)]


def only(document: LangChainDocument) -> Document:
    (found,) = as_documents([document])
    assert isinstance(found, Document)
    return found


def test_documents_of_ours_and_failures_go_through_as_they_are() -> None:
    entries: list[object] = [Document("a", "text"), Failure("b", "it is gone."), Document("a", " ")]

    assert list(as_documents(entries)) == entries


def test_a_document_keeps_its_id_text_source_and_metadata() -> None:
    found = only(page("Şehir", id="d1", source="a.md", author="Mira"))

    assert found == Document("d1", "Şehir", source="a.md", metadata={"source": "a.md", "author": "Mira"})


def test_a_document_is_named_by_its_source_and_page() -> None:
    documents = [page(source="a.pdf", page=0), page(source="a.pdf", page=1), page(source=Path("b/c.md"))]

    assert ids(*documents) == ["a.pdf#page=0", "a.pdf#page=1", "b/c.md"]


def test_a_page_that_is_no_number_is_no_part_of_the_name() -> None:
    assert ids(page(source="a.pdf", page="iv"), page(source="b.pdf", page=True)) == ["a.pdf", "b.pdf"]


def test_pieces_of_one_source_are_numbered() -> None:
    assert ids(*[page(source="a.md")] * 3, page(source="b.md")) == ["a.md", "a.md#2", "a.md#3", "b.md"]


def test_a_source_that_is_called_like_a_number_is_told_from_it() -> None:
    found = ids(
        page(source="a"), page(source="a"), page(source="a#2"), page(source="a"), page(id="b"), page(source="b")
    )

    assert found == ["a", "a#2", "a#2#2", "a#3", "b", "b#2"]


def test_an_id_that_is_given_twice_stays_as_it_is() -> None:
    assert ids(page(id="a"), page(id="a")) == ["a", "a"]


def test_a_document_without_a_source_is_named_by_its_content() -> None:
    first, again, other, beside = (ids(each)[0] for each in (page("x"), page("x"), page("y"), page("x", author="Mira")))

    assert first == again
    assert len({first, other, beside}) == 3
    assert first.startswith("content:")
    assert len(first) == len("content:") + 32


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_metadata = st.dictionaries(st.text().filter(lambda key: key != "source"), _values, max_size=5)


@given(st.text(min_size=1).filter(str.strip), _metadata)
def test_the_name_of_a_content_does_not_hang_on_the_order_of_its_metadata(text: str, metadata: dict[str, Any]) -> None:
    found = only(LangChainDocument(page_content=text, metadata=metadata))
    backwards = only(LangChainDocument(page_content=text, metadata=dict(reversed(metadata.items()))))

    assert found.id == backwards.id
    assert found.metadata == metadata


@given(st.lists(st.tuples(st.sampled_from(["a", "a#2", "a#2#2", "b"]), st.none() | st.integers(0, 2)), max_size=30))
def test_names_differ_and_are_the_same_in_each_run(places: list[tuple[str, int | None]]) -> None:
    documents = [page(source=source, page=number) for source, number in places]

    assert len(set(ids(*documents))) == len(documents)
    assert ids(*documents) == ids(*documents)


def test_metadata_becomes_json() -> None:
    number = uuid.UUID(int=7)
    given: dict[str, Any] = {
        "when": datetime(2024, 5, 6, 7, 8, tzinfo=UTC),
        "day": date(2024, 5, 6),
        "path": Path("a/b"),
        "number": number,
        "score": np.float32(0.5),
        "exact": np.float64(0.25),
        "count": np.int64(3),
        "sure": np.bool_(True),
        "word": np.str_("x"),
        "vector": np.array([1, 2]),
        "tags": {"b", "a", "c"},
        "mixed": frozenset({1, "1"}),
        "pair": (1, Path("c")),
        "deep": {"a": [{"b": date(2024, 1, 2)}]},
        "colour": Colour.RED,
    }

    metadata = dict(only(page(**given)).metadata)

    assert json.loads(json.dumps(metadata)) == metadata
    assert metadata == {
        "when": "2024-05-06T07:08:00+00:00",
        "day": "2024-05-06",
        "path": "a/b",
        "number": str(number),
        "score": 0.5,
        "exact": 0.25,
        "count": 3,
        "sure": True,
        "word": "x",
        "vector": [1, 2],
        "tags": ["a", "b", "c"],
        "mixed": [1, "1"],
        "pair": [1, "c"],
        "deep": {"a": [{"b": "2024-01-02"}]},
        "colour": "red",
    }
    assert {type(metadata[key]) for key in ("score", "exact", "count", "sure", "word", "colour")} == {
        float,
        int,
        bool,
        str,
    }


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"raw", "is a bytes"),
        (object(), "is a object"),
        (float("nan"), "is nan"),
        (np.float32("inf"), "is inf"),
        ([1, {"a": 1j}], "is a complex"),
        (np.datetime64("2024-01-02T03:04:05.000000006"), "is a datetime64"),
    ],
)
def test_metadata_without_a_form_in_json_is_a_failure_that_names_the_key(value: object, said: str) -> None:
    (found,) = as_documents([page(source="a.md", strange=value)])

    assert isinstance(found, Failure)
    assert found.source == "a.md"
    assert f"its metadata 'strange' {said}" in found.reason


def test_metadata_that_holds_itself_is_a_failure() -> None:
    endless: list[object] = []
    endless.append(endless)

    (found,) = as_documents([LangChainDocument.model_construct(page_content="x", metadata={"a": endless}, id=None)])

    assert found == Failure("a document without a source", "its metadata 'a' is nested without end.")


def test_a_blank_text_is_a_failure_and_takes_its_number() -> None:
    found = list(as_documents([page("one", source="a"), page(" \n", source="a"), page("three", source="a")]))

    assert found[1] == Failure("a#2", "the text is blank.")
    assert [entry.id for entry in found if isinstance(entry, Document)] == ["a", "a#3"]


def test_what_is_handed_in_is_not_changed() -> None:
    given = page("x", source="a", tags={"b", "a"}, deep={"list": [1]})
    before = copy.deepcopy(given)

    found = only(given)
    found.metadata["deep"]["list"].append(2)

    assert given == before


def test_a_loader_is_read_lazily() -> None:
    loader = Loader(page(source="a"), page(source="a"), page(source="b"))
    documents = as_documents(loader)

    assert is_loader(loader)
    assert loader.loaded == 0
    next(documents)
    assert loader.loaded == 1
    assert [entry.id for entry in documents if isinstance(entry, Document)] == ["a#2", "b"]


def test_loaders_among_documents_are_read_in_their_place() -> None:
    entries = [Document("first", "x"), Loader(page(source="a")), page(source="a"), Loader(page(source="a"))]

    assert [entry.id for entry in as_documents(entries) if isinstance(entry, Document)] == ["first", "a", "a#2", "a#3"]


@pytest.mark.parametrize("other", [Loader, [], "loader", None, Document("a", "x"), page()])
def test_what_does_not_load_is_no_loader(other: object) -> None:
    assert not is_loader(other)


@pytest.mark.parametrize("other", [{"page_content": "x"}, 7, None, "a.md", Loader])
def test_anything_else_is_named_with_what_is_accepted(other: object) -> None:
    documents = as_documents([Document("a", "x"), other])
    next(documents)

    with pytest.raises(TypeError, match=f"there is a {type(other).__name__}; give documents of simplugin or LangChain"):
        next(documents)


def test_whatever_looks_like_a_document_is_one() -> None:
    class Duck:
        page_content = "quack"
        metadata = {"source": "pond"}  # noqa: RUF012

    (found,) = as_documents([Duck()])

    assert found == Document("pond", "quack", source="pond", metadata={"source": "pond"})
