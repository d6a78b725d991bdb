"""An embedding server on loopback that speaks both protocols, and misbehaves on purpose."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from simplugin.encoders import Encoder
from simplugin.measures import similarity


class Fault(Enum):
    ERROR_500 = auto()
    ERROR_502 = auto()
    ERROR_503 = auto()
    ERROR_504 = auto()
    BUSY_429 = auto()
    BUSY_UNTIL_A_DATE = auto()
    TIME_OUT = auto()
    SLOW = auto()
    CUT = auto()
    WIDTH = auto()
    COUNT = auto()
    SHUFFLED = auto()
    INDEX_TWICE = auto()
    NAN = auto()
    HUGE = auto()
    WORDS = auto()
    JUNK = auto()
    OTHER_SHAPE = auto()
    HTML_200 = auto()
    HTML_502 = auto()
    BAD_REQUEST = auto()
    ECHO = auto()
    REDIRECT = auto()


Plan = Callable[[str, int], Fault | None]
"""What to do with a call: given its first text and how often that has come, from 1."""


def well(_text: str, _time: int) -> Fault | None:
    return None


def always(fault: Fault) -> Plan:
    return lambda _text, _time: fault


def first(times: int, fault: Fault) -> Plan:
    return lambda _text, time: fault if time <= times else None


def seeded(seed: int, rate: float, faults: Iterable[Fault]) -> Plan:
    """Fail this share of calls; the same ones in every run, whatever the order in which threads call."""
    kinds = list(faults)

    def plan(text: str, time: int) -> Fault | None:
        draw = random.Random(f"{seed}\0{text}\0{time}")
        return draw.choice(kinds) if draw.random() < rate else None

    return plan


class EmbeddingServer:
    """``plan`` decides over the calls that carry texts; ``/info`` and ``/v1/models`` answer as they should."""

    def __init__(
        self,
        encoder: Encoder,
        *,
        protocol: str = "tei",
        plan: Plan = well,
        kind: str = "embedding",
        max_texts: int = 32,
        refusal: int = 413,
        max_characters: int = 10_000,
        models: tuple[str, ...] = ("hash",),
        key: str | None = None,
        retry_after: str = "0.02",
        sleep: float = 0.8,
        says_max_texts: bool = True,
    ) -> None:
        self.encoder, self.protocol, self.plan, self.kind = encoder, protocol, plan, kind
        self.max_texts, self.refusal, self.max_characters = max_texts, refusal, max_characters
        self.models, self.key, self.retry_after, self.sleep = models, key, retry_after, sleep
        self.says_max_texts = says_max_texts
        self.sent: Counter[str] = Counter()
        self.faults: Counter[Fault] = Counter()
        self.calls: Counter[str] = Counter()
        self.headers: list[dict[str, str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        server = self

        class Handler(_Handler):
            owner = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def close(self) -> None:
        """Close it; a second time does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def wait(self) -> None:
        self._closing.wait(self.sleep)

    def receive(self, path: str, headers: dict[str, str], body: dict[str, Any] | None) -> Fault | None:
        with self._lock:
            self.calls[path] += 1
            self.headers.append(headers)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            if body is None:
                return None
            self.bodies.append(body)
            texts = texts_of(body)
            self.sent.update(texts)
            fault = self.plan(texts[0], self.sent[texts[0]])
            if fault is not None:
                self.faults[fault] += 1
            return fault

    def leave(self) -> None:
        with self._lock:
            self._at_once -= 1


def texts_of(body: dict[str, Any]) -> list[str]:
    for key in ("inputs", "input", "texts"):
        if key in body:
            return list(body[key])
    raise AssertionError(body)


