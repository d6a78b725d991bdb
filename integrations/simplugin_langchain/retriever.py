"""A collection as a LangChain retriever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, cast

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import LangSmithRetrieverParams
from langchain_core.vectorstores import VectorStoreRetriever
from pydantic import ConfigDict, Field, field_validator, model_validator

from simplugin.collection import Mode
from simplugin_langchain.documents import Retrieved, with_score
from simplugin_langchain.vector_store import SimpluginVectorStore

if TYPE_CHECKING:
    from simplugin_qdrant import Collection

__all__ = ["SimpluginRetriever"]

_AT_CALL = frozenset(
    {"k", "filter", "mode", "score_threshold", "fetch_k", "lambda_mult", "group", "rerank", "language", "score_key"}
)
_IGNORED = frozenset({"verbose"})  # LangChain reads it, and hands it on


class SimpluginRetriever(VectorStoreRetriever):
    """Retrieves documents of a collection::

        retriever = SimpluginRetriever(docs, k=4, filter={"lang": "tr"})
        retriever.invoke("…", k=10)

    Each field but the store may be given at the call as well, where it holds for that call; so may be those that
    LangChain puts into ``search_kwargs``, later too. What is not a field is refused, since a misspelt ``filter`` would
    find everything.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    search_type: str = "similarity"
    """Or ``"mmr"``, which chooses documents that differ, or ``"similarity_score_threshold"``, which needs one."""

    k: int = Field(default=4, ge=0)
    """How many documents come back."""

    filter: Any = None
    """Which documents are looked at: see ``simplugin_qdrant.filters``."""

    mode: Mode | None = None
    """What is compared; None is the collection's own."""

    score_threshold: float | None = Field(default=None, ge=0, le=1)
    """The relevance a document must have; see ``SimpluginVectorStore`` for its scale."""

    group: bool = False
    """Whether a document comes once, with its best chunk."""

    rerank: Any = None
    """What orders a larger pool of candidates: a reranker, or a model's name; see ``Collection.search``."""

    language: str | None = None
    """Of which language query and texts are; see ``Collection.search``. None leaves it to be found out."""

    fetch_k: int = Field(default=20, ge=1)
    """Of how many documents ``"mmr"`` chooses."""

    lambda_mult: float = Field(default=0.5, ge=0, le=1)
    """From 0, as different as can be, to 1, as close to the query as can be."""

    score_key: str | None = None
    """Under which key of the metadata the score is written, into a copy; None writes none."""

    def __init__(self, collection: Collection | None = None, **fields: Any) -> None:
        """Search a collection, or the ``vectorstore`` over it; the fields are given by their names."""
        if collection is not None:
            fields["vectorstore"] = SimpluginVectorStore(collection)
        super().__init__(**fields)

    @model_validator(mode="before")
    @classmethod
    def validate_search_type(cls, values: Any) -> Any:
        """Take ``search_kwargs``, as LangChain has them, for fields."""
        if not isinstance(values, Mapping):
            return values
        given = dict(cast("Mapping[str, Any]", values))
        search_kwargs: dict[str, Any] = given.pop("search_kwargs", None) or {}
        for name, value in search_kwargs.items():
            if name not in _AT_CALL:
                message = f"There is no search argument {name!r}. Known: {', '.join(sorted(_AT_CALL))}."
                raise ValueError(message)
            given[name] = value
        search_type = given.get("search_type", "similarity")
        if search_type not in cls.allowed_search_types:
            message = f"There is no search type {search_type!r}. Known: {', '.join(cls.allowed_search_types)}."
            raise ValueError(message)
        if search_type == "similarity_score_threshold" and given.get("score_threshold") is None:
            raise ValueError("The search type 'similarity_score_threshold' needs a score_threshold from 0 to 1.")
        return given

    @field_validator("vectorstore", mode="before")
    @classmethod
    def _is_ours(cls, value: object) -> object:
        if not isinstance(value, SimpluginVectorStore):
            message = f"vectorstore is a {type(value).__name__}; give a SimpluginVectorStore, or a collection first"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        chosen, why = "search_type='mmr'" if self.search_type == "mmr" else "score_threshold", ""
        if self.search_type == "mmr":
            others = ["mode", "score_threshold", "group", "rerank", "language", "score_key"]
        elif self.score_threshold is not None:
            others, why = (["rerank"] if self.mode == "dense" else ["rerank", "mode"]), ", which ranks by meaning alone"
        else:
            others = []
        for name in others:
            if getattr(self, name):
                message = f"{name} does not go with {chosen}{why}."
                raise ValueError(message)
        return self

    @property
    def store(self) -> SimpluginVectorStore:
        """The vector store that is searched."""
        return cast(SimpluginVectorStore, self.vectorstore)

    def __or__(self, other: Any) -> Any:
        """Pipe on; a reranker becomes the second stage, since a plain pipe would lose the query it needs."""
        from simplugin_langchain.reranker import SimpluginReranker

        return other.wrap(self) if isinstance(other, SimpluginReranker) else super().__or__(other)

    def _get_ls_params(self, **kwargs: Any) -> LangSmithRetrieverParams:
        params = super()._get_ls_params(**kwargs)
        card = self.store.collection.encoder.card
        params["ls_embedding_model"] = card.id if card.revision is None else f"{card.id}@{card.revision}"
        return params

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        _check_query(query)
        asked = self._with(kwargs)
        store, common = self.store, {"k": asked.k, "filter": asked.filter}
        if asked.search_type == "mmr":
            chosen = store.max_marginal_relevance_search(
                query, fetch_k=asked.fetch_k, lambda_mult=asked.lambda_mult, **common
            )
            return Retrieved(chosen, query, store.collection)
        if asked.score_threshold is not None:
            found = store.similarity_search_with_relevance_scores(
                query, **common, score_threshold=asked.score_threshold, group=asked.group, language=asked.language
            )
        else:
            found = store.similarity_search_with_score(
                query, **common, mode=asked.mode, group=asked.group, rerank=asked.rerank, language=asked.language
            )
        return Retrieved(with_score(found, asked.score_key), query, store.collection)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        _check_query(query)
        asked = self._with(kwargs)
        store, common = self.store, {"k": asked.k, "filter": asked.filter}
        if asked.search_type == "mmr":
            chosen = await store.amax_marginal_relevance_search(
                query, fetch_k=asked.fetch_k, lambda_mult=asked.lambda_mult, **common
            )
            return Retrieved(chosen, query, store.collection)
        if asked.score_threshold is not None:
            found = await store.asimilarity_search_with_relevance_scores(
                query, **common, score_threshold=asked.score_threshold, group=asked.group, language=asked.language
            )
        else:
            found = await store.asimilarity_search_with_score(
                query, **common, mode=asked.mode, group=asked.group, rerank=asked.rerank, language=asked.language
            )
        return Retrieved(with_score(found, asked.score_key), query, store.collection)

    def _with(self, given: Mapping[str, Any]) -> SimpluginRetriever:
        """Return the retriever with what was given at the call. Raises ``TypeError`` for what is no field."""
        changes = {name: value for name, value in {**self.search_kwargs, **given}.items() if name not in _IGNORED}
        if unknown := sorted(set(changes) - _AT_CALL):
            message = f"There is no search argument {unknown[0]!r}. Known: {', '.join(sorted(_AT_CALL))}."
            raise TypeError(message)
        if not changes:
            return self
        fields = {name: getattr(self, name) for name in type(self).model_fields if name != "search_kwargs"}
        return type(self)(**fields | changes)


def _check_query(query: object) -> None:
    if isinstance(query, Mapping):
        keys = ", ".join(map(repr, cast("Mapping[object, object]", query)))
        message = f"The query is a dictionary ({keys}); pick the text out of it: itemgetter('question') | retriever."
        raise TypeError(message)
