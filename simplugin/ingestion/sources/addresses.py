"""Documents at URLs.

Whoever names a URL may not know where it leads: to a page, to a server inside the network, to a cloud's secrets. So
every address is looked at before it is connected to, after each redirect anew, and the connection goes to the very
address that was looked at: a second look-up of the name could give another one.
"""

from __future__ import annotations

import ipaddress
import re
import threading
import zlib
from base64 import b64encode
from collections import deque
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cache
from io import BytesIO
from itertools import count, islice
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit

from simplugin.errors import DataError
from simplugin.ingestion.report import Failure
from simplugin.ingestion.sources.content import Content
from simplugin.retrying import PASSING, Retry, retry_after

if TYPE_CHECKING:
    import asyncio
    import ssl

    import httpx

__all__ = ["fetch", "fetch_all"]

_MOST = 64 * 1024 * 1024  # bytes of a page
_TIMEOUT = 30.0  # seconds for a page, redirects and all: a server may send a letter a second
_CONNECT_SECONDS = 10.0  # for one of a host's addresses: the next one may be alive
_REDIRECTS = 5
_AT_ONCE = 8
_STEP = 1024 * 1024  # bytes unpacked at once: a thousandth of them may have been sent
_RETRY = Retry(attempts=3, first=0.5, longest=2.0)
_MOVED = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that is given out of IPv6 lies here
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # how a network without IPv4 writes the addresses of IPv4
_NEVER = (
    ipaddress.IPv4Network("192.0.0.0/24"),  # public to Python before 3.12.4; one cloud keeps its secrets there
    ipaddress.IPv4Network("168.63.129.16/32"),  # public by its number, and served by each machine of another cloud
    ipaddress.IPv6Network("3fff::/20"),  # of examples in texts; too young for Python 3.11
)


def fetch(url: str, *, allow_private: bool = False, max_bytes: int = _MOST, timeout: float = _TIMEOUT) -> Content:
    """Fetch what is at a URL.

    ``timeout`` is in seconds, for all of it; ``max_bytes`` counts what was sent after unpacking. A user and password
    in the URL go to its own server only, and are no part of what is returned.

    Raises ``DataError`` where it cannot be had, is too large, or lies at an address that is not public and
    ``allow_private`` is false.
    """
    (found,) = fetch_all([url], allow_private=allow_private, max_bytes=max_bytes, timeout=timeout)
    if isinstance(found, Failure):
        raise DataError(found.reason, path=found.source)
    return found


def fetch_all(
    urls: Iterable[str], *, allow_private: bool = False, max_bytes: int = _MOST, timeout: float = _TIMEOUT
) -> Iterator[Content | Failure]:
    """Fetch several URLs side by side, eight at a time; the answers come in the order of the URLs.

    What cannot be had becomes a ``Failure``. At most eight answers are held, and whoever stops reading stops them all.
    """
    import asyncio  # here, since it would slow down the start of every ingest

    terms = _Terms(allow_private, max_bytes, timeout)
    remaining = iter(urls)
    waiting: deque[Future[Content | Failure]] = deque()
    with _loop() as loop:
        while True:
            for url in islice(remaining, _AT_ONCE - len(waiting)):
                waiting.append(asyncio.run_coroutine_threadsafe(_fetch(url, terms), loop))
            if not waiting:
                return
            yield waiting.popleft().result()


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a page must keep to."""

    allow_private: bool
    max_bytes: int
    timeout: float


class _PassingError(DataError):
    """A failure that another attempt may change; ``asked`` is how many seconds the server wants to be left alone."""

    def __init__(self, reason: str, asked: float | None = None) -> None:
        super().__init__(reason)
        self.asked = asked


@contextmanager
def _loop() -> Generator[asyncio.AbstractEventLoop, None, None]:
    """Run an event loop in a thread of its own; what is under way in it at the end is cancelled."""
    import asyncio

    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        over = asyncio.Event()
        started.set_result((asyncio.get_running_loop(), over))
        await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="simplugin-fetching", daemon=True)
    thread.start()
    loop, over = started.result()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(1.0)  # it takes milliseconds, unless a name is being looked up: nobody has to wait for that


async def _fetch(url: str, terms: _Terms) -> Content | Failure:
    import asyncio

    try:
        async with asyncio.timeout(terms.timeout):
            return await _insist(url, terms)
    except TimeoutError:
        return Failure(_bare(url), f"it was not there within {terms.timeout:g} s.")
    except DataError as error:
        return Failure(_bare(url), error.reason)


async def _insist(url: str, terms: _Terms) -> Content:
    """Try again what may pass, as long as there is time."""
    import asyncio

    clock = asyncio.get_running_loop().time
    ends = clock() + terms.timeout
    for attempt in count(1):
        try:
            return await _attempt(url, terms)
        except _PassingError as error:
            pause = _RETRY.wait(attempt, error.asked)
            if attempt == _RETRY.attempts or clock() + pause >= ends:
                raise
            await asyncio.sleep(pause)
    raise AssertionError  # count() has no end


async def _attempt(url: str, terms: _Terms) -> Content:
    import httpx

    try:
        return await _follow(url, terms)
    except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ConnectTimeout) as error:
        raise _PassingError(f"it cannot be fetched ({error or 'no connection'}).") from error
    except httpx.HTTPError as error:
        raise DataError(f"it cannot be fetched ({error or type(error).__name__}).") from error


async def _follow(url: str, terms: _Terms) -> Content:
    start = at = _parse(url)
    for _ in range(_REDIRECTS + 1):
        is_home = (at.scheme, at.raw_host, at.port) == (start.scheme, start.raw_host, start.port)
        async with _asked(at, start.userinfo if is_home else b"", terms) as answer:
            if answer.status_code not in _MOVED or "location" not in answer.headers:
                return await _read(url, at, answer, terms.max_bytes)
            location = answer.headers["location"]
        there = _parse(location, at)
        if at.scheme == "https" and there.scheme != "https":
            raise DataError("it redirects from https:// to http://, which anyone on the way can change.")
        at = there
    raise DataError(f"it redirects more than {_REDIRECTS} times.")


def _parse(url: str, base: httpx.URL | None = None) -> httpx.URL:
    """Take a URL apart, or a redirect of the page at ``base``. Raises ``DataError`` for what cannot be fetched."""
    import httpx

    where = "" if base is None else "it redirects elsewhere, and "
    try:
        parsed = httpx.URL(url.strip()) if base is None else base.join(url.strip())
    except (httpx.InvalidURL, UnicodeError) as error:
        raise DataError(f"{where}this is no URL.") from error
    if parsed.scheme not in _PORTS:
        raise DataError(f"{where}only http:// and https:// are fetched.")
    port = _PORTS[parsed.scheme] if parsed.port is None else parsed.port
    if not parsed.host or not 0 < port < 65536:
        raise DataError(f"{where}this is no URL with a host and a port.")
    return parsed


@cache
def _trust() -> ssl.SSLContext:
    """Return who is trusted to vouch for a server: what SSL_CERT_FILE names, or the usual ones."""
    import httpx

    return httpx.create_ssl_context()


@asynccontextmanager
async def _asked(at: httpx.URL, userinfo: bytes, terms: _Terms) -> AsyncGenerator[httpx.Response, None]:
    """Ask for a page, at the first of its host's addresses that answers."""
    import httpx

    addresses = await _look_up(at, terms)
    headers = {"host": at.netloc.decode("ascii"), "user-agent": "simplugin", "accept": "*/*", "accept-encoding": "gzip"}
    if userinfo:
        name, _, password = userinfo.partition(b":")
        token = unquote_to_bytes(name) + b":" + unquote_to_bytes(password)
        headers["authorization"] = "Basic " + b64encode(token).decode("ascii")
    # A proxy from the environment would look the name up by itself, and connect to whatever it finds. A connection is
    # for one question: it must not serve another host at the same address, whose certificate was not seen.
    trust = _trust() if at.scheme == "https" else False  # without TLS there is nothing to verify
    async with httpx.AsyncHTTPTransport(verify=trust, trust_env=False) as transport:
        answer = await _send(transport, at, addresses, headers)
        try:
            yield answer
        finally:
            await answer.aclose()


