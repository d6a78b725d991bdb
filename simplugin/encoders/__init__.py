"""Texts to vectors."""

from typing import TYPE_CHECKING

from simplugin.deferral import deferred
from simplugin.encoders.fingerprint import PROBES, Comparison, Fingerprint, take_fingerprint
from simplugin.encoders.loading import as_encoder, load
from simplugin.encoders.protocol import Encoder
from simplugin.encoders.static import StaticEncoder

if TYPE_CHECKING:
    from simplugin.encoders.local import LocalEncoder
    from simplugin.encoders.remote import RemoteEncoder, RemoteReranker, Retry
else:
    __getattr__ = deferred(
        __name__,
        {
            "simplugin.encoders.local": ("LocalEncoder",),
            "simplugin.encoders.remote": ("RemoteEncoder", "RemoteReranker", "Retry"),
        },
    )

__all__ = [
    "PROBES",
    "Comparison",
    "Encoder",
    "Fingerprint",
    "LocalEncoder",
    "RemoteEncoder",
    "RemoteReranker",
    "Retry",
    "StaticEncoder",
    "as_encoder",
    "load",
    "take_fingerprint",
]
