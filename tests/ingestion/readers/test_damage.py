from __future__ import annotations

import io
import random
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pypdf
import pytest

from simplugin.ingestion import Failure, Splitter
from simplugin.records import Document
from tests.hashing import HashEncoder
from tests.ingestion.readers.reading import document, read_all, reason
from tests.ingestion.readers.test_reading import PAGE, docx_file, odt_file, pdf_file, rewritten

TABLE = b'id,text\n1,"a, ""b"" c"\n2,d\n' * 5
LINES = b'{"id": 1, "text": "a", "metadata": {"n": [1]}}\n{"text": "b\\u00e7"}\n' * 5


def damaged(raw: bytes, chance: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(chance.choice((1, 3, 20))):
        at = chance.randrange(max(1, len(changed)))
        match chance.randrange(4):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + chance.randrange(50)]
            case 2:
                changed[at:at] = chance.randbytes(chance.randrange(9))
            case _:
                changed[at:at] = changed[: chance.randrange(99)]
    return bytes(changed)


def damaged_inside(raw: bytes, chance: random.Random) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(stream, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            new.writestr(member, damaged(content, chance) if chance.random() < 0.3 else content)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "make", "rounds"),
    [
        ("x.docx", docx_file, 40),
        ("x.odt", odt_file, 40),
        ("x.pdf", pdf_file, 100),
        ("x.html", lambda: PAGE.encode(), 60),
        ("x.csv", lambda: TABLE, 100),
        ("x.jsonl", lambda: LINES, 100),
    ],
)
def test_damaged_files_are_read_or_told_and_never_raise(name: str, make: Callable[[], bytes], rounds: int) -> None:
    chance = random.Random(name)
    raw = make()
    for number in range(rounds):
        inside = number % 2 and raw.startswith(b"PK")
        found = read_all((damaged_inside if inside else damaged)(raw, chance), name)

        assert found
        assert all(isinstance(entry, Document | Failure) for entry in found)


@pytest.mark.parametrize("make", [docx_file, odt_file])
def test_an_archive_with_a_wrong_checksum_is_told(make: Callable[[], bytes]) -> None:
    raw = bytearray(make())
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        part = next(name for name in ("word/styles.xml", "styles.xml") if name in archive.namelist())
        info = archive.getinfo(part)
    at = info.header_offset + 30 + len(info.filename) + info.compress_size // 2
    raw[at] ^= 0xFF

    assert "damaged" in reason(bytes(raw), "x.zip")


def test_an_archive_of_something_else_says_so() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "hi")

    assert "ZIP archive that is neither" in reason(stream.getvalue(), "x.docx")


@pytest.mark.parametrize("mark", ["GIF89a", "Rar!", "BZh9", "PAR1"])
def test_a_text_that_begins_with_the_mark_of_another_format_is_a_text(mark: str) -> None:
    assert document(f"{mark} is how such a file begins.\n".encode(), "x.txt").text.startswith(mark)
    assert reason(mark.encode() + b"\x01\x00\x01\x00\x80" + b"\xfe" * 40, "x.txt")


def test_a_text_that_speaks_of_a_mark_is_no_pdf_and_a_pdf_after_junk_is() -> None:
    assert document(b"# Format\n\nA file begins with %PDF-1.7 there.", "x.md").metadata == {"title": "Format"}
    assert "no text layer" in reason(b"\n\n" + pdf_file(), "x.txt")


@pytest.mark.parametrize("name", ["x.pdf", "x.docx", "x.odt"])
def test_what_is_neither_what_its_name_says_nor_text_is_told_so(name: str) -> None:
    kind = name.rpartition(".")[2].upper()
    assert reason(bytes(range(256)) * 40, name) == f"its name says {kind}, and it is neither that nor text."


def test_lines_of_a_pdf_are_put_together_where_a_sentence_goes_on() -> None:
    assert document(pdf_of(["The mi\ufb01ts of a long sen-", "tence go on", "and on.", "Next one."]), "x.pdf").text == (
        "The mifits of a long sentence go on and on.\nNext one."
    )


def test_the_title_of_a_pdf_holds_no_nul() -> None:
    assert document(pdf_of(["Text."], title="Name\0"), "x.pdf").metadata == {"title": "Name"}


def test_a_page_whose_body_is_a_form_is_read_and_its_first_heading_names_it() -> None:
    page = "<html xml:lang='az-AZ'><body><form><h1><a href='/'>Günəş</a> saatı</h1><p>Kölgə qısalır.</p></form>"

    found = document(page.encode(), "x.html")

    assert "Kölgə qısalır." in found.text
    assert found.metadata == {"title": "Günəş saatı", "lang": "az"}


def test_a_control_character_behind_a_script_costs_nothing() -> None:
    page = "<html><body>\x01<script>var x</script>\x02&#3;<nav>menü</nav>\x04<p>söz</p>\x05</body></html>"

    found = document(page.encode(), "x.html")

    assert "söz" in found.text
    assert not any(word in found.text for word in ("var", "menü"))