async def _send(
    transport: httpx.AsyncHTTPTransport, at: httpx.URL, addresses: list[str], headers: dict[str, str]
) -> httpx.Response:
    import httpx

    # The certificate must be that of the name, though the connection goes to an address.
    extensions = {"sni_hostname": at.raw_host.decode("ascii"), "timeout": {"connect": _CONNECT_SECONDS}}
    for number, address in enumerate(addresses, 1):
        there = at.copy_with(host=address, userinfo=b"", fragment=None)
        try:
            return await transport.handle_async_request(
                httpx.Request("GET", there, headers=headers, extensions=extensions)
            )
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if number == len(addresses):
                raise
    raise AssertionError  # _look_up gives at least one


async def _look_up(at: httpx.URL, terms: _Terms) -> list[str]:
    """Return the addresses of a host, all of which must be public."""
    import asyncio

    host = at.raw_host.decode("ascii")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, proto=6)  # TCP
    except (OSError, UnicodeError) as error:
        raise DataError(f"there is no host {at.host!r} ({getattr(error, 'strerror', None) or error}).") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not terms.allow_private and not _is_public(ipaddress.ip_address(address)):
            reason = (
                f"{at.host!r} is at {address}, which is not public; --allow-private (allow_private=True) allows it."
            )
            raise DataError(reason)
    return addresses


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
        if address not in _UNICAST:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _NEVER)


async def _read(url: str, at: httpx.URL, answer: httpx.Response, most: int) -> Content:
    if not answer.is_success:
        reason = f"it answers {answer.status_code} {answer.reason_phrase}".rstrip() + "."
        if answer.status_code in PASSING:
            raise _PassingError(reason, retry_after(answer.headers.get("retry-after")))
        raise DataError(reason)
    raw = await _body(answer, most)
    bare = _bare(url)
    return Content(
        id=bare,
        source=bare,
        name=at.path.rpartition("/")[2] or "index.html",
        open=lambda: BytesIO(raw),
        size=len(raw),
        modified=_date(answer.headers.get("last-modified")),
        media_type=answer.headers.get("content-type"),
    )


async def _body(answer: httpx.Response, most: int) -> bytes:
    too_large = DataError(f"it has more than {most:,} bytes.")
    declared = answer.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > most:
        raise too_large
    packing = answer.headers.get("content-encoding", "").strip().lower()
    if packing not in {"", "identity", "gzip", "x-gzip"}:
        raise DataError(f"it comes packed as {packing!r}, which was not asked for.")
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS) if "gzip" in packing else None  # 16: gzip's header
    body = BytesIO()
    # httpx would unpack all that came at once, and a kilobyte can become a gigabyte where it is packed twice.
    async for packed in answer.aiter_raw():
        for part in [packed] if inflater is None else _unpack(inflater, packed):
            body.write(part)
            if body.tell() > most:
                raise too_large
    if inflater is not None:
        body.write(inflater.flush())
        if not inflater.eof:
            raise DataError("it comes packed by gzip, and its end is missing.")
    return body.getvalue()


def _unpack(inflater: Any, packed: bytes) -> Iterator[bytes]:
    try:
        while packed and not inflater.eof:
            yield inflater.decompress(packed, _STEP)
            packed = inflater.unconsumed_tail
    except zlib.error as error:
        raise DataError("it comes packed by gzip, and damaged.") from error


def _date(header: str | None) -> str | None:
    try:
        date = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).isoformat(timespec="seconds")


def _bare(url: str) -> str:
    """Return a URL without user, password and fragment: it is stored, and shown in messages."""
    try:
        found = urlsplit(url.strip())
        _ = found.port  # a port that is no number raises: then what looks like a path may be half a password
    except ValueError:
        return re.sub(r"//.*@", "//", url.partition("#")[0], flags=re.DOTALL)
    return urlunsplit((found.scheme, found.netloc.rpartition("@")[2], found.path, found.query, ""))
