from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import docx
import odfdo
import pyarrow
import pypdf
import pytest
from pyarrow import parquet

from simplugin.ingestion import Failure, Options, Reading, find_sources, read_sources
from simplugin.records import Document
from tests.ingestion.readers.reading import document, read_all, reason

PAGE = """<!doctype html><html lang="tr-TR"><head><title>Güneş  saati</title><style>p{}</style></head><body>
<nav><a href="/">Ana sayfa</a> | <a href="/x">İletişim</a></nav>
<h1>Güneş saati</h1><p>Gölgenin boyu günün saatini söyler; öğlen en kısadır, sabah ve akşam uzar.</p>
<h2>Yapılışı</h2><p>Bir çubuk dikilir ve gölgesinin yeri her saat başı bir taşla işaretlenir.</p>
<script>var x = "hayır";</script><footer>Telif hakkı</footer></body></html>"""


def docx_file(paragraphs: int = 1) -> bytes:
    opened = docx.Document()
    opened.add_heading("Kullanım kılavuzu", 1)
    for number in range(paragraphs):
        opened.add_paragraph(f"Birinci adım {number}: kapağı açın.")
    opened.add_paragraph("vidalar", style="List Bullet")
    table = opened.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "boy", "12 cm"
    stream = io.BytesIO()
    opened.save(stream)
    return stream.getvalue()


def odt_file() -> bytes:
    opened = odfdo.Document("text")
    opened.body.clear()
    opened.body.append(odfdo.Header(1, "מדריך"))
    opened.body.append(odfdo.Paragraph("פתחו את המכסה בזהירות."))
    stream = io.BytesIO()
    opened.save(stream)
    return stream.getvalue()


def pdf_file(*, password: str | None = None) -> bytes:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    if password:
        writer.encrypt(password)
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def test_languages_are_codes_and_their_names_are_refused() -> None:
    assert Reading(languages=("TR", "pt-BR", " he_IL")).languages == ("tr", "pt", "he")
    with pytest.raises(ValueError, match="'turkish' is no code of a language"):
        Reading(languages=("tr", "turkish"))


def test_markdown_has_its_title_and_keeps_its_text() -> None:
    text = "Intro\n\n# The **Title** { #anchor }\n\nText."

    found = document(text.encode(), "x.md")

    assert (found.text, found.format, found.metadata) == (text, "markdown", {"title": "The Title"})
    assert found.encoding == ("utf-8", 1.0)


def test_front_matter_speaks_of_the_document_and_is_no_part_of_its_text() -> None:
    found = document("---\ntitle: 'Başlık'\nlang: tr-TR\ntags: [a]\n---\nMetin.".encode(), "x.md")

    assert (found.text, found.metadata) == ("Metin.", {"title": "Başlık", "lang": "tr", "tags": ["a"]})
    assert "front matter" in reason(b"---\ntitle: x\n---\n", "x.md")


def test_restructured_text_and_plain_text_are_told_apart_by_their_endings() -> None:
    raw = b"Guide\n=====\n\nText."

    assert (document(raw, "x.rst").format, document(raw, "x.rst").metadata) == ("rst", {"title": "Guide"})
    assert (document(raw, "x.txt").format, document(raw, "x.txt").metadata) == ("text", {})


def test_the_menu_of_a_short_page_is_no_text_either() -> None:
    menu = '<nav><ul><li><a href="/">Startseite</a></li><li>Kontakt</li></ul></nav>'
    found = document(f"<html><body>{menu}<main><p>Kurz.</p></main></body></html>".encode(), "x.html")

    assert found.text == "Kurz."
    assert "no text" in reason(f"<html><body>{menu}</body></html>".encode(), "x.html")


@pytest.mark.parametrize("page", ["utf-8", "cp1254"])
def test_html_gives_its_main_text_without_menus(page: str) -> None:
    declared = PAGE.replace("<head>", f'<head><meta charset="{page}">')

    found = document(declared.encode(page), "x.html")

    assert "# Güneş saati" in found.text
    assert "## Yapılışı" in found.text
    assert "Gölgenin boyu" in found.text
    assert not any(word in found.text for word in ("Ana sayfa", "hayır", "Telif", "p{}"))
    assert found.metadata == {"title": "Güneş saati", "lang": "tr"}
    assert found.format == "markdown"


