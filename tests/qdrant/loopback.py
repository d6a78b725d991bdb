"""A server on the loopback interface: Qdrant's REST interface over the client's own emulator, failing on request.

It has no search semantics of its own; each route reads a request with the client's models and hands it on. A share of
the requests fails: too many requests, an internal error, no answer in time, a connection cut before the work or after.
"""

from __future__ import annotations

import json
import random
import re
import socket
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, TypeAdapter
from qdrant_client import QdrantClient, models

from tests.qdrant.indexed import Indexed

FAULTS = ("429", "500", "503", "timeout", "cut before", "cut after")


class LoopbackServer:
    """``url`` is where it listens. ``faults`` is the share of requests that fail, in one of ``kinds``;
    ``delay`` seconds are added to every one.

    ``lacks`` names what an older server has not: ``"metadata"``, ``"vector names"``.
    """

    def __init__(
        self,
        *,
        faults: float = 0.0,
        timeout: float = 1.0,
        delay: float = 0.0,
        lacks: tuple[str, ...] = (),
        kinds: tuple[str, ...] = FAULTS,
        seed: int = 7,
    ) -> None:
        self.faults, self.timeout, self.delay, self.lacks = faults, timeout, delay, lacks
        self.kinds = kinds
        self.requests: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.bodies: dict[str, Any] = {}  # the last one of each route
        self.queries: dict[str, str] = {}
        self.thresholds: list[int] = []  # from how many kilobytes on it was told to index
        self._chance = random.Random(seed)
        self._emulator = QdrantClient(":memory:")
        self._indexed: dict[str, Indexed] = {}
        self._turn = threading.Lock()
        self._server = _QuietServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def fault(self) -> str | None:
        with self._turn:
            return self._chance.choice(self.kinds) if self._chance.random() < self.faults else None

    def answer(self, method: str, path: str, query: str, body: Any) -> Any:
        """Return the result of a request. Raises ``LookupError`` for an unknown route."""
        route, names, act = _find(method, path)
        if self.delay:
            time.sleep(self.delay)
        with self._turn, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the emulator's advice to use a server
            self.requests[route] += 1
            self.bodies[route], self.queries[route] = body, query
            if isinstance(body, dict) and "optimizers_config" in body:
                self.thresholds.append(body["optimizers_config"]["indexing_threshold"])
            if "vector names" in self.lacks and "/vectors/" in route:
                raise LookupError(route)
            if "metadata" in self.lacks and isinstance(body, dict):
                body.pop("metadata", None)
            if route == "PUT " + _C + "/index":
                self._index(names[0], body["field_name"])
            searched = self._indexed.get(names[0]) if route == "POST " + _C + "/points/scroll" else None
            found = searched and _scroll_indexed(searched, body)
            if found:
                return found
            if route == "DELETE " + _C:
                self._indexed.pop(names[0], None)
            result = act(self._emulator, names, body)
            for indexed in self._indexed.values():  # all: the name may be an alias
                indexed.update()
            return result

    def _index(self, collection: str, key: str) -> None:
        if self._emulator.collection_exists(collection):  # and is not named by an alias
            if collection not in self._indexed:
                self._indexed[collection] = Indexed(self._emulator, collection)
            self._indexed[collection].add(key)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._emulator.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that was killed
            super().handle_error(request, client_address)


def _read(kind: Any, body: Any) -> Any:
    return TypeAdapter(kind).validate_python(body)


def _fields(kind: type[BaseModel], body: Any) -> dict[str, Any]:
    """Return the fields that were given, as the models they are, for the client's method of the same arguments."""
    read = kind.model_validate(body)
    return {field: getattr(read, field) for field in read.model_fields_set}


def _create(client: QdrantClient, n: list[str], body: Any) -> Any:
    given = _fields(models.CreateCollection, body)
    given["vectors_config"] = given.pop("vectors", None)
    given["sparse_vectors_config"] = given.pop("sparse_vectors", None)
    return client.create_collection(n[0], **given)


def _upsert(client: QdrantClient, n: list[str], body: Any) -> Any:
    return client.upsert(n[0], [models.PointStruct.model_validate(point) for point in body["points"]])


def _update_vectors(client: QdrantClient, n: list[str], body: Any) -> Any:
    rows = [models.PointVectors.model_validate(point) for point in body["points"]]
    condition = body.get("update_filter")
    return client.update_vectors(n[0], rows, update_filter=condition and models.Filter.model_validate(condition))


def _scroll(client: QdrantClient, n: list[str], body: Any) -> Any:
    given = _fields(models.ScrollRequest, body)
    renamed = {"filter": "scroll_filter", "with_vector": "with_vectors"}
    points, after = client.scroll(n[0], **{renamed.get(key, key): value for key, value in given.items()})
    return {"points": points, "next_page_offset": after}


def _scroll_indexed(indexed: Indexed, body: Any) -> Any:
    given = _fields(models.ScrollRequest, body)
    if "order_by" in given:
        return None
    if "with_vector" in given:
        given["with_vectors"] = given.pop("with_vector")
    found = indexed.scroll(given.pop("filter", None), **given)
    return found and {"points": found[0], "next_page_offset": found[1]}


