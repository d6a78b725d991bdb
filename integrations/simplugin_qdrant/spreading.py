"""How the workers of a cluster come to a collection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from simplugin.collection import RecordingCollection
from simplugin.encoders import Encoder
from simplugin.ingestion.distributed import Ask
from simplugin.ingestion.distributed.desk import RemoteCollection
from simplugin_qdrant.registry import Registration, verify
from simplugin_qdrant.stores.protocol import Store

__all__ = ["OnServer", "ThroughDriver", "opener_of"]


@dataclass(frozen=True, slots=True)
class OnServer:
    """A collection on a server: a worker opens it like anybody else, and writes to it itself."""

    open_store: Callable[[], Store] = field(repr=False)  # holds the key
    name: str
    vector: str
    tenant: str | None
    encoder: Encoder
    others: Sequence[Encoder]
    through_driver: bool = False

    def __call__(self, ask: Ask) -> RecordingCollection:
        """Open it. Raises what ``register`` raises."""
        from simplugin_qdrant.registering import register  # which knows collections, which know this

        return register(
            self.open_store(), self.name, self.encoder, vector=self.vector, tenant=self.tenant, others=self.others
        )


@dataclass(frozen=True, slots=True)
class ThroughDriver:
    """A collection in a folder or in memory: one process has it, and workers ask that one."""

    name: str
    registration: Registration
    encoder: Encoder
    through_driver: bool = True

    def __call__(self, ask: Ask) -> RecordingCollection:
        """Check that the model is the same here. Raises ``ModelMismatchError``."""
        verify(self.name, self.registration, self.encoder)
        return RemoteCollection(self.name, self.encoder, ask)


def opener_of(store: Store) -> Callable[[], Store] | None:
    """Return what opens a store in another process; None where only this one can."""
    from simplugin_qdrant.stores.client import ClientStore  # loaded already, where it is one

    return store.opener() if isinstance(store, ClientStore) else None
