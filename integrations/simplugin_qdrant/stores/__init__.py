"""Where collections live. The engines are loaded when one is opened, not before."""

from simplugin_qdrant.stores.opening import folder_of, is_folder, open_store
from simplugin_qdrant.stores.protocol import (
    Cluster,
    Description,
    IndexKind,
    Point,
    Record,
    Scored,
    Search,
    Store,
    VectorSpace,
)

__all__ = [
    "Cluster",
    "Description",
    "IndexKind",
    "Point",
    "Record",
    "Scored",
    "Search",
    "Store",
    "VectorSpace",
    "folder_of",
    "is_folder",
    "open_store",
]
