"""A retriever in two stages."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever, LangSmithRetrieverParams, RetrieverLike
from langchain_core.runnables import RunnableConfig
from pydantic import ConfigDict, Field

from simplugin.reranking import candidates
from simplugin_langchain.reranker import SimpluginReranker
from simplugin_langchain.retriever import SimpluginRetriever

__all__ = ["RerankingRetriever"]


class RerankingRetriever(BaseRetriever):
    """Retrieves by any retriever, and reranks what it finds. Made by ``SimpluginReranker.wrap``, or by a pipe.

    ``k`` documents come back; without it the reranker's ``top_n``, and without that as many as the first stage gives.
    A ``SimpluginRetriever`` that was not told its own ``k`` fetches four times as many, at least 20. What else is
    given at the call goes on to the first stage. Another reranker may follow by another pipe.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    retriever: RetrieverLike
    reranker: SimpluginReranker
    k: int | None = Field(default=None, ge=0)

    def __or__(self, other: Any) -> Any:
        """Pipe on; a reranker becomes one more stage, since a plain pipe would lose the query it needs."""
        return other.wrap(self) if isinstance(other, SimpluginReranker) else super().__or__(other)

    def _get_ls_params(self, **kwargs: Any) -> LangSmithRetrieverParams:
        own = super()._get_ls_params(**kwargs)
        if not isinstance(self.retriever, BaseRetriever):
            return own
        inner = self.retriever._get_ls_params(**kwargs)  # pyright: ignore[reportPrivateUsage]  # the interface's own
        return {**inner, **own}

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None, **kwargs: Any
    ) -> list[Document]:
        wanted, given = self._sizes(k)
        config = RunnableConfig(callbacks=run_manager.get_child())
        found = self.retriever.invoke(query, config, **given | kwargs)
        return self._second(wanted).invoke({"query": query, "documents": found}, config)

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, k: int | None = None, **kwargs: Any
    ) -> list[Document]:
        wanted, given = self._sizes(k)
        config = RunnableConfig(callbacks=run_manager.get_child())
        found = await self.retriever.ainvoke(query, config, **given | kwargs)
        return await self._second(wanted).ainvoke({"query": query, "documents": found}, config)

    def _sizes(self, k: int | None) -> tuple[int | None, dict[str, Any]]:
        """Return how many documents are wanted, None for all, and what to ask of the first stage."""
        asked = self.k if k is None else k
        wanted = self.reranker.top_n if asked is None else asked
        first = self.retriever
        if not isinstance(first, SimpluginRetriever):
            return wanted, {}
        told = first.search_kwargs.get("k", first.k if "k" in first.model_fields_set else None)
        if told is not None and (asked is None or asked <= told):
            return wanted, {}
        if wanted is None:
            wanted = first.k
        return wanted, {"k": candidates(wanted)}

    def _second(self, wanted: int | None) -> SimpluginReranker:
        return self.reranker.model_copy(update={"top_n": wanted})
