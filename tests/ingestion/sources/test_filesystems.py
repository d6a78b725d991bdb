from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from simplugin.ingestion.readers import read
from simplugin.ingestion.report import Failure
from simplugin.ingestion.sources.content import Content
from simplugin.ingestion.sources.filesystems import _full, find, is_filesystem_url
from simplugin.records import Document

TREE = ("b.md", "a.txt", "picture.png", "sub/c.md", "sub/deep/d.md", ".hidden.md", ".git/e.md", "sub/.f.md")


@pytest.fixture
def memory() -> Iterator[Any]:
    system: Any = fsspec.filesystem("memory")
    for name in TREE:
        system.pipe(f"/docs/{name}", f"text of {name}".encode())
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "docs.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for name in TREE:
            opened.writestr(zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10)), f"text of {name}")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in TREE:
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}", encoding="utf-8")
    return tmp_path / "docs"


def is_text(name: str) -> bool:
    return name.endswith((".md", ".txt"))


def found(url: str, **patterns: list[str]) -> list[str]:
    return [entry.id if isinstance(entry, Content) else f"{entry}" for entry in find(url, wanted=is_text, **patterns)]


def contents(url: str) -> list[Content]:
    return [entry for entry in find(url, wanted=is_text) if isinstance(entry, Content)]


def failure(url: str, **patterns: list[str]) -> Failure:
    (entry,) = find(url, wanted=is_text, **patterns)
    assert isinstance(entry, Failure)
    return entry


def text(content: Content) -> str:
    with content.open() as opened:
        return opened.read().decode()


@pytest.mark.parametrize(
    "given",
    [
        "memory://docs",
        "s3://bucket/a",
        "zip://*.md::/a/b.zip",
        "zip::b.zip",
        "github://o:r@main/docs",
        "S3://b",
        "file:///a",
    ],
)
def test_a_scheme_or_a_chain_is_a_file_system(given: str) -> None:
    assert is_filesystem_url(given)


@pytest.mark.parametrize(
    "given", ["docs", "/a/b.md", "a:b.md", "C:\\docs", "./std::vector.md", "http://h/a", "HTTPS://h/a::b", "-", ""]
)
def test_a_path_and_a_page_are_none(given: str) -> None:
    assert not is_filesystem_url(given)


@pytest.mark.usefixtures("memory")
def test_a_folder_is_searched_to_the_bottom_in_order_without_hidden_files() -> None:
    expected = ["a.txt", "b.md", "sub/c.md", "sub/deep/d.md"]

    assert found("memory://docs") == [f"memory:///docs/{name}" for name in expected]
    assert found("memory://docs/") == found("memory://docs")
    assert found("memory://docs/sub") == [f"memory:///docs/{name}" for name in expected[2:]]


@pytest.mark.usefixtures("memory")
def test_include_and_exclude_look_at_the_path_inside_and_the_name() -> None:
    assert found("memory://docs", include=["sub/*"], exclude=["d.*"]) == ["memory:///docs/sub/c.md"]
    assert found("memory://docs", include=["*.txt"]) == ["memory:///docs/a.txt"]
    assert "no file of a known format that is included" in failure("memory://docs", include=["no*"]).reason


@pytest.mark.usefixtures("memory")
def test_a_file_and_a_glob_are_taken_whatever_they_are_called() -> None:
    assert found("memory://docs/picture.png") == ["memory:///docs/picture.png"]
    assert found("memory://docs/*") == [f"memory:///docs/{name}" for name in ("a.txt", "b.md", "picture.png")]
    assert found("memory://docs/**/*.md", exclude=["sub/deep/*"]) == ["memory:///docs/b.md", "memory:///docs/sub/c.md"]


def test_a_name_with_a_bracket_is_a_file_before_it_is_a_glob(memory: Any) -> None:
    memory.pipe("/docs/[1].md", b"text")

    assert found("memory://docs/[1].md") == ["memory:///docs/[1].md"]


@pytest.mark.usefixtures("memory")
def test_what_is_not_there_is_a_failure() -> None:
    assert failure("memory://nothing") == Failure("memory://nothing", "there is nothing of that name.")
    assert failure("memory://docs/no*.md").reason == "there is nothing of that name."
    assert "there is nothing of that name" in failure("zip://a.md::memory://no.zip").reason


