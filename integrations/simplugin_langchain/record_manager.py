"""A collection as the record of what LangChain indexed into it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from langchain_core.indexing import RecordManager

from simplugin.threads import long_work

if TYPE_CHECKING:
    from simplugin_qdrant import Collection

__all__ = ["SimpluginRecordManager"]


class SimpluginRecordManager(RecordManager):
    """What ``langchain_core.indexing.index`` asks which documents are there::

        index(documents, store.record_manager, store, cleanup="full")

    The record is in the documents themselves. So it cannot say that something is there which is not: after the
    collection was emptied, or begun again for another model, everything counts as new.
    """

    def __init__(self, collection: Collection) -> None:
        super().__init__(namespace=collection.name)
        self.collection = collection

    def create_schema(self) -> None:
        """Do nothing: there is no second database."""

    async def acreate_schema(self) -> None:
        """Do nothing: there is no second database."""

    def get_time(self) -> float:
        """Return the time in seconds."""
        return time.time()

    async def aget_time(self) -> float:
        """Return the time in seconds."""
        return self.get_time()

    def update(
        self,
        keys: Sequence[str],
        *,
        group_ids: Sequence[str | None] | None = None,
        time_at_least: float | None = None,
    ) -> None:
        """Note that these documents were seen now. Raises ``ValueError`` for group ids of another number."""
        from simplugin_qdrant.stamping import Stamp

        if group_ids and len(group_ids) != len(keys):
            message = f"There are {len(keys)} keys and {len(group_ids)} group ids."
            raise ValueError(message)
        now = self.get_time()
        if time_at_least and time_at_least > now:
            message = f"The clock went back: it is {now}, and was {time_at_least} before."
            raise ValueError(message)
        groups = group_ids or [None] * len(keys)
        self.collection.stamp({key: Stamp(now, group) for key, group in zip(keys, groups, strict=True)})

    async def aupdate(
        self,
        keys: Sequence[str],
        *,
        group_ids: Sequence[str | None] | None = None,
        time_at_least: float | None = None,
    ) -> None:
        """Note like ``update``, in a thread."""
        await long_work(self.update, keys, group_ids=group_ids, time_at_least=time_at_least)

    def exists(self, keys: Sequence[str]) -> list[bool]:
        """Say of each document whether it is there, and was indexed."""
        there = set(self.collection.stamped(ids=keys))
        return [key in there for key in keys]

    async def aexists(self, keys: Sequence[str]) -> list[bool]:
        """Say like ``exists``, in a thread."""
        return await asyncio.to_thread(self.exists, keys)

    def list_keys(
        self,
        *,
        before: float | None = None,
        after: float | None = None,
        group_ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[str]:
        """Return the ids of documents last seen before or after these times, of these groups; None is any."""
        return list(islice(self.collection.stamped(before=before, after=after, groups=group_ids), limit))

    async def alist_keys(
        self,
        *,
        before: float | None = None,
        after: float | None = None,
        group_ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[str]:
        """Return like ``list_keys``, in a thread."""
        return await asyncio.to_thread(self.list_keys, before=before, after=after, group_ids=group_ids, limit=limit)

    def delete_keys(self, keys: Sequence[str]) -> None:
        """Forget that these documents were indexed; with a document goes its record anyhow."""
        self.collection.stamp(dict.fromkeys(keys))

    async def adelete_keys(self, keys: Sequence[str]) -> None:
        """Forget like ``delete_keys``, in a thread."""
        await long_work(self.delete_keys, keys)
