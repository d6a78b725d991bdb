"""A server that fails, is old, or is not there, over the wire."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from simplugin.encoders import Encoder
from simplugin.errors import StoreError
from simplugin.retrying import Retry
from simplugin_qdrant import Cluster, open_store, register
from simplugin_qdrant.stores.client import ClientStore
from tests.hashing import HashEncoder
from tests.qdrant.loopback import LoopbackServer

QUICK = Retry(attempts=8, first=0.02, longest=0.1, longest_asked=0.05)


def connect(server: LoopbackServer, *, timeout: int = 1, retry: Retry = QUICK) -> ClientStore:
    client = QdrantClient(url=server.url, timeout=timeout, check_compatibility=False)
    return ClientStore(client, server.url, owned=True, retry=retry)


async def test_a_search_that_waits_is_asked_again_too() -> None:
    with LoopbackServer(timeout=1.3) as server, connect(server) as store:
        docs = register(store, "faulty", HashEncoder(16))
        docs.add(["one", "two"], ids=["1", "2"])
        server.faults = 0.5

        for _ in range(15):
            assert (await docs.asearch("two", limit=1))[0].document_id == "2"
        server.faults = 0
        assert server.failed


async def test_of_the_candidates_of_a_hybrid_search_a_server_sends_only_those_that_are_returned(
    starter: Encoder,
) -> None:
    searching, reading = "POST /collections/{}/points/query/batch", "POST /collections/{}/points"
    texts = [f"fish number {number}" for number in range(60)]
    with LoopbackServer() as server, connect(server) as store:
        docs = register(store, "docs", starter)
        docs.add(texts, ids=texts)
        asked = server.requests[searching], server.requests[reading]

        found = docs.search("fish number 7", limit=3, mode="hybrid")
        again = await docs.asearch("fish number 7", limit=3, mode="hybrid")

        assert [hit.id for hit in found] == [hit.id for hit in again]
        assert found[0].text == "fish number 7"
        assert (server.requests[searching], server.requests[reading]) == (asked[0] + 2, asked[1] + 2)
        assert [search["with_payload"] for search in server.bodies[searching]["searches"]] == [False, False]
        assert server.bodies[reading]["ids"] == [hit.id for hit in again]


def test_a_server_that_keeps_failing_is_given_up_with_what_it_said() -> None:
    with LoopbackServer(faults=1.0, kinds=("500",)) as server:
        with (
            connect(server, retry=Retry(attempts=3, first=0.01)) as store,
            pytest.raises(StoreError, match=r"in the last of 3 attempts: .*500"),
        ):
            store.names()
        assert server.failed["500"] == 3


def test_a_server_that_is_not_there_is_not_waited_for() -> None:
    started = time.monotonic()
    with open_store("http://127.0.0.1:9") as store, pytest.raises(StoreError, match=r"answers at .*:9"):
        store.names()
    assert time.monotonic() - started < 3


def test_a_server_that_forgets_metadata_is_refused_and_nothing_stays_there() -> None:
    with LoopbackServer(lacks=("metadata",)) as server, connect(server) as store:
        with pytest.raises(StoreError, match=r"1\.15\.4 or newer"):
            register(store, "docs", HashEncoder())
        assert store.names() == []


def test_a_server_without_further_vectors_says_what_to_do_and_goes_on() -> None:
    with LoopbackServer(lacks=("vector names",)) as server, connect(server) as store:
        docs = register(store, "docs", HashEncoder())
        docs.add(["one"], ids=["1"])

        with pytest.raises(StoreError, match=r"1\.18 or newer"):
            docs.migrate(HashEncoder(32))
        docs.add(["two"], ids=["2"])
        assert docs.search("two", limit=1)[0].document_id == "2"


def test_how_a_collection_is_spread_and_read_goes_to_the_server_as_asked() -> None:
    with LoopbackServer() as server, open_store(server.url, read_consistency="majority") as store:
        docs = register(store, "spread", HashEncoder(), cluster=Cluster(shards=6, replicas=2, write_consistency=2))
        docs.add(["one"], ids=["1"])
        assert docs.search("one", limit=1)[0].document_id == "1"

        made = server.bodies["PUT /collections/{}"]
        assert (made["shard_number"], made["replication_factor"], made["write_consistency_factor"]) == (6, 2, 2)
        assert "consistency=majority" in server.queries["POST /collections/{}/points/query/batch"]
        with pytest.raises(StoreError, match="settled when it was made"):
            register(store, "spread", HashEncoder(), cluster=Cluster(shards=2))


@pytest.mark.parametrize("location", [":memory:", "folder"])
def test_a_store_that_is_no_server_is_not_spread(location: str, tmp_path: Path) -> None:
    place = location if location == ":memory:" else str(tmp_path / "db")
    with open_store(place) as store, pytest.raises(StoreError, match="not spread over a cluster"):
        register(store, "spread", HashEncoder(), cluster=Cluster(shards=2))


def test_a_password_in_the_url_of_a_server_is_shown_nowhere() -> None:
    with LoopbackServer() as server, open_store(server.url.replace("//", "//me:s3cret@")) as store:
        with pytest.raises(StoreError) as raised:
            register(store, "nothing")
        assert "s3cret" not in f"{raised.value} {store!r} {store.location}"
    with pytest.raises(StoreError) as raised:
        open_store("ftp://me:s3cret@host")
    assert "s3cret" not in str(raised.value)


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection")
def test_a_key_goes_to_the_server_that_was_named_and_not_where_it_points_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDRANT_API_KEY", "s3cret")
    asked = list[tuple[str, str | None]]()

    class Moved(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("api-key")))
            self.send_response(307)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/elsewhere")  # type: ignore[attr-defined]
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Moved) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        with (
            open_store(f"http://127.0.0.1:{server.server_port}") as store,
            pytest.raises(StoreError, match="307") as raised,
        ):
            store.names()
        server.shutdown()

    assert asked == [("/collections", "s3cret")]
    assert "s3cret" not in str(raised.value)
