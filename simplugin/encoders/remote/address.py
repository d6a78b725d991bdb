"""Where a server is, which key it gets, and what of that may be shown."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from simplugin.errors import RemoteError

__all__ = ["Address", "is_url", "read_address"]

_OPENAI_HOST = "api.openai.com"


@dataclass(frozen=True, slots=True)
class Address:
    """A server. ``url`` has no credentials and may be shown and stored; ``secrets`` must appear nowhere.

    ``model`` is the one the URL names after ``#``, ``speaks_openai`` says that the path ends in ``/v1``.
    """

    url: str
    model: str | None = None
    speaks_openai: bool = False
    authorization: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


def is_url(name: str) -> bool:
    """Tell the URL of a server from every other name of a model."""
    return re.match(r"\s*https?://", name, re.IGNORECASE) is not None


def read_address(url: str, environ: Mapping[str, str] = os.environ) -> Address:
    """Take a URL apart, and find the key that its server gets.

    A name and password in the URL go out as they are meant to (Basic). Without them the key in ``SIMPLUGIN_API_KEY``
    is sent as Bearer. ``OPENAI_API_KEY`` is sent to ``https://api.openai.com`` alone, so that no other server ever
    sees it.

    Raises ``RemoteError`` for what is no URL, for a URL with a query (what stands there ends in the logs of every
    proxy), and for a key that no header can carry.
    """
    # What cannot be taken apart is shown without anything that could be a password or a query.
    shown = re.split(r"[?#]", re.sub(r"//.*@", "//", url.strip(), flags=re.DOTALL))[0]
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port  # a port that is no number raises when it is read
    except ValueError:
        raise RemoteError(
            shown, "cannot be asked: this is not the URL of a server, such as http://host:8080."
        ) from None
    if parts.scheme not in {"http", "https"} or not host or re.search(r"[\s\x00-\x1f]", parts.netloc + parts.path):
        raise RemoteError(shown, "cannot be asked: this is not the URL of a server, such as http://host:8080.")
    if parts.query:
        raise RemoteError(
            shown, "cannot be asked with a query in the URL: give a key in SIMPLUGIN_API_KEY, a model after '#'."
        )
    path = parts.path.rstrip("/")
    base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}"
    authorization, secrets = _credentials(parts, base, environ)
    return Address(base, unquote(parts.fragment) or None, path.endswith("/v1"), authorization, secrets)


def _credentials(parts: SplitResult, shown: str, environ: Mapping[str, str]) -> tuple[str | None, tuple[str, ...]]:
    """Return the value of the header Authorization and, longest first, every form of the secret in it."""
    if parts.username or parts.password:
        name, password = unquote(parts.username or ""), unquote(parts.password or "")
        token = base64.b64encode(f"{name}:{password}".encode()).decode("ascii")
        forms = {token, password, parts.password or "", *(() if password else (name, parts.username or ""))}
        return f"Basic {token}", tuple(sorted(forms - {""}, key=len, reverse=True))
    names = ["SIMPLUGIN_API_KEY"]
    if parts.scheme == "https" and parts.hostname == _OPENAI_HOST:
        names.append("OPENAI_API_KEY")
    for name in names:
        key = environ.get(name, "").strip()  # keys read from files end in a newline
        if key:
            if not (key.isascii() and key.isprintable()) or " " in key:
                raise RemoteError(shown, f"cannot be asked: the key in {name} has characters that no header can carry.")
            return f"Bearer {key}", (key,)
    return None, ()
