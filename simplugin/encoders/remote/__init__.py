"""Embedding servers over HTTP."""

from typing import TYPE_CHECKING

from simplugin.deferral import deferred
from simplugin.encoders.remote.address import is_url

if TYPE_CHECKING:
    from simplugin.encoders.remote.encoder import RemoteEncoder
    from simplugin.encoders.remote.reranker import RemoteReranker
    from simplugin.retrying import Retry
else:
    __getattr__ = deferred(
        __name__,
        {
            "simplugin.encoders.remote.encoder": ("RemoteEncoder",),
            "simplugin.retrying": ("Retry",),
            "simplugin.encoders.remote.reranker": ("RemoteReranker",),
        },
    )

__all__ = ["RemoteEncoder", "RemoteReranker", "Retry", "is_url"]
