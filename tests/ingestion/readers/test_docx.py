"""What Word shows of a document is in its text, and what was deleted is not."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from tests.ingestion.readers.reading import document


def element(xml: str) -> Any:
    name, _, rest = xml.partition(">")
    slash = "/" if name.endswith("/") else ""
    return parse_xml(f"{name.removesuffix('/')} {nsdecls('w', 'm')}{slash}>{rest}")


def run(text: str) -> str:
    return f"<w:r><w:t xml:space='preserve'>{text}</w:t></w:r>"


def saved(opened: Any) -> bytes:
    stream = io.BytesIO()
    opened.save(stream)
    return stream.getvalue()


def blocks(opened: Any) -> list[str]:
    return document(saved(opened), "x.docx").text.split("\n\n")


@pytest.mark.parametrize(
    ("inserted", "read"),
    [
        (f"<w:ins>{run('40 EUR')}</w:ins>", "The fee is 40 EUR"),
        (f"<w:moveTo>{run('moved')}</w:moveTo>", "The fee is moved"),
        ("<w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>", "The fee is"),
        (f"<w:moveFrom>{run('gone')}</w:moveFrom>", "The fee is"),
        (f"<w:sdt><w:sdtContent>{run('chosen')}</w:sdtContent></w:sdt>", "The fee is chosen"),
        (f"<w:smartTag>{run('tagged')}</w:smartTag>", "The fee is tagged"),
        (f"<w:fldSimple>{run('7')}</w:fldSimple>", "The fee is 7"),
        ("<w:r><w:instrText>PAGE</w:instrText></w:r>", "The fee is"),
        ("<m:oMath><m:r><m:t>x+1</m:t></m:r></m:oMath>", "The fee is x+1"),
        ("<w:r><w:t>a</w:t><w:noBreakHyphen/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r>", "The fee is a-b\nc"),
    ],
)
def test_what_is_shown_in_a_paragraph_is_read_however_it_is_wrapped(inserted: str, read: str) -> None:
    opened = docx.Document()
    opened.add_paragraph("The fee is ")._p.append(element(inserted))

    assert blocks(opened) == [read]


def test_content_controls_hold_paragraphs_tables_rows_and_cells() -> None:
    opened = docx.Document()
    opened.add_paragraph("first")
    row = f"<w:tr><w:sdt><w:sdtContent><w:tc><w:p>{run('name')}</w:p></w:tc></w:sdtContent></w:sdt></w:tr>"
    inside = f"<w:p>{run('second')}</w:p><w:tbl><w:sdt><w:sdtContent>{row}</w:sdtContent></w:sdt></w:tbl>"
    opened.element.body.insert(1, element(f"<w:sdt><w:sdtContent>{inside}</w:sdtContent></w:sdt>"))

    assert blocks(opened) == ["first", "second", "| name |"]


def test_neighbouring_cells_of_equal_text_are_two_and_merged_ones_one() -> None:
    opened = docx.Document()
    table = opened.add_table(rows=3, cols=3)
    for row, texts in zip(table.rows, (["Mon", "9", "9"], ["Tue", "9", "9"], ["Wed", "yes", "yes"]), strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(1, 1).merge(table.cell(1, 2))
    table.cell(0, 0).merge(table.cell(1, 0))

    assert blocks(opened) == ["| Mon Tue | 9 | 9 |\n| Mon Tue | 9 9 |\n| Wed | yes | yes |"]


def test_a_table_in_a_cell_and_a_text_box_are_read() -> None:
    opened = docx.Document()
    cell = opened.add_table(rows=1, cols=1).cell(0, 0)
    cell.text = "outside"
    cell.add_table(rows=1, cols=2).cell(0, 1).text = "inside"
    box = f"<w:r><w:pict><w:txbxContent><w:p>{run('boxed')}</w:p></w:txbxContent></w:pict></w:r>"
    opened.add_paragraph("beside ")._p.append(element(box))

    assert blocks(opened) == ["| outside inside |", "beside", "boxed"]


def test_what_only_older_programs_show_is_no_second_copy() -> None:
    compatible = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    box = f"<w:txbxContent><w:p>{run('boxed')}</w:p></w:txbxContent>"
    opened = docx.Document()
    paragraph = opened.add_paragraph("beside ")
    paragraph._p.append(
        parse_xml(
            f"<w:r {nsdecls('w')} xmlns:mc='{compatible}'><mc:AlternateContent><mc:Choice>{box}</mc:Choice>"
            f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r>"
        )
    )

    assert blocks(opened) == ["beside", "boxed"]


def test_a_footnote_comes_after_the_paragraph_that_refers_to_it() -> None:
    opened = docx.Document()
    opened.add_paragraph("The fee is due")._p.append(element("<w:r><w:footnoteReference w:id='2'/></w:r>"))
    opened.add_paragraph("End.")
    notes = (
        f"<w:footnotes {nsdecls('w')}><w:footnote w:type='separator' w:id='0'><w:p>{run('----')}</w:p></w:footnote>"
        f"<w:footnote w:id='2'><w:p>{run('on the first of May')}</w:p></w:footnote></w:footnotes>"
    )
    relation = (
        '<Relationship Id="rId99" Target="footnotes.xml" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"/></Relationships>'
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(opened))) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            member = source.read(name).decode("utf-8", "surrogateescape")
            if name == "word/_rels/document.xml.rels":
                member = member.replace("</Relationships>", relation)
            if name == "[Content_Types].xml":
                member = member.replace("</Types>", '<Default Extension="note" ContentType="application/xml"/></Types>')
            target.writestr(name, member.encode("utf-8", "surrogateescape"))
        target.writestr("word/footnotes.xml", notes)

    assert document(stream.getvalue(), "x.docx").text.split("\n\n") == ["The fee is due", "on the first of May", "End."]


def test_a_style_that_rests_on_a_heading_is_one_and_a_numbered_paragraph_is_of_a_list() -> None:
    opened = docx.Document()
    style: Any = opened.styles.add_style("Our chapter", 1)
    style.base_style = opened.styles["Heading 2"]
    opened.add_paragraph("Opening hours", style="Our chapter")
    numbered = opened.add_paragraph("on weekdays")
    numbered._p.get_or_add_pPr().append(element("<w:numPr><w:numId w:val='1'/></w:numPr>"))

    assert blocks(opened) == ["## Opening hours", "- on weekdays"]


def test_a_cell_that_says_it_is_thirty_million_columns_wide_is_one_cell() -> None:
    opened = docx.Document()
    cell = opened.add_table(rows=1, cols=1).cell(0, 0)
    cell.text = "wide"
    cell._tc.get_or_add_tcPr().append(element("<w:gridSpan w:val='30000000'/>"))

    assert blocks(opened) == ["| wide |"]