class _Handler(BaseHTTPRequestHandler):
    owner: EmbeddingServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    timeout = 10
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        pass

    def do_GET(self) -> None:
        self._serve(None)

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _serve(self, body: dict[str, Any] | None) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            fault = self.owner.receive(self.path, headers, body)
            self._answer(body, fault)
            self.wfile.flush()
        except OSError:  # the client has given up waiting
            self.close_connection = True
        finally:
            self.owner.leave()

    def _answer(self, body: dict[str, Any] | None, fault: Fault | None) -> None:
        owner = self.owner
        if owner.key is not None and self.headers.get("Authorization") != f"Bearer {owner.key}":
            said = self.headers.get("Authorization", "nothing")
            self._send(401, {"error": f"no entry with {said}", "error_type": "unauthorized"})
        elif body is None:
            self._describe()
        elif fault is not None and self._misbehave(fault, texts_of(body)):
            pass
        elif len(texts_of(body)) > owner.max_texts:
            message = f"batch size {len(texts_of(body))} > maximum allowed batch size {owner.max_texts}"
            self._send(owner.refusal, {"error": message, "error_type": "Validation"})
        elif sum(map(len, texts_of(body))) > owner.max_characters:
            self._send(413, b"length limit exceeded", "text/plain")
        else:
            self._work(body, fault)

    def _describe(self) -> None:
        owner = self.owner
        if self.path == "/info" and owner.protocol in {"tei", "tei-old"}:
            details = {"embedding": {"pooling": "mean"}, "reranker": {"id2label": {"0": "LABEL_0"}}}
            said = {
                "model_id": owner.models[0],
                "model_sha": "fca14538",
                "model_type": {owner.kind: details[owner.kind]},
                "max_input_length": 512,
            }
            self._send(200, said | ({"max_client_batch_size": owner.max_texts} if owner.says_max_texts else {}))
        elif self.path == "/v1/models" and owner.protocol == "openai":
            self._send(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in owner.models]})
        else:
            self._send(404, b"<html><head><title>404 Not Found</title></head></html>", "text/html")

    def _work(self, body: dict[str, Any], fault: Fault | None) -> None:
        owner, texts = self.owner, texts_of(body)
        if self.path == "/embed" and owner.protocol in {"tei", "tei-old"}:
            self._send(200, _spoil(owner.encoder.encode_document(texts).tolist(), fault))
        elif self.path == "/tokenize" and owner.protocol == "tei":
            counts = owner.encoder.count_tokens(texts)
            self._send(200, [[{"id": i, "special": False} for i in range(count)] for count in counts])
        elif self.path == "/rerank" and owner.kind == "reranker":
            scores = similarity(owner.encoder.encode_query([body["query"]]), owner.encoder.encode_document(texts))[0]
            ranks = [{"index": i, "score": float(score + 1) / 2} for i, score in enumerate(scores)]
            self._send(200, sorted(ranks, key=lambda rank: -rank["score"]))
        elif self.path == "/v1/embeddings" and owner.protocol == "openai" and body["model"] in owner.models:
            rows = _spoil(owner.encoder.encode_document(texts).tolist(), fault)
            entries = [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(rows)]
            if fault is Fault.SHUFFLED:
                random.Random(len(texts)).shuffle(entries)
            if fault is Fault.INDEX_TWICE:
                entries[-1]["index"] = 0
            self._send(200, {"object": "list", "data": entries, "model": body["model"]})
        else:
            self._send(404, {"error": {"message": f"The model {body.get('model')!r} does not exist."}})

    def _misbehave(self, fault: Fault, texts: list[str]) -> bool:
        """Do it, and tell whether that was the answer."""
        owner = self.owner
        if fault.name.startswith("ERROR_"):
            self._send(int(fault.name[6:]), {"error": "Backend is not well\nat line 7", "error_type": "Backend"})
        elif fault is Fault.BUSY_429:
            self._send(429, {"error": "Model is overloaded"}, retry_after=owner.retry_after)
        elif fault is Fault.BUSY_UNTIL_A_DATE:
            self._send(503, {"error": "Model is overloaded"}, retry_after="Sun, 06 Nov 1994 08:49:37 GMT")
        elif fault is Fault.TIME_OUT or fault is Fault.SLOW:
            owner.wait()
            return False
        elif fault is Fault.CUT:
            answer = json.dumps(owner.encoder.encode_document(texts).tolist()).encode()
            self._head(200, len(answer), "application/json")
            self.wfile.write(answer[: len(answer) // 2])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif fault is Fault.JUNK:
            self._send(200, b'[[0.1, 0.2, {"', "application/json")
        elif fault is Fault.OTHER_SHAPE:
            self._send(200, {"vectors": []})
        elif fault in {Fault.HTML_200, Fault.HTML_502}:
            page = b"<!DOCTYPE html>\n<html><head><title>Bad\n gateway &amp; more</title></head><body>...</body></html>"
            self._send(200 if fault is Fault.HTML_200 else 502, page, "text/html")
        elif fault is Fault.BAD_REQUEST:
            self._send(400, {"error": {"message": "this is not how one asks", "type": "invalid_request_error"}})
        elif fault is Fault.ECHO:
            said = f"{self.headers.get('Authorization')} sent {texts[0]} to {self.path}"
            self._send(400, {"detail": [{"loc": ["body"], "msg": said, "input": texts}]})
        elif fault is Fault.REDIRECT:
            self._send(307, b"", "text/plain", location="http://127.0.0.1:9/elsewhere")
        else:
            return False
        return True

    def _send(
        self,
        status: int,
        body: object,
        kind: str = "application/json",
        *,
        retry_after: str | None = None,
        location: str | None = None,
    ) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._head(status, len(data), kind, retry_after, location)
        self.wfile.write(data)

    def _head(
        self, status: int, length: int, kind: str, retry_after: str | None = None, location: str | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        if retry_after is not None:
            self.send_header("Retry-After", retry_after)
        if location is not None:
            self.send_header("Location", location)
        self.end_headers()


def _spoil(rows: list[list[Any]], fault: Fault | None) -> list[list[Any]]:
    if fault is Fault.WIDTH:
        return [row[:-1] for row in rows]
    if fault is Fault.COUNT:
        return rows[:-1]
    if fault in {Fault.NAN, Fault.HUGE, Fault.WORDS}:
        value = {Fault.NAN: float("nan"), Fault.HUGE: 1e300, Fault.WORDS: "0.5"}[fault]
        return [*rows[:-1], [value, *rows[-1][1:]]]
    return rows
