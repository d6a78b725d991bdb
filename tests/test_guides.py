"""What the guides show is what happens."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from simplugin.catalog import find
from simplugin.encoders import load
from tests.cli.running import InProcess
from tests.conftest import ROOT
from tests.encoders.remote_server import EmbeddingServer
from tests.pages import commands_of, furnish, python_of, run_python, said_by
from tests.qdrant.loopback import LoopbackServer

PAGES = sorted(page for page in (ROOT / "docs").glob("*.md"))
TRAINS = ROOT / "docs" / "finetuning.md"  # tests/finetuning runs what it shows: minutes of training

LARGE = re.compile(r'"(bge-m3|bge-m3-ml-tr)"')  # models that would be downloaded; the starter stands for them
SERVERS = {"http://qdrant:6333": (), "http://node-1:6333": (), "http://old-qdrant:6333": ("vector names",)}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return furnish(tmp_path)


@pytest.fixture
def servers() -> Generator[dict[str, str], None, None]:
    """Give each server of the pages an address where one listens."""
    with ExitStack() as stack:
        listening = {name: stack.enter_context(LoopbackServer(lacks=lacks)).url for name, lacks in SERVERS.items()}
        embedder = EmbeddingServer(load("starter"), protocol="openai", models=("starter-3",))
        stack.callback(embedder.close)
        yield listening | {"http://embedder:8080": embedder.url}


@pytest.mark.parametrize("page", [page for page in PAGES if page != TRAINS], ids=lambda page: page.stem)
def test_what_a_guide_shows_runs_and_prints_what_it_says(page: Path, here: Path, servers: dict[str, str]) -> None:
    text = page.read_text(encoding="utf-8")
    for name, url in servers.items():
        text = text.replace(name, url)
    program = python_of(text)

    printed = run_python(LARGE.sub('"starter"', program), page.name)

    assert printed == said_by(program)
    simplugin = InProcess(here)
    for words in commands_of(text):
        done = simplugin(*words)
        assert done.code == 0, (words, done.stderr)


def test_most_guides_show_something() -> None:
    shown = [page.stem for page in PAGES if python_of(page.read_text(encoding="utf-8"))]

    assert {"collections", "evaluation", "intents", "langchain", "models", "scaling"} <= set(shown)


def test_the_figures_of_the_models_are_those_of_the_catalog() -> None:
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    (head,) = re.findall(r"^\| model \| numbers \| tokens \| (.*) \|$", text, re.MULTILINE)
    rows = re.findall(r"^\| `(\S+)` \| (\d+) \| (\w+) \| (.*) \|$", text, re.MULTILINE)

    assert len(rows) >= 7
    for name, width, tokens, figures in rows:
        card = find(name)
        claims = {each.data: each.value for each in card.claims if each.metric == "spearman_cosine"}
        stated = [claims.get(f"stsb-{language}-test") for language in head.split(" | ")]
        assert (int(width), tokens) == (card.dimension, str(card.max_tokens or "any")), name
        assert figures.split(" | ") == ["–" if value is None else f"{value:.3f}"[1:] for value in stated], name


def test_every_page_is_in_the_table_of_contents() -> None:
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]

    assert [page for page in pages if not re.search(rf"(- |: ){page}$", contents, re.MULTILINE)] == []


def test_the_door_leads_to_every_guide_and_every_example() -> None:
    door = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    guides = [page.name for page in PAGES if page.name != "index.md"]
    examples = [example.name for example in (ROOT / "examples").glob("*.py")]

    assert [name for name in guides if f"]({name})" not in door] == []
    assert sorted(re.findall(r"^\| `(\w+\.py)` \|", door, re.MULTILINE)) == sorted(examples)


def test_what_contributing_names_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"`((?:simplugin|integrations|tests|\.ci)/[\w./-]+|pyproject\.toml)`", text)
    targets = re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE)

    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []
