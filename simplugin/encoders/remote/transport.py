"""Sending and waiting, with threads or with asyncio. httpx is imported when a server is opened, not before."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypedDict, TypeVar

from simplugin.encoders.remote.exchange import Send, Steps
from simplugin.encoders.remote.wire import Lost, Reply

if TYPE_CHECKING:
    import httpx

__all__ = ["Connected", "Transport"]

T = TypeVar("T")

_CONNECT_SECONDS = 10.0
_LONGEST = 256 * 1024 * 1024  # bytes of an answer, unpacked: 2,000 vectors of 4,096 numbers, written as text, have half


class _TooLongError(Exception):
    """A server's answer does not end where any answer would."""


class Transport:
    """The connections to one server: at most ``concurrency`` for threads, and as many for an event loop.

    An answer has at most ``longest`` bytes, unpacked.
    """

    def __init__(self, authorization: str | None, *, timeout: float, concurrency: int, longest: int = _LONGEST) -> None:
        import httpx

        if timeout <= 0 or concurrency < 1:
            message = f"timeout is {timeout} and concurrency {concurrency}; they must be above 0, and at least 1."
            raise ValueError(message)
        self._authorization = authorization
        self._timeout = timeout
        self._concurrency = concurrency
        self._longest = longest
        self._client = httpx.Client(**self._settings())
        # One event loop's connections are of no use to another: each loop gets a client of its own.
        self._async_client: tuple[weakref.ref[asyncio.AbstractEventLoop], httpx.AsyncClient] | None = None
        weakref.finalize(self, self._client.close)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle without the connections, with the key: whoever gets the pickle may ask the server."""
        return _again, (self._authorization, self._timeout, self._concurrency, self._longest)

    def run(self, steps: Steps[T], stop: threading.Event | None = None) -> T:
        """Run one exchange in this thread. ``stop`` ends its waiting, and then it raises ``CancelledError``."""
        pause = stop or threading.Event()
        try:
            step = next(steps)
            while True:
                if pause.wait(step.after):
                    raise CancelledError
                step = steps.send(self._send(step))
        except StopIteration as end:
            result: T = end.value
            return result

    async def arun(self, steps: Steps[T]) -> T:
        """Run one exchange in this event loop."""
        try:
            step = next(steps)
            while True:
                await asyncio.sleep(step.after)
                step = steps.send(await self._asend(step))
        except StopIteration as end:
            result: T = end.value
            return result

    def run_all(self, exchanges: Sequence[Steps[T]]) -> list[T]:
        """Run exchanges side by side, results in order; the first error ends them all."""
        if len(exchanges) < 2:
            return [self.run(steps) for steps in exchanges]
        stop = threading.Event()
        pool = ThreadPoolExecutor(min(self._concurrency, len(exchanges)), "simplugin-remote")
        try:
            futures = [pool.submit(self.run, steps, stop) for steps in exchanges]
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for failed in (future for future in done if future.exception() is not None):
                failed.result()
            return [future.result() for future in futures]
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)

    async def arun_all(self, exchanges: Sequence[Steps[T]]) -> list[T]:
        """Run exchanges side by side, results in order; the first error ends them all."""
        pending = iter(enumerate(exchanges))
        results: dict[int, T] = {}

        async def work() -> None:
            for number, steps in pending:
                results[number] = await self.arun(steps)

        workers = [asyncio.create_task(work()) for _ in range(min(self._concurrency, len(exchanges)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        return [results[number] for number in range(len(exchanges))]

    def close(self) -> None:
        """Close the connections of threads; an event loop's are closed with ``aclose``."""
        self._client.close()

    async def aclose(self) -> None:
        """Close every connection, those of the running event loop included."""
        self._client.close()
        if self._async_client is not None:
            loop, client = self._async_client
            self._async_client = None
            if loop() is asyncio.get_running_loop():
                await client.aclose()

    def _send(self, step: Send) -> Reply | Lost:
        import httpx

        try:
            response = self._client.send(_to_request(self._client, step), stream=True)
            try:
                body = bytearray()
                for part in response.iter_bytes():
                    self._grow(body, part)
                return _to_reply(response, bytes(body))
            finally:
                response.close()
        except _TooLongError as error:
            return Lost(str(error), False, error)
        except (httpx.RequestError, httpx.InvalidURL, UnicodeError) as error:
            return self._to_lost(error)

    async def _asend(self, step: Send) -> Reply | Lost:
        import httpx

        client = self._client_of_this_loop()
        try:
            response = await client.send(_to_request(client, step), stream=True)
            try:
                body = bytearray()
                async for part in response.aiter_bytes():
                    self._grow(body, part)
                return _to_reply(response, bytes(body))
            finally:
                await response.aclose()
        except _TooLongError as error:
            return Lost(str(error), False, error)
        except (httpx.RequestError, httpx.InvalidURL, UnicodeError) as error:
            return self._to_lost(error)

    def _grow(self, body: bytearray, part: bytes) -> None:
        body += part
        if len(body) > self._longest:
            message = f"gave an answer of more than {self._longest:,} bytes"
            raise _TooLongError(message)

    def _client_of_this_loop(self) -> httpx.AsyncClient:
        import httpx

        running = asyncio.get_running_loop()
        if self._async_client is None or self._async_client[0]() is not running:
            self._async_client = (weakref.ref(running), httpx.AsyncClient(**self._settings()))
        return self._async_client[1]

    def _settings(self) -> _Settings:
        import httpx

        headers = {"User-Agent": "simplugin", "Accept": "application/json"}
        if self._authorization is not None:
            headers["Authorization"] = self._authorization
        return {
            "headers": headers,
            # Waiting for a free connection is waiting in line, not the server's fault: it has no limit.
            "timeout": httpx.Timeout(self._timeout, connect=min(_CONNECT_SECONDS, self._timeout), pool=None),
            "limits": httpx.Limits(max_connections=self._concurrency, max_keepalive_connections=self._concurrency),
            # A key goes to the server it is meant for and nowhere that server points to.
            "follow_redirects": False,
        }

    def _to_lost(self, error: httpx.RequestError | httpx.InvalidURL | UnicodeError) -> Lost:
        import httpx

        if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
            reason, passing = f"cannot be reached ({str(error) or 'no answer to the connection'})", True
        elif isinstance(error, httpx.TimeoutException):
            reason, passing = f"gave no answer within {self._timeout:g} s", True
        elif isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError):
            reason, passing = "cut the connection", True
        elif isinstance(error, httpx.ProxyError):
            reason, passing = "cannot be reached through the proxy", True
        elif isinstance(error, httpx.InvalidURL | UnicodeError):  # the latter from IDNA
            reason, passing = "cannot be asked: no host can have this name", False
        else:
            reason, passing = f"gave an answer that cannot be read ({type(error).__name__})", False
        return Lost(reason, passing, error)


class Connected:
    """What speaks to a server, and closes its connections: by hand, or at the end of ``with`` or ``async with``."""

    _transport: Transport

    def close(self) -> None:
        """Close the connections of the synchronous calls; after asynchronous ones, await ``aclose`` instead."""
        self._transport.close()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()


class _Settings(TypedDict):
    headers: dict[str, str]
    timeout: httpx.Timeout
    limits: httpx.Limits
    follow_redirects: bool


def _to_request(client: httpx.Client | httpx.AsyncClient, step: Send) -> httpx.Request:
    if step.body is None:
        return client.build_request("GET", step.url)
    return client.build_request("POST", step.url, content=step.body, headers={"Content-Type": "application/json"})


def _to_reply(response: httpx.Response, body: bytes) -> Reply:
    return Reply(response.status_code, body, {name.lower(): value for name, value in response.headers.items()})


def _again(authorization: str | None, timeout: float, concurrency: int, longest: int) -> Transport:
    return Transport(authorization, timeout=timeout, concurrency=concurrency, longest=longest)
