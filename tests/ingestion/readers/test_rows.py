from __future__ import annotations

import io
import json
from datetime import date
from typing import BinaryIO

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from simplugin.ingestion import Failure, Reading, read
from simplugin.ingestion.sources.content import Content
from simplugin.records import Document
from tests.ingestion.readers.reading import read_all, reason

LONG = 1 << 20  # bytes beyond which a file is streamed


class Pipe(io.RawIOBase):
    """A stream that cannot be wound back, and gives a little at a time."""

    def __init__(self, raw: bytes) -> None:
        self._raw = io.BytesIO(raw)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        into = memoryview(buffer)  # type: ignore[arg-type]
        part = self._raw.read(min(len(into), 1000))
        into[: len(part)] = part
        return len(part)


def piped(raw: bytes, name: str) -> list[Document | Failure]:
    def opened() -> BinaryIO:
        return io.BufferedReader(Pipe(raw))

    return list(read(Content(id=name, source=name, name=name, open=opened)))


def texts(found: list[Document | Failure]) -> list[str]:
    return [entry.text for entry in found if isinstance(entry, Document)]


def reasons(found: list[Document | Failure]) -> list[str]:
    return [entry.reason for entry in found if isinstance(entry, Failure)]


# Without the control that JSON does not escape, and without what looks like UTF-8 that was encoded twice.
letters = st.characters(codec="utf-8", exclude_characters=["\x7f", *map(chr, range(0xC2, 0xF5)), *"ĞŞğ"])