def test_broken_html_is_read_and_an_empty_page_is_told() -> None:
    assert "Bir paragraf" in document(b"<html><body><div><p>Bir paragraf <b>ve</b> bir daha", "x.html").text
    assert "no text" in reason(b"<html><body><script>x</script></body></html>", "x.html")


def test_html_nested_ten_thousand_deep_is_no_danger() -> None:
    raw = b"<html><body>" + b"<div>" * 10_000 + b"<p>deep down there is a text</p>" + b"</div>" * 10_000

    (found,) = read_all(raw, "x.html")

    assert isinstance(found, Document | Failure)


def test_docx_gives_headings_lists_and_tables() -> None:
    found = document(docx_file(), "x.docx")

    assert found.text.split("\n\n") == [
        "# Kullanım kılavuzu",
        "Birinci adım 0: kapağı açın.",
        "- vidalar",
        "| boy | 12 cm |",
    ]
    assert found.format == "markdown"


def test_odt_gives_headings_and_paragraphs() -> None:
    found = document(odt_file(), "x.odt")

    assert "# מדריך" in found.text
    assert "פתחו את המכסה" in found.text


SAID = (
    "The library opens at nine in the morning and closes at eight. On Sundays it is closed. A card costs nothing.",
    "Bees gather nectar from flowers in spring and summer. In winter they live on their stores, some fifty thousand.",
)
CHAPTERS = "<h1>Manual</h1>" + "".join(f"<h2>Chapter {n}</h2><p>{SAID[n % 2]} ({n})</p>" for n in range(20))


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "<div>{}</div>",
        "<div class='container'>{}</div>",
        "<div class='wrapper'><section>{}</section></div>",
        "<main>{}</main>",
        "<nav><a href='/'>Home</a> <a href='/a'>About</a></nav>{}<footer>Imprint</footer>",
    ],
)
def test_the_headings_of_a_page_stay_whatever_stands_around_them(around: str) -> None:
    page = f"<html><head><title>T</title></head><body>{around.format(CHAPTERS)}</body></html>"

    text = document(page.encode(), "x.html").text

    assert text.startswith("# Manual\n\n## Chapter 0\n\nThe library opens")
    assert text.count("\n## Chapter ") == 20
    assert "Imprint" not in text


@pytest.mark.parametrize(
    "entry",
    [
        "<h3><button>Question {0}?</button></h3><div><p>{1}</p></div>",
        "<details><summary>Question {0}?</summary><p>{1}</p></details>",
        "<details><summary><h4>Question {0}?</h4></summary><p>{1}</p></details>",
    ],
)
def test_questions_that_open_when_they_are_touched_stand_above_their_answers(entry: str) -> None:
    entries = "".join(entry.format(number, SAID[number % 2]) for number in range(12))

    text = document(f"<html><body><h1>FAQ</h1>{entries}</body></html>".encode(), "x.html").text

    assert [line.lstrip("# ") for line in text.splitlines() if line.startswith("##")] == [
        f"Question {number}?" for number in range(12)
    ]
    assert text.count("The library opens") == 6


def test_the_text_in_a_form_is_read_and_a_box_for_the_search_is_not() -> None:
    search = "<form><label>Look for</label><input></form>"
    page = f"<main><h1>Forms</h1>{search}<p>{SAID[0]}</p><form><p>Inside: {SAID[1]}</p></form></main>"

    text = document(f"<html><body>{page}</body></html>".encode(), "x.html").text

    assert "Inside: Bees" in text
    assert "Look for" not in text


@pytest.mark.parametrize("large", ["<img src='data:image/png;base64,{}'>", "<script>{}</script>", "<p>{}</p>"])
def test_a_picture_a_script_or_a_text_of_many_megabytes_hides_nothing_of_the_page(large: str) -> None:
    page = f"<html><body><p>Before it.</p>{large.format('word ' * 2_200_000)}<p>Behind it.</p></body></html>"

    text = document(page.encode(), "x.html").text

    assert text.startswith("Before it.")
    assert text.endswith("Behind it.")


def test_a_page_of_which_the_rest_cannot_be_parsed_is_told() -> None:
    assert "nested so deeply" in reason(b"<html><body><p>a</p>" + b"<div>" * 3_000 + b"lost", "x.html")


