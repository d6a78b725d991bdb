"""One exchange with a server, up to its answer: attempts, waiting, smaller batches, errors in words.

Everything here is a generator that yields what to send and is told what came of it. Whoever runs it, with threads or
with asyncio, only sends and waits; so there is one text of the rules for both.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar, cast

from simplugin.encoders.remote.address import Address
from simplugin.encoders.remote.wire import Call, Lost, Reply, UnreadableAnswer
from simplugin.errors import RemoteError
from simplugin.retrying import PASSING, Retry, retry_after

__all__ = ["Exchange", "Send", "Steps", "Task", "batched"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """What the runner of an exchange is to do: wait ``after`` seconds, then send."""

    url: str
    body: bytes | None
    after: float


Steps: TypeAlias = Generator[Send, Reply | Lost, T]

_BATCH_TOO_LARGE = re.compile(r"\bbatch|too many|at most \d+ (item|input|text)", re.IGNORECASE)
_QUOTED = 40  # characters of a text that an error may show
_PAGE = 4_000  # characters of a page in which its title is looked for
_SAID = 200  # characters of what a server said that an error may show


@dataclass(frozen=True, slots=True)
class Task(Generic[T]):
    """What is wanted of texts: the call that asks for it, and the reader of the answer, given the number of texts."""

    call: Callable[[Sequence[str]], Call]
    read: Callable[[bytes, int], list[T]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts that go out together, with their numbers in the user's list, from 0."""

    texts: Sequence[str]
    numbers: Sequence[int]

    def part(self, start: int, stop: int) -> Batch:
        return Batch(self.texts[start:stop], self.numbers[start:stop])

    def __str__(self) -> str:
        if len(self.numbers) > 1:
            return f"texts {self.numbers[0]} to {self.numbers[-1]}"
        text = self.texts[0]
        return f"text {self.numbers[0]} ({text[:_QUOTED]!r}{', shortened' if len(text) > _QUOTED else ''})"


def batched(texts: Sequence[str], size: int, numbers: Sequence[int] | None = None) -> list[Batch]:
    """Cut texts into batches of at most ``size``; ``numbers`` are their own where they are not 0, 1, 2, …."""
    everything = Batch(texts, range(len(texts)) if numbers is None else numbers)
    return [everything.part(start, start + size) for start in range(0, len(texts), size)]


class Exchange:
    """The rules of talking to one server."""

    def __init__(self, address: Address, retry: Retry) -> None:
        self.address = address
        self._retry = retry

    def batch(self, task: Task[T], batch: Batch) -> Steps[list[T]]:
        """Return one result a text, in order, in smaller batches where the server refuses this one for its size."""
        reply = yield from self.deliver(task.call(batch.texts), batch)
        if _is_too_large(reply) and len(batch.texts) > 1:
            half = len(batch.texts) // 2
            left = yield from self.batch(task, batch.part(0, half))
            right = yield from self.batch(task, batch.part(half, len(batch.texts)))
            return left + right
        if reply.status == 413:
            raise self.error(f"refuses {batch} as too large", reply, batch)
        self.expect_success(reply, batch)
        try:
            return task.read(reply.body, len(batch.texts))
        except UnreadableAnswer as error:
            # Not chained: what the server sent may hold anything.
            raise self.error(f"{error} for {batch}", None, batch, reply.status) from None

    def deliver(self, call: Call, batch: Batch | None = None) -> Steps[Reply]:
        """Make the call until there is an answer that another attempt would not change, whatever its status.

        Raises ``RemoteError`` after the last attempt.
        """
        attempt, wait = 1, 0.0
        while True:
            outcome = yield Send(self.address.url + call.path, call.body, wait)
            last = attempt >= self._retry.attempts
            tried = "" if attempt == 1 else f", in the last of {attempt} attempts"
            if isinstance(outcome, Lost):
                if last or not outcome.passing:
                    raise self.error(outcome.reason + tried, None, batch) from outcome.error
                asked = None
            elif outcome.status not in PASSING:
                return outcome
            elif last:
                raise self.error(f"answered {outcome.status}{tried}", outcome, batch)
            else:
                asked = retry_after(outcome.headers.get("retry-after"))
            wait = self._retry.wait(attempt, asked)
            attempt += 1

    def expect_success(self, reply: Reply, batch: Batch | None = None) -> None:
        """Raise ``RemoteError`` unless the status is 200."""
        if reply.status == 200:
            return
        what = f"answered {reply.status}" + (f" to {batch}" if batch else "")
        if reply.status == 401 and self.address.authorization is None:
            what += " (a key goes in SIMPLUGIN_API_KEY)"
        raise self.error(what, reply, batch)

    def error(
        self, what: str, reply: Reply | None, batch: Batch | None = None, status: int | None = None
    ) -> RemoteError:
        """Put into words what went wrong, with the server's own first line, and without secrets and long texts."""
        said = "" if reply is None else _first_line(reply.body)
        for secret in self.address.secrets:
            said = said.replace(secret, "…")
        for text in () if batch is None else batch.texts:
            # A server may repeat what it was sent: no more of it than an error of ours would show.
            place = said.find(text[: _QUOTED + 1]) if len(text) > _QUOTED else -1
            if place >= 0:
                said = said[: place + _QUOTED] + "…"
        said = said[:_SAID].rstrip(" .")
        return RemoteError(
            self.address.url,
            f"{what}: {said}." if said else f"{what}.",
            status=status if reply is None else reply.status,
        )


def _is_too_large(reply: Reply) -> bool:
    return reply.status == 413 or (reply.status == 422 and _BATCH_TOO_LARGE.search(_first_line(reply.body)) is not None)


def _first_line(body: bytes) -> str:
    """Return what a server says in an error: the message in its JSON, the title of its page, or its first line."""
    text = body.decode("utf-8", "replace")
    try:
        said = _message(json.loads(text))
    except (ValueError, RecursionError):
        text = text[:_PAGE]
        title = re.search(r"<(title|h1)[^>]*>(.*?)</\1", text, re.IGNORECASE | re.DOTALL)
        said = html.unescape(title[2] if title else re.sub(r"<[^>]*>", " ", text))
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return "".join(c if c.isprintable() else " " for c in lines[0]) if lines else ""


def _message(said: object) -> str:
    """Find the sentence in the shapes that servers use: {"error": …}, {"error": {"message": …}}, {"detail": […]}."""
    if isinstance(said, str):
        return said
    if isinstance(said, list):
        found = (_message(entry) for entry in cast("list[object]", said))
        return next((message for message in found if message), "")
    if isinstance(said, dict):
        table = cast("dict[str, object]", said)
        found = (_message(table.get(key)) for key in ("message", "error", "detail", "msg"))
        return next((message for message in found if message), "")
    return ""
