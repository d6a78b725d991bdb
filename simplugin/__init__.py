"""Fine-tuned multilingual similarity models, first-class in Qdrant and LangChain."""

from typing import TYPE_CHECKING

from simplugin.deferral import deferred as _deferred
from simplugin.errors import (
    CheckpointError,
    DataError,
    FilterError,
    MissingExtraError,
    ModelError,
    ModelMismatchError,
    NotAnEmbedderError,
    NotAPairModelError,
    PointError,
    RemoteError,
    RetiredModelError,
    SimpluginError,
    StoreError,
    StoreLockedError,
    UnknownCollectionError,
    UnknownModelError,
    UnregisteredCollectionError,
)

if TYPE_CHECKING:
    from simplugin.calibration import Calibration, fit_calibration
    from simplugin.catalog import ModelCard
    from simplugin.duplicates import near_duplicates
    from simplugin.encoders import Encoder, Fingerprint, load
    from simplugin.ingestion import IngestReport
    from simplugin.intents import IntentMatcher
    from simplugin.measures import similarity
    from simplugin.records import Chunk, Document, Hit, Match
    from simplugin.reranking import PairReranker, Reranker, SimilarityReranker, load_reranker
    from simplugin.routing import Router, load_router
else:
    __getattr__ = _deferred(
        __name__,
        {
            "simplugin.calibration": ("Calibration", "fit_calibration"),
            "simplugin.catalog": ("ModelCard",),
            "simplugin.duplicates": ("near_duplicates",),
            "simplugin.encoders": ("Encoder", "Fingerprint", "load"),
            "simplugin.ingestion": ("IngestReport",),
            "simplugin.intents": ("IntentMatcher",),
            "simplugin.measures": ("similarity",),
            "simplugin.records": ("Chunk", "Document", "Hit", "Match"),
            "simplugin.reranking": ("PairReranker", "Reranker", "SimilarityReranker", "load_reranker"),
            "simplugin.routing": ("Router", "load_router"),
        },
    )

__version__ = "0.1.0"

__all__ = [
    "Calibration",
    "CheckpointError",
    "Chunk",
    "DataError",
    "Document",
    "Encoder",
    "FilterError",
    "Fingerprint",
    "Hit",
    "IngestReport",
    "IntentMatcher",
    "Match",
    "MissingExtraError",
    "ModelCard",
    "ModelError",
    "ModelMismatchError",
    "NotAPairModelError",
    "NotAnEmbedderError",
    "PairReranker",
    "PointError",
    "RemoteError",
    "Reranker",
    "RetiredModelError",
    "Router",
    "SimilarityReranker",
    "SimpluginError",
    "StoreError",
    "StoreLockedError",
    "UnknownCollectionError",
    "UnknownModelError",
    "UnregisteredCollectionError",
    "fit_calibration",
    "load",
    "load_reranker",
    "load_router",
    "near_duplicates",
    "similarity",
]
