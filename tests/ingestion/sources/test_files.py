from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, VectorParams

from simplugin.ingestion import FORMATS, Failure
from simplugin.ingestion.sources.content import Content
from simplugin.ingestion.sources.files import find_files, open_file
from simplugin_qdrant import open_store, register
from tests.hashing import HashEncoder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    names = ("b.md", "a.txt", "sub/c.markdown", "sub/d.png", ".hidden.md", ".git/e.md", "sub/deep/F.MD")
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# Title\n\ntext", encoding="utf-8")
    return tmp_path


def known(name: str) -> bool:
    return Path(name).suffix.lower() in FORMATS


def names(found: Iterable[str | Failure], tree: Path) -> list[str]:
    return [Path(each).relative_to(tree).as_posix() for each in found if isinstance(each, str)]


def test_a_folder_is_searched_to_the_bottom_in_order_without_hidden_files(tree: Path) -> None:
    skipped: Counter[str] = Counter()

    found = find_files([tree], wanted=known, skipped=skipped)

    assert names(found, tree) == ["a.txt", "b.md", "sub/c.markdown", "sub/deep/F.MD"]
    assert skipped == {".png": 1}


def test_a_store_that_lies_in_the_folder_is_passed_over(tree: Path) -> None:
    skipped: Counter[str] = Counter()
    before = names(find_files([tree], wanted=known), tree)
    with open_store(tree / "simplugin_db") as ours:
        register(ours, "docs", HashEncoder()).add(["text"])
    with contextlib.closing(QdrantClient(path=str(tree / "sub" / "theirs"))) as theirs:
        theirs.create_collection("docs", VectorParams(size=2, distance=Distance.COSINE))
    for folder in ("simplugin_db", "sub/theirs"):
        (tree / folder / "page.md").write_text("text", encoding="utf-8")

    assert names(find_files([tree], wanted=known, skipped=skipped), tree) == before
    assert skipped == {".png": 1}
    assert names(find_files([tree / "simplugin_db"], wanted=known), tree) == ["simplugin_db/page.md"]


def test_include_and_exclude_look_at_path_and_name(tree: Path) -> None:
    assert names(find_files([tree], wanted=known, include=["*.md"]), tree) == ["b.md"]
    chosen = find_files([tree], wanted=known, include=["sub/*"], exclude=["*.MD"])
    assert names(chosen, tree) == ["sub/c.markdown"]


@pytest.mark.parametrize(
    ("excluded", "left"),
    [
        ("sub", ["a.txt", "b.md"]),
        ("deep", ["a.txt", "b.md", "sub/c.markdown"]),
        ("**/deep/**", ["a.txt", "b.md", "sub/c.markdown"]),
        ("**/sub/**", ["a.txt", "b.md"]),
        ("**/*.md", ["a.txt", "sub/c.markdown", "sub/deep/F.MD"]),
        ("su", ["a.txt", "b.md", "sub/c.markdown", "sub/deep/F.MD"]),
    ],
)
def test_with_a_folder_all_that_is_in_it_is_excluded(tree: Path, excluded: str, left: list[str]) -> None:
    assert names(find_files([tree], wanted=known, exclude=[excluded]), tree) == left


def test_a_file_reached_twice_is_read_once_and_globs_are_expanded(tree: Path) -> None:
    found = find_files([tree / "b.md", str(tree / "*.md"), str(tree / "**/*.markdown")], wanted=known)

    assert names(found, tree) == ["b.md", "sub/c.markdown"]


def test_what_is_not_there_is_found_with_its_reason(tree: Path) -> None:
    (tree / "empty").mkdir()

    found = find_files([tree / "no.md", str(tree / "no*.md"), tree / "empty"], wanted=known)
    reasons = [each.reason for each in found if isinstance(each, Failure)]

    assert "no such file" in reasons[0]
    assert "no file matches" in reasons[1]
    assert "no file of a known format" in reasons[2]


def test_links_to_folders_are_not_followed(tree: Path) -> None:
    (tree / "sub" / "loop").symlink_to(tree)

    assert len(list(find_files([tree], wanted=known))) == 4


def test_a_link_out_of_the_folder_is_refused_and_one_within_it_read(tree: Path) -> None:
    outside = tree.parent / f"{tree.name}-secret.md"
    outside.write_text("secret")
    (tree / "sub" / "out.md").symlink_to(outside)
    (tree / "sub" / "in.md").symlink_to(tree / "b.md")

    found = list(find_files([tree], wanted=known))

    refused = [each for each in found if isinstance(each, Failure)]
    assert [Path(failure.source).name for failure in refused] == ["out.md"]
    assert "outside" in refused[0].reason
    assert "sub/in.md" in names(found, tree)


def test_the_id_is_the_absolute_path_or_the_path_under_the_root(tree: Path) -> None:
    path = tree / "sub" / "c.markdown"

    content, under = open_file(str(path)), open_file(str(path), root=tree)
    elsewhere = open_file(str(tree / "a.txt"), root=tree / "sub")

    assert isinstance(content, Content)
    assert isinstance(under, Content)
    assert isinstance(elsewhere, Failure)
    assert (content.id, under.id) == (path.as_posix(), "sub/c.markdown")
    assert content.modified is not None
    assert "under the root" in elsewhere.reason


def test_a_pipe_a_device_and_a_folder_are_no_files_and_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder.md").mkdir()

    for path in (tmp_path / "pipe.md", tmp_path / "folder.md", Path("/dev/zero")):
        failure = open_file(str(path))
        assert isinstance(failure, Failure)
        assert "no regular file" in failure.reason
