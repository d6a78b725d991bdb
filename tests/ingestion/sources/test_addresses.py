from __future__ import annotations

import gzip
import ipaddress
import shutil
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from simplugin.errors import DataError
from simplugin.ingestion.report import Failure
from simplugin.ingestion.sources.addresses import _is_public, _trust, fetch, fetch_all
from simplugin.ingestion.sources.content import Content

Answer: TypeAlias = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """A server on the loopback interface that answers each path as it is told, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.scheme = "http"

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.server_address[1]}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.server.answers.get(self.path, say(b"", status=404))(self)

    def log_message(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


def say(body: bytes, status: int = 200, **headers: str | int) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"content_length": len(body), **headers}.items():
            handler.send_header(name.replace("_", "-"), str(value))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    _drip(handler, b"x")


def drip_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
    _drip(handler, b"x")


def _drip(handler: BaseHTTPRequestHandler, letter: bytes) -> None:
    for _ in range(200):
        handler.wfile.write(letter)
        handler.wfile.flush()
        time.sleep(0.05)


@pytest.fixture
def server() -> Generator[Server, None, None]:
    with _serving(Server()) as running:
        yield running


class _serving:  # noqa: N801
    def __init__(self, server: Server) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.01,))

    def __enter__(self) -> Server:
        self._thread.start()
        return self._server

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def reason(url: str, **options: Any) -> str:
    with pytest.raises(DataError) as raised:
        fetch(url, **options)
    return raised.value.reason


def read(content: Content) -> bytes:
    with content.open() as opened:
        return opened.read()


def test_a_page_comes_with_its_name_date_size_and_type(server: Server) -> None:
    media_type, date = "text/html; charset=windows-1254", "Wed, 21 Oct 2015 07:28:00 GMT"
    page = say(b"<p>\xfeehir", content_type=media_type, last_modified=date)
    server.answers["/docs/%C5%9Fehir.html?v=2"] = page
    url = server.url("/docs/%C5%9Fehir.html?v=2")

    content = fetch(f"{url}#part", allow_private=True)

    assert (content.id, content.source, content.name) == (url, url, "şehir.html")
    assert content.modified == "2015-10-21T07:28:00+00:00"
    assert content.media_type == media_type
    assert content.size == 8
    assert read(content) == read(content) == b"<p>\xfeehir"


def test_a_page_without_a_name_and_a_date_is_an_index_of_unknown_age(server: Server) -> None:
    server.answers["/"] = say(b"hello", last_modified="yesterday")

    content = fetch(server.url(""), allow_private=True)

    assert (content.name, content.modified, content.media_type) == ("index.html", None, None)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200",
        "0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.0.192", "168.63.129.16", "2130706433", "0x7f000001",
        "127.1", "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
        "[::ffff:0:10.0.0.1]", "[fe80::1]", "[fc00::1]", "[fec0::1]", "[ff0e::1]", "[2002:7f00:1::]",
        "[2002:a9fe:a9fe::]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2001:0:1::]",
        "[2001:db8::1]", "[3fff::1]", "[4000::1]",
    ],
)  # fmt: skip
def test_what_is_not_public_is_not_asked(server: Server, host: str) -> None:
    assert "not public" in reason(server.url("/", host))
    assert server.asked == []


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::"])
def test_public_addresses_are_public_in_all_their_forms(address: str) -> None:
    assert _is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    ["file:///etc/hostname", "ftp://127.0.0.1/a", "gopher://127.0.0.1/", "data:text/plain,hello", "//host/a", "/a", ""],
)
def test_other_protocols_are_refused(url: str) -> None:
    assert "only http:// and https:// are fetched" in reason(url, allow_private=True)


@pytest.mark.parametrize(
    "url", ["http://", "http:///a", "http://h:0/", "http://h:99999/", "http://[::1/", "http://a\x00b/"]
)
def test_what_is_no_url_is_refused(url: str) -> None:
    assert "URL" in reason(url, allow_private=True)


def test_a_host_that_there_is_not_is_named() -> None:
    assert "there is no host 'nowhere.invalid'" in reason("http://nowhere.invalid/a")


def test_a_name_is_looked_up_once_and_the_address_that_was_looked_at_is_asked(server: Server) -> None:
    server.answers["/a"] = say(b"hello")
    looked_up: list[object] = []
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "socket.getaddrinfo":
            looked_up.append(arguments[0])

    sys.addaudithook(watch)
    fetch(server.url("/a", "localhost"), allow_private=True)
    watching = False

    assert looked_up.count("localhost") == 1
    assert server.asked[0][1]["host"] == f"localhost:{server.server_address[1]}"


def test_redirects_are_followed_and_the_document_keeps_the_name_it_was_asked_by(server: Server) -> None:
    server.answers["/latest"] = say(b"", status=302, location="/files/report.pdf")
    server.answers["/files/report.pdf"] = say(b"%PDF-")

    content = fetch(server.url("/latest"), allow_private=True)

    assert (content.id, content.name) == (server.url("/latest"), "report.pdf")
    assert read(content) == b"%PDF-"


def test_redirects_end(server: Server) -> None:
    server.answers["/round"] = say(b"", status=307, location="/round")

    assert "redirects more than 5 times" in reason(server.url("/round"), allow_private=True)
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("file:///etc/hostname", "only http:// and https://"),
        ("http://h:x/", "no URL"),
        ("http://h:0/", "no URL"),
        ("http://nowhere.invalid/", "no host 'nowhere.invalid'"),
    ],
)
def test_a_redirect_is_looked_at_as_the_url_was(server: Server, location: str, said: str) -> None:
    server.answers["/away"] = say(b"", status=301, location=location)

    assert said in reason(server.url("/away"), allow_private=True)


def test_a_slow_drip_ends_in_time(server: Server) -> None:
    server.answers["/body"] = drip
    server.answers["/headers"] = drip_headers

    started = time.monotonic()
    for path in ("/body", "/headers"):
        assert "not there within 0.4 s" in reason(server.url(path), allow_private=True, timeout=0.4)

    assert time.monotonic() - started < 3


def test_a_page_that_says_it_is_too_large_is_not_read(server: Server) -> None:
    server.answers["/large"] = say(b"", content_length="1000001")

    assert "more than 1,000,000 bytes" in reason(server.url("/large"), allow_private=True, max_bytes=1_000_000)


def test_a_page_that_does_not_say_how_large_it_is_is_cut_off(server: Server) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:  # until the client hangs up
            handler.wfile.write(bytes(65536))

    server.answers["/endless"] = endless

    assert "more than 1,000,000 bytes" in reason(server.url("/endless"), allow_private=True, max_bytes=1_000_000)


def test_a_packed_page_is_unpacked_and_measured_unpacked(server: Server) -> None:
    text = b"hello " * 100_000
    server.answers["/packed"] = say(gzip.compress(text), content_encoding="gzip")
    url = server.url("/packed")

    assert read(fetch(url, allow_private=True, max_bytes=len(text))) == text
    assert "more than 599,999 bytes" in reason(url, allow_private=True, max_bytes=len(text) - 1)


def test_a_bomb_is_not_unpacked(server: Server) -> None:
    bomb = gzip.compress(bytes(300_000_000), compresslevel=1)
    server.answers["/bomb"] = say(bomb, content_encoding="gzip")
    server.answers["/twice"] = say(gzip.compress(bomb), content_encoding="gzip, gzip")

    assert "more than 1,000,000 bytes" in reason(server.url("/bomb"), allow_private=True, max_bytes=1_000_000)
    assert "packed as 'gzip, gzip'" in reason(server.url("/twice"), allow_private=True)


def test_a_damaged_packing_is_told(server: Server) -> None:
    packed = gzip.compress(b"hello " * 1000)
    server.answers["/cut"] = say(packed[:-12], content_encoding="gzip")
    server.answers["/junk"] = say(b"hello", content_encoding="gzip")

    assert "its end is missing" in reason(server.url("/cut"), allow_private=True)
    assert "damaged" in reason(server.url("/junk"), allow_private=True)


@pytest.mark.parametrize(("status", "said"), [(404, "404 Not Found"), (401, "401 Unauthorized"), (304, "304 Not Mod")])
def test_what_a_server_refuses_is_told_with_its_status_at_once(server: Server, status: int, said: str) -> None:
    server.answers["/a"] = say(b"", status=status)

    assert said in reason(server.url("/a"), allow_private=True)
    assert len(server.asked) == 1


def test_a_failure_that_passes_is_tried_again(server: Server) -> None:
    answers = iter([say(b"", status=503, retry_after="0"), lambda _: None, say(b"hello")])
    server.answers["/busy"] = lambda handler: next(answers)(handler)

    assert read(fetch(server.url("/busy"), allow_private=True)) == b"hello"
    assert len(server.asked) == 3


def test_a_failure_that_stays_is_told_and_time_is_kept(server: Server) -> None:
    server.answers["/down"] = say(b"", status=503, retry_after="0")
    server.answers["/later"] = say(b"", status=429, retry_after="50")

    assert "503 Service Unavailable" in reason(server.url("/down"), allow_private=True)
    started = time.monotonic()
    assert "429 Too Many Requests" in reason(server.url("/later"), allow_private=True)
    assert time.monotonic() - started < 2
    assert len(server.asked) == 4


def test_a_server_that_is_not_there_is_told(server: Server) -> None:
    url = server.url("/")
    server.server_close()

    assert "cannot be fetched" in reason(url, allow_private=True)


def test_a_password_goes_to_its_own_server_and_is_shown_nowhere(server: Server) -> None:
    server.answers["/a"] = say(b"", status=302, location=server.url("/b", "localhost"))
    server.answers["/b"] = say(b"hello")
    url = server.url("/a").replace("//", "//mira:s3cret%40@")

    content = fetch(url, allow_private=True)

    assert [headers.get("authorization") for _, headers in server.asked] == ["Basic bWlyYTpzM2NyZXRA", None]
    assert content.id == content.source == server.url("/a")


@pytest.mark.parametrize(
    "path", ["mira:s3cret@127.0.0.1/a", "mira:s3/cret@127.0.0.1/", "mira:s3cret@[::1/", "mira:s3cret@h:0/"]
)
def test_messages_hold_no_password(path: str) -> None:
    with pytest.raises(DataError) as raised:
        fetch(f"http://{path}")

    assert "cret" not in str(raised.value)
    assert "mira" not in str(raised.value)


def test_a_proxy_of_the_environment_is_not_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.answers["/a"] = say(b"hello")

    assert read(fetch(server.url("/a"), allow_private=True)) == b"hello"


def test_several_pages_come_in_the_order_of_their_urls_eight_at_a_time(server: Server) -> None:
    at_once = 0
    most = 0
    lock = threading.Lock()

    def busy(handler: BaseHTTPRequestHandler) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02 + 0.05 * (int(handler.path[1:]) % 3 == 0))
        with lock:
            at_once -= 1
        say(handler.path.encode())(handler)

    server.answers.update({f"/{number}": busy for number in range(40) if number != 5})
    urls = [server.url(f"/{number}") for number in range(40)]

    found = list(fetch_all(urls, allow_private=True))

    assert [each.id if isinstance(each, Content) else each.source for each in found] == urls
    assert found[5] == Failure(urls[5], "it answers 404 Not Found.")
    assert 2 <= most <= 8


def test_urls_are_taken_as_pages_are_read(server: Server) -> None:
    server.answers["/a"] = say(b"hello")
    taken = 0

    def urls() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield server.url("/a")

    pages = fetch_all(urls(), allow_private=True)
    for _ in range(20):
        next(pages)

    assert taken <= 28
    assert _close(pages) < 1


def test_whoever_stops_reading_stops_what_is_under_way(server: Server) -> None:
    server.answers["/a"] = say(b"hello")
    server.answers["/slow"] = drip

    pages = fetch_all([server.url("/a"), *[server.url("/slow")] * 20], allow_private=True)
    next(pages)

    assert _close(pages) < 1
    assert not [thread for thread in threading.enumerate() if thread.name == "simplugin-fetching"]
    assert len(server.asked) <= 9


def test_pages_are_fetched_inside_a_running_event_loop_too(server: Server) -> None:
    import asyncio

    server.answers["/a"] = say(b"hello")

    async def inside() -> Content:
        return fetch(server.url("/a"), allow_private=True)

    assert read(asyncio.run(inside())) == b"hello"


def test_a_certificate_is_that_of_the_name_and_safety_is_not_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    _trust.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    safe = Server()
    safe.socket = context.wrap_socket(safe.socket, server_side=True)
    safe.scheme = "https"
    safe.answers["/a"] = say(b"hello")
    safe.answers["/down"] = say(b"", status=302, location=server.url("/b"))
    server.answers["/b"] = say(b"hello")

    with _serving(safe):
        assert read(fetch(safe.url("/a", "localhost"), allow_private=True)) == b"hello"
        assert "CERTIFICATE_VERIFY_FAILED" in reason(safe.url("/a"), allow_private=True)
        assert "from https:// to http://" in reason(safe.url("/down", "localhost"), allow_private=True)
    _trust.cache_clear()
    assert server.asked == []


def _certificate(folder: Path) -> Path:
    """Make a key and a certificate of ``localhost``, in one file."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("openssl is not there to make a certificate")
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both


def _close(pages: Any) -> float:
    started = time.monotonic()
    pages.close()
    return time.monotonic() - started
