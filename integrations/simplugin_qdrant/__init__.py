"""simplugin's models in Qdrant: embedded, in memory, on a server or a cluster."""

from typing import TYPE_CHECKING

from simplugin.deferral import deferred as _deferred
from simplugin_qdrant.collection import Collection
from simplugin_qdrant.registering import register
from simplugin_qdrant.routed import RoutedCollection
from simplugin_qdrant.stores import Cluster, Store, open_store

if TYPE_CHECKING:
    from simplugin_qdrant.connecting import aconnect, connect
    from simplugin_qdrant.copying import copy_collection
    from simplugin_qdrant.judging import collection_searches, stage_searches
    from simplugin_qdrant.migration import finish_migration, rollback_migration
else:
    __getattr__ = _deferred(
        __name__,
        {
            "simplugin_qdrant.connecting": ("aconnect", "connect"),
            "simplugin_qdrant.copying": ("copy_collection",),
            "simplugin_qdrant.judging": ("collection_searches", "stage_searches"),
            "simplugin_qdrant.migration": ("finish_migration", "rollback_migration"),
        },
    )

__all__ = [
    "Cluster",
    "Collection",
    "RoutedCollection",
    "Store",
    "aconnect",
    "collection_searches",
    "connect",
    "copy_collection",
    "finish_migration",
    "open_store",
    "register",
    "rollback_migration",
    "stage_searches",
]
