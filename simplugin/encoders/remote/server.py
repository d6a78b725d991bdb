"""What is found out about a server before the first text is sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote

from simplugin.encoders.remote.address import Address
from simplugin.encoders.remote.exchange import Exchange, Steps
from simplugin.encoders.remote.wire import Call, Info, UnreadableAnswer, read_info, read_models

__all__ = ["Server", "ask_info", "discover"]


@dataclass(frozen=True, slots=True)
class Server:
    """A server whose protocol and model are known. ``address`` ends in ``/v1`` where the protocol is OpenAI's.

    ``id`` opens the same model again, and has no credentials.
    """

    protocol: Literal["tei", "openai"]
    address: Address
    id: str
    info: Info


def discover(exchange: Exchange, model: str | None) -> Steps[Server]:
    """Find out what a server speaks, and its model.

    A URL that ends in ``/v1`` says OpenAI; any other server is asked for ``/info`` first, which only
    text-embeddings-inference has, then for ``/v1/models``. ``model`` is the one to ask an OpenAI-style server for,
    where the URL names none.

    Raises ``RemoteError`` where neither is spoken, and where the model cannot be told.
    """
    address = exchange.address
    if not address.speaks_openai:
        info = yield from ask_info(exchange)
        if info is not None:
            if address.model not in {None, info.model}:
                raise exchange.error(f"serves the model {info.model!r}, not {address.model!r}", None)
            return Server("tei", address, _to_id(address, address.model), info)
        address = replace(address, url=f"{address.url}/v1", speaks_openai=True)
    name = address.model or model or (yield from _only_model(exchange, address))
    return Server("openai", address, _to_id(address, name), Info(name, "embedding", None, None, None, None))


def ask_info(exchange: Exchange) -> Steps[Info | None]:
    """Return what a text-embeddings-inference server says of itself, None where the server is of another kind."""
    reply = yield from exchange.deliver(Call("/info"))
    if reply.status in {401, 403}:
        exchange.expect_success(reply)
    return read_info(reply.body) if reply.status == 200 else None


def _to_id(address: Address, model: str | None) -> str:
    return address.url if model is None else f"{address.url}#{quote(model, safe='/:@')}"


def _only_model(exchange: Exchange, address: Address) -> Steps[str]:
    reply = yield from exchange.deliver(Call("/models" if exchange.address.speaks_openai else "/v1/models"))
    if reply.status in {401, 403} or exchange.address.speaks_openai:
        exchange.expect_success(reply)
    try:
        names = read_models(reply.body) if reply.status == 200 else None
    except UnreadableAnswer:
        names = None
    if names is None:
        raise exchange.error(
            "is no embedding server that simplugin knows: it answers neither /info (text-embeddings-inference) nor "
            "/v1/models (OpenAI); give the URL up to /v1, and after '#' the model, where it lists none",
            None,
        )
    if len(names) != 1:
        listed = ", ".join(map(repr, names[:10])) + (", …" if len(names) > 10 else "")
        serves = f"{len(names)} models ({listed})" if names else "no model by name"
        raise exchange.error(f"serves {serves}: say which one after '#', as in {address.url}#name", None)
    return names[0]