def test_an_odt_needs_no_metadata() -> None:
    bare = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(odt_file())) as old, zipfile.ZipFile(bare, "w") as new:
        for member in old.namelist():
            if member != "meta.xml":
                new.writestr(member, old.read(member))

    assert document(bare.getvalue(), "x.odt").metadata == {"title": "מדריך"}


def test_a_pdf_without_text_or_with_a_password_says_so() -> None:
    assert "no text layer (1 pages)" in reason(pdf_file(), "x.pdf")
    assert "password" in reason(pdf_file(password="geheim"), "x.pdf")
    assert "damaged" in reason(b"%PDF-1.7 nothing else", "x.pdf")


def test_a_pdf_gives_its_pages(data: Path) -> None:
    raw = (data / "docs" / "pdf" / "004-pdflatex-4-pages" / "pdflatex-4-pages.pdf").read_bytes()

    found = document(raw, "x.pdf")

    assert len(found.pages) == 4
    assert found.pages[0] == 0
    assert found.text.startswith("Hello, here is some text")


def test_arabic_in_a_pdf_comes_in_reading_order(data: Path) -> None:
    raw = (data / "docs" / "pdf" / "015-arabic" / "habibi.pdf").read_bytes()

    assert "حَبيبي" in document(raw, "x.pdf").text


def test_the_content_tells_the_format_where_the_name_is_wrong() -> None:
    assert document(PAGE.encode(), "page.pdf").metadata["lang"] == "tr"
    assert document(b"Sadece bir metin.", "text.docx").text == "Sadece bir metin."
    assert "# Kullanım" in document(docx_file(), "x.txt").text
    assert "PNG image" in reason(b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "x.txt")
    assert document(b"# Title", "page", Reading()).format == "text"
    (found,) = read_all(b"# Title", "page", media_type="text/markdown; charset=utf-8")
    assert isinstance(found, Document)
    assert found.format == "markdown"


@pytest.mark.parametrize("name", ["x.md", "x.pdf", "x.docx", "x.csv", "x.txt"])
def test_an_empty_file_is_told(name: str) -> None:
    assert reason(b"", name) == "the file is empty."


def test_a_file_beyond_the_limit_is_told() -> None:
    assert "at most 10 are read" in reason(b"x" * 11, "x.txt", Reading(max_bytes=10))


def test_json_lines_come_one_by_one_and_bad_ones_are_told() -> None:
    lines = [
        '{"id": "a", "text": "salam", "lang": "az"}',
        '{"text": "yarım',
        "[]",
        "",
        '{"text": "dünya", "metadata": {"page": 3}}',
        '{"text": 5}',
    ]

    found = read_all("\n".join(lines).encode(), "x.jsonl")

    documents = [entry for entry in found if isinstance(entry, Document)]
    failures = [entry for entry in found if isinstance(entry, Failure)]
    assert [(each.id, each.text, each.metadata) for each in documents] == [
        ("a", "salam", {"lang": "az"}),
        ("x.jsonl#5", "dünya", {"page": 3}),
    ]
    assert [failure.reason.split(":")[0] for failure in failures] == ["line 2", "line 3", "line 6"]


@pytest.mark.parametrize(("name", "mark"), [("x.csv", ","), ("x.csv", ";"), ("x.tsv", "\t")])
def test_a_table_gives_a_document_for_each_row(name: str, mark: str) -> None:
    rows = [["id", "text", "dil"], ["1", 'çay "demli"', "tr"], ["2", "salam\ndünya", "az"]]
    raw = "\n".join(mark.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows).encode()

    found = read_all(raw, name)

    assert [(each.id, each.text, each.metadata) for each in found if isinstance(each, Document)] == [
        ("1", 'çay "demli"', {"dil": "tr"}),
        ("2", "salam\ndünya", {"dil": "az"}),
    ]


def test_the_columns_of_a_table_can_be_chosen_and_a_wrong_choice_lists_them() -> None:
    raw = b"soru,cevap\nnerede,burada\n,orada\n"

    found = read_all(raw, "x.csv", Reading(text_column="cevap", id_column="soru"))

    assert isinstance(found[0], Document)
    assert (found[0].id, found[0].text, found[0].metadata) == ("nerede", "burada", {})
    assert isinstance(found[1], Failure)
    assert "'soru', 'cevap'" in reason(raw, "x.csv")
    assert "no column 'metin'" in reason(raw, "x.csv", Reading(text_column="metin"))