def test_a_nul_does_not_cut_a_page_short() -> None:
    assert "sonra" in document(b"<html><body><p>once</p>\0<p>sonra</p></body></html>", "x.html").text


def pdf_of(lines: list[str], title: str = "") -> bytes:
    """Return a PDF of one page, written by hand: no library that is installed writes texts."""
    shown = " ".join(f"({line}) Tj T*".replace("\ufb01", "\\256") for line in lines)
    stream = f"BT /F 12 Tf 14 TL 40 700 Td {shown} ET".encode("latin-1")
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding<</Type/Encoding/Differences[174/fi]>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        font,
    ]
    raw, offsets = b"%PDF-1.4\n", list[int]()
    for number, each in enumerate(objects, 1):
        offsets.append(len(raw))
        raw += b"%d 0 obj%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(raw)
    raw += b"xref\n0 6\n0000000000 65535 f \n%strailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (table, start)
    if not title:
        return raw
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(raw))
    writer.add_metadata({"/Title": title})
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def test_a_pdf_that_ends_a_thousand_times_and_a_table_under_an_endless_heading_are_soon_done_with() -> None:
    started = time.process_time()
    ending = pdf_of(["Text."]).replace(b"trailer", b"trailer<</Size 6/Root 1 0 R000 n \n" * 6_000 + b"trailer", 1)
    table = b"text,place," + b"a" * 200_000 + b"\n" + b"d,e,f\n" * 20_000

    assert "ends more than 200 times" in reason(ending, "x.pdf")
    assert len(read_all(table, "x.csv")) == 20_000
    assert time.process_time() - started < 10  # they took minutes


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("x.txt", b"<!---->" * 1000 + b"text"),
        ("x.md", b"# a" + b" " * 100_000 + b"b"),
        ("x.md", b"---\ntitle: a" + b" " * 100_000 + b"b\n---\ntext"),
        ("x.md", b"# " + b"[a](" * 5_000),
        ("x.md", b"a\nb\n=\n" * 10_000),
        ("x.md", b"# " + b"heading " * 10_000 + b"\n\n" + b"a paragraph of some words\n\n" * 5_000),
        ("x.rst", b"a" + b" \t" * 50_000 + b"b"),
        ("x.html", b"<html><body><p>a</p>" + b"<b> </b>" * 20_000 + b"b"),
        ("x.html", b"<html><body><p>a text</p>" + b"<div>a</div>" * 50_000),
        ("x.txt", b"a" * 500_000 + b"\n\xe7\xfd\xf0 \xfe\n"),
    ],
)
def test_long_runs_of_the_same_take_no_longer_than_other_files(name: str, raw: bytes) -> None:
    splitter, started = Splitter(HashEncoder(16), 64, headings=True), time.process_time()

    (found,) = read_all(raw, name)

    assert isinstance(found, Document)
    assert splitter.split(found)
    assert time.process_time() - started < 20  # some took minutes, one for ever


REPEATED_CELL = (
    '<table:table><table:table-row table:number-rows-repeated="100000">'
    '<table:table-cell table:number-columns-repeated="1000"/></table:table-row></table:table>'
)


@pytest.mark.parametrize(
    "repeated",
    [
        '<text:p>a<text:s text:c="2000000000"/>b</text:p>',
        REPEATED_CELL,
        '<text:p>a<text:s text:c="&#50;000000000"/>b</text:p>',
    ],
)
def test_a_blank_or_a_cell_that_repeats_without_end_is_refused(repeated: str) -> None:
    whole = zipfile.ZipFile(io.BytesIO(odt_file())).read("content.xml").decode()

    written = whole.replace("</office:text>", f"{repeated}</office:text>").encode()

    assert "repeats a blank or a cell millions of times" in reason(
        rewritten(odt_file(), "content.xml", written), "x.odt"
    )


@pytest.mark.parametrize(("make", "part"), [(docx_file, "word/document.xml"), (odt_file, "content.xml")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("outside", [True, False], ids=["a file", "a bomb"])
def test_entities_that_hide_show_nothing_of_this_machine_and_do_not_grow(
    make: Callable[[], bytes], part: str, encoding: str, outside: bool, tmp_path: Path
) -> None:
    (tmp_path / "secret.txt").write_text("s3cret")
    steps = "".join(f'<!ENTITY e{step} "{f"&e{step - 1};" * 10}">' for step in range(1, 10))
    entities = f'<!ENTITY e9 SYSTEM "{(tmp_path / "secret.txt").as_uri()}">' if outside else f'<!ENTITY e0 "ha">{steps}'
    whole = zipfile.ZipFile(io.BytesIO(make())).read(part).decode().partition("?>")[2]
    said = "Birinci" if "Birinci" in whole else "פתחו"
    hidden = f'<?xml version="1.0" encoding="{encoding}"?><!--{" " * 70_000}--><!DOCTYPE a [{entities}]>'

    written = (hidden + whole.replace(said, f"&e9;{said}")).encode(encoding)

    (found,) = read_all(rewritten(make(), part, written), "x.zip")

    assert "s3cret" not in repr(found)
    assert isinstance(found, Failure) or len(found.text) < 1000
