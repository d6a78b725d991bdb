"""simplugin's models in Qdrant: embedded, in memory, on a server or a cluster."""

from simplugin_qdrant.collection import Collection
from simplugin_qdrant.registering import register
from simplugin_qdrant.stores import Store, open_store

__all__ = ["Collection", "Store", "open_store", "register"]
