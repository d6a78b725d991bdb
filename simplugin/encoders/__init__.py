"""Texts to vectors."""

from simplugin.encoders.fingerprint import PROBES, Comparison, Fingerprint, take_fingerprint
from simplugin.encoders.loading import load
from simplugin.encoders.local import LocalEncoder
from simplugin.encoders.protocol import Encoder
from simplugin.encoders.remote import RemoteEncoder, RemoteReranker, Retry
from simplugin.encoders.static import StaticEncoder

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
    "load",
    "take_fingerprint",
]
