"""What many tests need: the data that lies beside the project, the starter, and stores of every kind."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import settings

from simplugin.encoders import Encoder, load
from simplugin_qdrant import Store, open_store
from tests.qdrant.loopback import LoopbackServer

ROOT = Path(__file__).parent.parent

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("SIMPLUGIN_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the data folder is not there; set SIMPLUGIN_DATA ({folder.name})")
    return folder


@pytest.fixture(scope="session")
def starter() -> Encoder:
    return load("starter")


@pytest.fixture(params=["edge", "memory", "path", "wire", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Store, None, None]:
    """Return an empty store of each kind; ``wire`` is HTTP to an emulator, ``server`` what ``QDRANT_URL`` names."""
    if request.param == "server":
        url = os.environ.get("QDRANT_URL")
        if not url:
            pytest.skip("QDRANT_URL is not set: no Qdrant server to test against")
        with open_store(url) as opened:
            before = set(opened.names())
            yield opened
            for name in set(opened.names()) - before:
                opened.drop(name)
    elif request.param == "edge":
        with open_store(tmp_path / "edge") as opened:
            yield opened
    elif request.param == "wire":
        with LoopbackServer() as loopback, open_store(loopback.url) as opened:
            yield opened
    elif request.param == "memory":
        with open_store(":memory:") as opened:
            yield opened
    else:
        from qdrant_client import QdrantClient

        client = QdrantClient(path=str(tmp_path / "local"))
        with open_store(client) as opened:
            yield opened
        client.close()


@pytest.fixture
def fresh() -> Callable[[str], str]:
    """Return a maker of collection names that no server has: several runs may share one."""
    return lambda word: f"{word}-{uuid.uuid4().hex[:8]}"