def test_a_folder_without_documents_is_a_failure(memory: Any) -> None:
    memory.pipe("/pictures/a.png", b"")

    assert "no file of a known format" in failure("memory://pictures").reason


def test_what_changed_since_the_last_look_is_seen(memory: Any) -> None:
    found("memory://docs")
    memory.pipe("/docs/new.md", b"text")

    assert "memory:///docs/new.md" in found("memory://docs")


def test_nothing_is_opened_before_it_is_read(memory: Any) -> None:
    (content,) = contents("memory://docs/b.md")
    memory.pipe("/docs/b.md", b"later")

    assert (content.name, content.source, text(content), text(content)) == ("b.md", content.id, "later", "later")


def test_what_is_gone_when_it_is_read_is_a_failure_of_reading(memory: Any) -> None:
    (content,) = contents("memory://docs/b.md")
    memory.rm("/docs/b.md")

    with pytest.raises(OSError, match="there is nothing of that name"):
        content.open()


def test_the_members_of_an_archive_are_named_by_it(archive: Path) -> None:
    members = contents(f"zip://sub::{archive}")

    assert [member.id for member in members] == [f"zip://sub/c.md::{archive}", f"zip://sub/deep/d.md::{archive}"]
    assert [text(member) for member in members] == ["text of sub/c.md", "text of sub/deep/d.md"]
    assert (members[0].name, members[0].size, members[0].modified) == ("c.md", 16, "2024-05-06T07:08:10")
    assert found(f"zip::{archive}") == [f"zip://{n}::{archive}" for n in ("a.txt", "b.md", "sub/c.md", "sub/deep/d.md")]
    assert found(f"zip://*.md::{archive}") == [f"zip://b.md::{archive}"]
    assert found(f"zip://sub/c.md::file://{archive}") == [f"zip://sub/c.md::file://{archive}"]


def test_an_archive_in_a_file_system_keeps_the_whole_chain(archive: Path, memory: Any) -> None:
    memory.pipe("/docs.zip", archive.read_bytes())

    assert found("zip://*.md::memory://docs.zip") == ["zip://b.md::memory://docs.zip"]
    assert found("simplecache::memory://docs/*.md") == ["memory:///docs/b.md"]


def test_members_that_lead_out_of_their_archive_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.zip"
    names = ["good.md", "../up.md", "docs/../../up.md", "/etc/absolute.md", "..\\up.md", "c:\\windows.md"]
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "text")

    entries = list(find(f"zip::{path}", wanted=is_text))

    assert [entry.id for entry in entries if isinstance(entry, Content)] == [f"zip://good.md::{path}"]
    assert sorted(entry.source for entry in entries if isinstance(entry, Failure)) == sorted(
        f"zip://{name}::{path}" for name in names[1:]
    )
    assert {entry.reason for entry in entries if isinstance(entry, Failure)} == {"its path leads out of the archive."}
    assert failure(f"zip://../up.md::{path}").reason == "its path leads out of the archive."


def test_a_tar_that_was_made_of_a_folder_is_read(tmp_path: Path) -> None:
    path = tmp_path / "docs.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("./docs/a.md", "../up.md"):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = 4, 1_000_000_000
            archive.addfile(member, io.BytesIO(b"text"))
        link = tarfile.TarInfo("./docs/link.md")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)

    refused, good, link_out = find(f"tar::{path}", wanted=is_text)

    assert isinstance(refused, Failure)
    assert isinstance(good, Content)
    assert (good.id, good.modified, text(good)) == (f"tar://./docs/a.md::{path}", "2001-09-09T01:46:40+00:00", "text")
    assert isinstance(link_out, Content)
    with pytest.raises(OSError, match="not found"):
        link_out.open()


def test_a_damaged_member_is_a_failure_of_reading(tmp_path: Path) -> None:
    path = tmp_path / "docs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.md", "text of a")
    path.write_bytes(path.read_bytes().replace(b"text of a", b"test of a"))

    (content,) = contents(f"zip::{path}")
    (result,) = read(content)

    assert isinstance(result, Failure)
    assert "Bad CRC-32" in result.reason


def test_what_is_no_archive_is_a_failure(folder: Path) -> None:
    assert "not a zip file" in failure(f"zip::{folder / 'b.md'}").reason


