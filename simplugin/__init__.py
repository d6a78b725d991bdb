"""Fine-tuned multilingual similarity models, first-class in Qdrant and LangChain."""

from simplugin.catalog import ModelCard
from simplugin.encoders import Encoder, Fingerprint, load
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
    SimpluginError,
    StoreError,
    StoreLockedError,
    UnknownCollectionError,
    UnknownModelError,
    UnregisteredCollectionError,
)
from simplugin.ingestion import IngestReport
from simplugin.intents import IntentMatcher
from simplugin.measures import similarity
from simplugin.records import Chunk, Document, Hit, Match
from simplugin.reranking import PairReranker, Reranker, SimilarityReranker, load_reranker

__version__ = "0.1.0"

__all__ = [
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
    "SimilarityReranker",
    "SimpluginError",
    "StoreError",
    "StoreLockedError",
    "UnknownCollectionError",
    "UnknownModelError",
    "UnregisteredCollectionError",
    "load",
    "load_reranker",
    "similarity",
]