@given(st.lists(st.text(letters, min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_any_texts_come_back_from_json_lines(written: list[str]) -> None:
    raw = "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in written).encode()

    assert texts(read_all(raw, "x.jsonl")) == written


def test_what_looks_like_a_line_end_inside_json_is_none() -> None:
    assert texts(read_all('{"text": "a\u2028b\x85c"}'.encode(), "x.jsonl")) == ["a\u2028b\x85c"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": NaN}', "NaN is no JSON number"),
        ('{"text": "\\ud800"}', "half a surrogate"),
        ('{"text": ' + "[" * 100_000, "nested too deep"),
        ('{"text": " "}', "'text' is blank"),
        ('{"titel": 1, "n": 2}', "'titel', 'n'"),
        ("null", "JSON object was expected"),
        ('{"id": true, "text": "bir"}', "'id' is neither a text nor a number"),
        ('{"id": ["a"], "text": "bir"}', "'id' is neither a text nor a number"),
    ],
)
def test_a_line_that_is_no_document_says_why_and_the_next_one_is_read(line: str, said: str) -> None:
    found = read_all(f'{line}\n{{"text": "sonraki"}}'.encode(), "x.jsonl")

    (told,) = reasons(found)
    assert told.startswith("line 1: ")
    assert said in told
    assert texts(found) == ["sonraki"]


def test_json_lines_come_out_of_a_pipe() -> None:
    raw = b"".join(b'{"text": "satir %d"}\n' % number for number in range(60_000))
    assert len(raw) > LONG

    assert texts(piped(raw, "stdin.jsonl")) == [f"satir {number}" for number in range(60_000)]


def test_what_is_no_table_is_read_out_of_a_pipe_too() -> None:
    (document,) = piped("# Başlık\n\nMetin.".encode(), "x.md")

    assert isinstance(document, Document)
    assert document.metadata == {"title": "Başlık"}


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-32", "cp1254", "utf-8-sig"])
def test_long_tables_are_streamed_in_any_encoding(name: str) -> None:
    lines = ["id;text"] + [f"{number};Şişli'de güneş ışığı {number} 🌞" for number in range(40_000)]
    raw = "\n".join(lines).encode(name, "ignore")
    assert len(raw) > LONG

    found = read_all(raw, "x.csv", Reading(languages=("tr",)))

    assert reasons(found) == []
    assert len(found) == 40_000
    assert texts(found)[-1].startswith("Şişli'de güneş ışığı 39999")


def test_a_long_table_may_go_on_in_another_encoding() -> None:
    start = b"text\n" + b"plain words\n" * (LONG // 10)

    found = read_all(start + "Şişli'de güneş ışığı ve gölge, öğle uykusu\n".encode("cp1254"), "x.csv", Reading(("tr",)))

    assert texts(found)[-1] == "Şişli'de güneş ışığı ve gölge, öğle uykusu"


def test_a_line_beyond_the_limit_ends_the_reading_with_its_number() -> None:
    raw = b'{"text": "ok"}\n' * 80_000 + b'{"text": "' + b"x" * 5000 + b'"}\n'

    found = read_all(raw, "x.jsonl", Reading(max_bytes=4000))

    assert len(texts(found)) == 80_000
    assert reasons(found) == ["line 80001 is longer than 4,000 bytes; it and what follows is not read."]


def test_a_broken_quote_costs_its_row_only() -> None:
    found = read_all(b'id,text\n1,"a" b\n2,iyi\n', "x.csv")

    assert texts(found) == ["iyi"]
    assert reasons(found)[0].startswith("line 2: ")


def test_rows_that_do_not_fit_the_heading_are_told_with_their_line() -> None:
    found = read_all(b"id,text\n1\n2,iki\n3,uc,dort\n", "x.csv")

    assert texts(found) == ["iki"]
    assert [told.split(":")[0] for told in reasons(found)] == ["line 2", "line 4"]


def test_columns_of_one_name_become_a_list_as_trackers_export_them() -> None:
    (first, second) = read_all(b"text,label,comment,label\nTea,hot,good,drink\nCake,,,sweet\n", "x.csv")

    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert first.metadata == {"label": ["hot", "drink"], "comment": "good"}
    assert second.metadata == {"label": ["sweet"], "comment": ""}


@pytest.mark.parametrize(
    ("heading", "how", "said"),
    [
        ("text,text", Reading(), "2 columns 'text'"),
        ("id,text,id", Reading(), "2 columns 'id'"),
        ("a,b,a", Reading(text_column="a"), "2 columns 'a'"),
        ("text,n", Reading(id_column="key"), "no column 'key'; there are 'text', 'n'"),
    ],
)
def test_a_table_without_the_wanted_columns_once_each_is_one_failure(heading: str, how: Reading, said: str) -> None:
    assert said in reason(f"{heading}\n1,2,3\n4,5,6\n".encode(), "x.csv", how)


def test_a_blank_id_is_none() -> None:
    (document,) = read_all(b'{"id": "  ", "text": "bir"}', "x.jsonl")

    assert isinstance(document, Document)
    assert document.id == "x.jsonl#1"


def test_sentences_with_commas_are_no_table() -> None:
    sentences = ["Önce geldi, sonra gitti.", "Bugün hava güzel.", "Elma, armut, nar ve üzüm aldım.", "Yeter."]

    assert texts(read_all("\n".join(sentences).encode(), "x.csv")) == sentences


def test_headings_are_known_in_any_case() -> None:
    (document,) = read_all("ID|Text|Dil\n7|çay|tr\n".encode(), "x.csv")

    assert isinstance(document, Document)
    assert (document.id, document.text, document.metadata) == ("7", "çay", {"Dil": "tr"})


def test_parquet_values_become_json_values() -> None:
    values = {"text": ["bir"], "day": [date(2024, 2, 29)], "x": [float("nan")], "tags": [["a", "b"]], "raw": [b"\x01"]}
    stream = io.BytesIO()
    parquet.write_table(pyarrow.table(values), stream)

    (document,) = read_all(stream.getvalue(), "x.parquet")

    assert isinstance(document, Document)
    assert document.metadata == {"day": "2024-02-29", "x": None, "tags": ["a", "b"], "raw": "01"}


def test_bytes_in_parquet_are_the_text_that_they_spell_and_digits_where_they_spell_none() -> None:
    stream = io.BytesIO()
    columns = {"text": ["Türkçe metin".encode()], "key": [b"\xff\x00"]}
    parquet.write_table(pyarrow.table(columns, schema=pyarrow.schema(dict.fromkeys(columns, pyarrow.binary()))), stream)

    (found,) = read_all(stream.getvalue(), "x.parquet")

    assert isinstance(found, Document)
    assert (found.text, found.metadata["key"]) == ("Türkçe metin", "ff00")


def test_a_parquet_file_without_a_known_text_column_lists_what_it_has() -> None:
    stream = io.BytesIO()
    parquet.write_table(pyarrow.table({"soru": ["a"], "cevap": ["b"]}), stream)

    assert "'soru', 'cevap'" in reason(stream.getvalue(), "x.parquet")


def test_a_small_parquet_file_of_long_equal_rows_does_not_fill_memory() -> None:
    text = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 200, pyarrow.int32()), ["x" * 4_000_000])
    stream = io.BytesIO()
    parquet.write_table(pyarrow.table({"text": text}), stream, compression="zstd")
    entries = read(Content(id="x", source="x", name="x.parquet", open=lambda: io.BytesIO(stream.getvalue())))
    assert len(stream.getvalue()) < 10_000

    before = pyarrow.total_allocated_bytes()
    most = max(pyarrow.total_allocated_bytes() - before for entry in entries if isinstance(entry, Document))

    assert most < 150_000_000  # of 800


def test_an_id_alone_is_no_text() -> None:
    found = list(read_all(b'{"id": "m1", "text": "Real."}\n{"id": "m2"}\n{"only": "one column"}\n{}\n', "x.jsonl"))

    assert [each.text for each in found if isinstance(each, Document)] == ["Real.", "one column"]
    assert [each.reason for each in found if isinstance(each, Failure)] == [
        "line 2: which column holds the text? There are 'id'; name it (text_column, --text-column).",
        "line 4: which column holds the text? There are none; name it (text_column, --text-column).",
    ]