def test_a_local_folder_is_read_by_its_absolute_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(folder / "b.md", (1_000_000_000, 1_000_000_000))
    contained = contents(f"file://{folder}")

    assert [content.id for content in contained] == [
        f"file://{folder}/{name}" for name in ("a.txt", "b.md", "sub/c.md", "sub/deep/d.md")
    ]
    assert (contained[1].size, contained[1].modified) == (12, "2001-09-09T01:46:40+00:00")
    assert found(f"local://{folder}/sub/../b.md") == [f"file://{folder}/b.md"]
    monkeypatch.chdir(folder.parent)
    assert found("file://docs/*.md") == [f"file://{folder}/b.md"]
    assert [entry.text for content in contained for entry in read(content) if isinstance(entry, Document)][1] == (
        "text of b.md"
    )


@pytest.mark.parametrize("through", ["", "simplecache::"])
def test_links_out_of_a_local_folder_are_refused_and_folders_behind_links_left_out(folder: Path, through: str) -> None:
    outside = folder.parent / "secret.md"
    outside.write_text("secret", encoding="utf-8")
    (folder / "sub" / "inside.md").symlink_to(folder / "b.md")
    (folder / "sub" / "outside.md").symlink_to(outside)
    (folder / "sub" / "loop").symlink_to(folder)
    os.mkfifo(folder / "sub" / "pipe.md")

    entries = list(find(f"{through}file://{folder}/sub", wanted=is_text))

    ids = [entry.id.rpartition("/sub/")[2] for entry in entries if isinstance(entry, Content)]
    reasons = {Path(entry.source).name: entry.reason for entry in entries if isinstance(entry, Failure)}
    assert ids == ["c.md", "deep/d.md"]
    assert "link to a file outside" in reasons["outside.md"]
    assert "link to a file outside" in reasons["inside.md"]  # the folder that was named is sub/
    assert reasons["pipe.md"] == "this is no regular file."
    assert f"file://{folder}/sub/inside.md" in found(f"{through}file://{folder}")
    assert found(f"{through}file://{folder}/sub/outside.md") == [f"file://{folder}/sub/outside.md"]
    assert failure(f"{through}file://{folder}/sub/pipe.md").reason == "this is no regular file."


def test_a_folder_that_cannot_be_read_does_not_hide_the_others(folder: Path) -> None:
    (folder / "sub" / "deep").chmod(0)
    if os.access(folder / "sub" / "deep", os.R_OK):
        pytest.skip("whoever runs this may read everything")

    entries = list(find(f"file://{folder}", wanted=is_text))

    assert [entry.source for entry in entries if isinstance(entry, Failure)] == [f"file://{folder}/sub/deep"]
    assert len(entries) == 4


def test_a_driver_that_is_not_there_is_named() -> None:
    reason = failure("oci://bucket@space/docs").reason

    assert "driver of this file system is not installed" in reason
    assert "ocifs" in reason


def test_a_file_system_that_there_is_not_is_a_failure() -> None:
    assert "Protocol not known: nosuch" in failure("nosuch://a").reason


@pytest.mark.parametrize("url", ["zip://*.md::https://h/a.zip", "simplecache::http://127.0.0.1/a.md", "http::x"])
def test_pages_are_not_fetched_past_the_check_of_their_address(url: str) -> None:
    assert "download it first" in failure(url).reason


def test_no_password_is_shown() -> None:
    entry = failure("nosuch://mira:s3cret@host/docs")

    assert entry.source == "nosuch://host/docs"
    assert "s3cret" not in entry.reason


@pytest.mark.parametrize(
    ("url", "path", "name", "expected"),
    [
        ("ftp://host/docs", "/docs", "/docs/a.md", "ftp://host/docs/a.md"),
        ("github://o:r@main/docs", "docs", "docs/a.md", "github://o:r@main/docs/a.md"),
        ("github://o:r@main/", "", "a.md", "github://o:r@main/a.md"),
        ("memory://docs", "/docs", "/docs/a.md", "memory:///docs/a.md"),
    ],
)
def test_a_host_or_a_repository_stays_in_the_id(url: str, path: str, name: str, expected: str) -> None:
    assert _full(url, name, fsspec.filesystem("memory"), path) == expected