def _retrieve(client: QdrantClient, n: list[str], body: Any) -> Any:
    given = _fields(models.PointRequest, body)
    if "with_vector" in given:
        given["with_vectors"] = given.pop("with_vector")
    return client.retrieve(n[0], **given)


def _count(client: QdrantClient, n: list[str], body: Any) -> Any:
    condition = body.get("filter")
    return client.count(n[0], count_filter=condition and models.Filter.model_validate(condition))


def _query(client: QdrantClient, n: list[str], body: Any) -> Any:
    requests = [models.QueryRequest.model_validate(search) for search in body["searches"]]
    return client.query_batch_points(n[0], requests)


def _batch(client: QdrantClient, n: list[str], body: Any) -> Any:
    operations = [_read(models.UpdateOperation, operation) for operation in body["operations"]]
    return client.batch_update_points(n[0], operations)


def _alias(client: QdrantClient, n: list[str], body: Any) -> Any:
    return client.update_collection_aliases([_read(models.AliasOperations, action) for action in body["actions"]])


def _vector_name(client: QdrantClient, n: list[str], body: Any) -> Any:
    return client.create_vector_name(n[0], n[1], _read(models.VectorNameConfig, body))


Act = Callable[[QdrantClient, list[str], Any], Any]
_C = "/collections/{}"
_ROUTES: dict[tuple[str, str], Act] = {
    ("GET", "/"): lambda _client, _n, _body: {"title": "loopback", "version": "1.18.0"},
    ("GET", "/collections"): lambda client, _n, _body: client.get_collections(),
    ("GET", "/aliases"): lambda client, _n, _body: client.get_aliases(),
    ("POST", "/collections/aliases"): _alias,
    ("GET", _C + "/exists"): lambda client, n, _body: {"exists": client.collection_exists(n[0])},
    ("GET", _C): lambda client, n, _body: client.get_collection(n[0]),
    ("PUT", _C): _create,
    ("PATCH", _C): lambda client, n, body: client.update_collection(n[0], **_fields(models.UpdateCollection, body)),
    ("DELETE", _C): lambda client, n, _body: client.delete_collection(n[0]),
    ("PUT", _C + "/index"): lambda _client, _n, _body: {"operation_id": 0, "status": "completed"},
    ("PUT", _C + "/vectors/{}"): _vector_name,
    ("DELETE", _C + "/vectors/{}"): lambda client, n, _body: client.delete_vector_name(n[0], n[1]),
    ("PUT", _C + "/points"): _upsert,
    ("POST", _C + "/points"): _retrieve,
    ("PUT", _C + "/points/vectors"): _update_vectors,
    ("POST", _C + "/points/delete"): lambda client, n, body: client.delete(n[0], _read(models.PointsSelector, body)),
    ("POST", _C + "/points/scroll"): _scroll,
    ("POST", _C + "/points/count"): _count,
    ("POST", _C + "/points/query"): lambda client, n, body: _query(client, n, {"searches": [body]})[0],
    ("POST", _C + "/points/query/batch"): _query,
    ("POST", _C + "/points/batch"): _batch,
}
_PATTERNS = [
    (f"{method} {path}", method, re.compile(path.replace("{}", "([^/]+)")), act)
    for (method, path), act in _ROUTES.items()
]


def _find(method: str, path: str) -> tuple[str, list[str], Act]:
    for route, wanted, pattern, act in _PATTERNS:
        if wanted == method and (match := pattern.fullmatch(path)):
            return route, [unquote(part) for part in match.groups()], act
    raise LookupError(f"{method} {path}")


def _handler(owner: LoopbackServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or "null")
            fault = owner.fault()
            if fault:
                owner.failed[fault] += 1
            match fault:
                case "429" | "500" | "503":
                    return self._send(
                        int(fault), {"status": {"error": "busy"}, "time": 0.0}, retry="1" * (fault == "429")
                    )
                case "timeout":
                    time.sleep(owner.timeout)
                    return self._cut()
                case "cut before":
                    return self._cut()
                case _:
                    status, answer = self._answer(body)
            return self._cut() if fault == "cut after" else self._send(status, answer)

        def _answer(self, body: Any) -> tuple[int, Any]:
            try:
                url = urlsplit(self.path)
                result = owner.answer(self.command, url.path, url.query, body)
            except LookupError as error:
                return 404, {"status": {"error": f"Not found: {error}"}, "time": 0.0}
            except (ValueError, AssertionError) as error:
                status = 404 if "not found" in str(error) else 409 if "already exists" in str(error) else 400
                return status, {"status": {"error": str(error)}, "time": 0.0}
            return 200, {"result": result, "status": "ok", "time": 0.0}

        def _send(self, status: int, answer: Any, retry: str = "") -> None:
            content = json.dumps(answer, default=_to_json).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if retry:
                self.send_header("Retry-After", retry)
            self.end_headers()
            self.wfile.write(content)

        def _cut(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keep quiet: what matters is counted."""

    return Handler


def _to_json(value: Any) -> Any:
    return value.model_dump(mode="json", exclude_none=True) if isinstance(value, BaseModel) else str(value)
