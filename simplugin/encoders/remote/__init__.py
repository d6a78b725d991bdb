"""Embedding servers over HTTP."""

from simplugin.encoders.remote.address import is_url
from simplugin.encoders.remote.encoder import RemoteEncoder
from simplugin.encoders.remote.exchange import Retry
from simplugin.encoders.remote.reranker import RemoteReranker

__all__ = ["RemoteEncoder", "RemoteReranker", "Retry", "is_url"]
