from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from simplugin.errors import DataError
from simplugin.ingestion import Found, find_files, read_document


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.md", "a.txt", "sub/c.markdown", "sub/d.rst", ".hidden.md", ".git/e.md", "sub/deep/F.MD"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# Title\n\ntext", encoding="utf-8")
    return tmp_path


def names(found: Iterable[Found], tree: Path) -> list[str]:
    return [each.path.relative_to(tree).as_posix() for each in found]


def test_a_folder_is_searched_to_the_bottom_in_order_without_hidden_files(tree: Path) -> None:
    assert names(find_files([tree]), tree) == ["a.txt", "b.md", "sub/c.markdown", "sub/deep/F.MD"]


def test_include_and_exclude_look_at_path_and_name(tree: Path) -> None:
    assert names(find_files([tree], include=["*.md"]), tree) == ["b.md"]
    assert names(find_files([tree], include=["sub/*"], exclude=["*.MD"]), tree) == ["sub/c.markdown"]


def test_a_file_reached_twice_is_read_once_and_globs_are_expanded(tree: Path) -> None:
    found = find_files([tree / "b.md", str(tree / "*.md"), str(tree / "**/*.markdown")])

    assert names(found, tree) == ["b.md", "sub/c.markdown"]


def test_what_is_not_there_is_found_with_its_problem(tree: Path) -> None:
    (tree / "empty").mkdir()

    problems = [each.problem for each in find_files([tree / "no.md", str(tree / "no*.md"), tree / "empty"])]

    assert "no such file" in str(problems[0])
    assert "no file matches" in str(problems[1])
    assert "no file to read" in str(problems[2])


def test_links_to_folders_are_not_followed(tree: Path) -> None:
    (tree / "sub" / "loop").symlink_to(tree)

    assert len(list(find_files([tree]))) == 4


@pytest.mark.parametrize("text", ["Şişli'de güneş ışığı", "Əliağa, çığ", "שלום", "日本語です", "Ünïcode ﬁ"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_text_is_read_as_it_was_written_with_and_without_a_byte_order_mark(
    tmp_path: Path, text: str, mark: bytes
) -> None:
    (tmp_path / "x.txt").write_bytes(mark + text.encode())

    assert read_document(tmp_path / "x.txt").text == text


def test_the_id_is_the_absolute_path_or_the_path_under_the_root(tree: Path) -> None:
    path = tree / "sub" / "c.markdown"

    document = read_document(path)

    assert document.id == path.as_posix()
    assert document.metadata == {"title": "Title"}
    assert document.format == "markdown"
    assert read_document(path, root=tree).id == "sub/c.markdown"
    with pytest.raises(DataError, match="under the root"):
        read_document(tree / "a.txt", root=tree / "sub")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.md", b"", "empty"),
        ("x.md", b" \n\t\n", "empty"),
        ("x.md", "fine\nnaïve".encode("latin-1"), "x.md:2: the text is not UTF-8"),
        ("x.pdf", b"%PDF", "'.pdf' are not read"),
        ("x", b"text", "'nothing' are not read"),
    ],
)
def test_what_cannot_be_read_says_why_and_where(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DataError) as raised:
        read_document(tmp_path / name)

    assert said in str(raised.value)
    assert str(tmp_path / name) in str(raised.value)


def test_a_pipe_and_a_folder_are_no_files_and_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder.md").mkdir()

    for name in ("pipe.md", "folder.md"):
        with pytest.raises(DataError, match="no regular file"):
            read_document(tmp_path / name)


def test_every_real_page_is_read(data: Path) -> None:
    found = list(find_files([data / "docs" / "fastapi", data / "docs" / "react", data / "docs" / "d2l"]))

    assert len(found) > 700
    assert all(read_document(each.path).text for each in found)