def test_a_list_without_a_heading_is_a_document_a_line() -> None:
    found = read_all("bir cümle\nbir cümle daha\n".encode(), "x.csv")

    assert [each.text for each in found if isinstance(each, Document)] == ["bir cümle", "bir cümle daha"]


def test_a_long_table_is_streamed(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("id,text\n" + "".join(f"{number},satır ışık {number}\n" for number in range(100_000)))
    options = Options(reading=Reading(max_bytes=1000))

    found = list(read_sources(find_sources([path], options), options))

    assert len(found) == 100_000
    assert isinstance(found[-1], Document)
    assert (found[-1].id, found[-1].text) == ("99999", "satır ışık 99999")


def test_parquet_gives_a_document_for_each_row() -> None:
    table = pyarrow.table({"id": ["a", "b"], "text": ["bir", None], "n": [1, 2]})
    stream = io.BytesIO()
    parquet.write_table(table, stream)

    found = read_all(stream.getvalue(), "x.parquet")

    assert isinstance(found[0], Document)
    assert (found[0].id, found[0].text, found[0].metadata) == ("a", "bir", {"n": 1})
    assert isinstance(found[1], Failure)
    assert found[1].reason == "row 2: 'text' is blank."
    assert "damaged" in reason(b"PAR1 and no more", "x.parquet")


def rewritten(raw: bytes, name: str, replaced: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, replaced if member == name else old.read(member))
    return stream.getvalue()


@pytest.mark.parametrize("name", ["x.docx", "x.odt"])
def test_archives_that_swell_or_declare_entities_are_refused_before_they_are_opened(name: str) -> None:
    raw, part = (docx_file(), "word/document.xml") if name == "x.docx" else (odt_file(), "content.xml")
    bomb = rewritten(raw, part, b"<a>" + b" " * 300_000_000 + b"</a>")
    laughs = rewritten(raw, part, b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>')

    assert "unpacks to" in reason(bomb, name)
    assert "entities" in reason(laughs, name)
    assert "damaged" in reason(raw[: len(raw) // 2], name) or "archive" in reason(raw[: len(raw) // 2], name)


def test_every_messy_file_is_read_or_told_with_its_reason(data: Path) -> None:
    found = find_sources([data / "docs" / "messy", data / "docs" / "pdf"], Options())

    entries = list(read_sources(found, Options()))

    failed = {Path(entry.source).name: entry.reason for entry in entries if isinstance(entry, Failure)}
    read = {Path(str(entry.source)).name for entry in entries if isinstance(entry, Document)}
    assert read | failed.keys() == {Path(str(file)).name for file in found.files}
    assert failed.keys() == {
        "binary-junk.txt",
        "broken.jsonl",
        "empty.md",
        "front-matter-only.md",
        "nul-only.txt",
        "whitespace-only.md",
        "zero.pdf",
        "cmyk-image.pdf",
        "grayscale-image.pdf",
        "imagemagick-ASCII85Decode.pdf",
        "imagemagick-CCITTFaxDecode.pdf",
        "imagemagick-lzw.pdf",
        "libreoffice-writer-password.pdf",
    }
    texts = {Path(str(entry.source)).name: entry.text for entry in entries if isinstance(entry, Document)}
    assert texts["html-named.pdf"].split()[:3] == ["“No", "he", "renunciado"]
    assert "Ana sayfa" not in texts["html-page.tr.html"]
    assert texts["İstanbul ışık ÇÖĞÜŞ.txt"].startswith("Adında türk")
    assert "ExampleforaForm" in "".join(texts["libreoffice-form.odt"].split()).replace("*", "")


def test_every_real_page_is_read(data: Path) -> None:
    folders = [data / "docs" / name for name in ("fastapi", "react", "d2l")]

    entries = list(read_sources(find_sources(folders, Options()), Options()))

    assert len(entries) > 700
    assert all(isinstance(entry, Document) and entry.text for entry in entries)


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    options = Options()
    found = find_sources([tmp_path / "no.md"], options)

    (failure,) = read_sources(found, options)

    assert isinstance(failure, Failure)
    assert json.dumps(failure.reason)
