from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.errors import DataError
from simplugin.ingestion.readers.encodings import decode
from simplugin.ingestion.readers.lines import read_lines

PAGES = {
    "tr": ("cp1254", "iso8859-9"),
    "az": ("cp1254",),
    "he": ("cp1255", "iso8859-8"),
    "ru": ("koi8-r", "cp1251", "cp866", "iso8859-5"),
    "pl": ("cp1250", "iso8859-2"),
    "de": ("cp1252", "iso8859-15"),
    "es": ("cp1252",),
    "fr": ("cp1252", "iso8859-15"),
    "it": ("cp1252",),
    "nl": ("cp1252",),
    "pt": ("cp1252",),
    "zh": ("gb18030", "big5"),
}

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Co", "Cn"]), min_size=1, max_size=200)


@given(texts, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_any_text_comes_back_from_every_form_of_unicode_with_a_mark(text: str, name: str) -> None:
    if name == "utf-8" and text.startswith("\ufeff"):
        text = text.lstrip("\ufeff") + "."

    assert decode(text.encode(name))[0] in {text, text.lstrip("\ufeff")}


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["Şişli'de güneş ışığı.", "plain text, long enough", "שלום עולם, מה שלומך?"])
def test_unicode_without_a_mark_is_known_by_its_nuls(text: str, name: str) -> None:
    read, encoding = decode(text.encode(name))

    assert read == text
    assert encoding.name == name


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text",
    [
        "图书馆星期一闭馆，其他日子早上九点开门。读者可以借六本书，期限为三个星期。",
        "図書館は月曜日が休みで、ほかの日は九時に開きます。本は六冊まで借りられます。",
        "도서관은 월요일에 쉬고 다른 날은 아홉 시에 엽니다.",
    ],
    ids=["zh", "ja", "ko"],
)
def test_letters_that_leave_no_nuls_are_known_without_a_mark_too(text: str, name: str) -> None:
    read, encoding = decode(text.encode(name))

    assert (read, encoding.name) == (text, name)


def test_line_ends_become_line_feeds() -> None:
    assert decode(b"a\r\nb\rc\n")[0] == "a\nb\nc\n"


@pytest.mark.parametrize("size", [300, 1000])
def test_real_texts_in_old_encodings_come_back(data: Path, size: int) -> None:
    tried, wrong = 0, list[str]()
    for language, pages in PAGES.items():
        lines = (data / "parallel" / f"en-{language}.jsonl").read_text().splitlines()
        text = "\n".join(json.loads(line)[language] for line in lines[50:1500:7])
        for page in pages:
            raw_all = text.encode(page, "ignore")
            for start in range(0, 10 * size, size):
                expected = raw_all.decode(page)[start : start + size]
                raw = expected.encode(page)
                if raw.isascii():
                    continue
                tried += 1
                if decode(raw, [language])[0] != expected:
                    wrong.append(f"{language} {page}")
    assert tried > 150
    assert len(wrong) <= tried // 50, wrong


def test_dotted_and_dotless_i_survive() -> None:
    text = "Iğdır ve İzmir'in ılık kışı: şişli, çığ, ÖĞÜŞ. " * 10

    assert decode(text.encode("cp1254"))[0] == text
    assert decode(text.encode("utf-8"))[0] == text


def test_lines_in_two_encodings_are_each_read_in_their_own() -> None:
    lines = ["Güneş ışığı ve gölge.", "Şişli'de çığ düştü.", "Ağaçların altında öğle uykusu.", "İyi günler."] * 5
    raw = b"\n".join(line.encode("utf-8" if number % 2 else "cp1254") for number, line in enumerate(lines))

    text, encoding = decode(raw, ["tr"])

    assert text == "\n".join(lines)
    assert encoding.name.startswith("utf-8+")
    assert encoding.confidence < 1


@pytest.mark.parametrize("first", ["La bibliothèque ouvre à neuf heures.\n", "The library opens at nine.\n"])
def test_what_others_appended_to_a_long_file_is_read_in_their_page(first: str) -> None:
    said = ["Café crème", "Hôtel à Paris", "Déjà vu", "Très bien merci", "Menu pâté crêpe", "Prénom et âge", "Garçon"]
    begun = first * (1_200_000 // len(first))
    raw = begun.encode() + "".join(f"{line}\n" for line in said).encode("cp1252")

    lines, _ = read_lines(io.BytesIO(raw), (), 10_000)

    assert [line.removesuffix("\n") for line in lines][-len(said) :] == said


def test_lines_before_one_that_is_too_long_are_read_though_they_are_in_another_page() -> None:
    raw = b"The library opens.\n" * 60_000 + "Déjà vu, très bien\n".encode("cp1252") * 3 + b"x" * 20_000 + b"\n"
    lines, _ = read_lines(io.BytesIO(raw), ("fr",), 10_000)

    read: list[str] = []
    with pytest.raises(DataError, match="line 60004 is longer"):
        read.extend(lines)

    assert read[-3:] == ["Déjà vu, très bien\n"] * 3


def test_text_that_was_encoded_twice_is_brought_back_and_text_about_such_letters_is_not() -> None:
    text = "Çocuklar güneşte öğle yemeği yedi, ağaç gölgesi. " * 3
    twice = text.encode().decode("cp1254").encode()

    assert decode(twice)[0] == text
    about = "The letter é becomes Ã© when UTF-8 is taken for Latin-1; naïve readers see Ã¯."
    assert decode(about.encode())[0] == about


def test_what_a_page_declares_is_believed_where_it_fits() -> None:
    raw = "Señaló".encode("cp1252")

    assert decode(raw, declared="windows-1252")[0] == "Señaló"
    assert decode(raw, declared="no-such-encoding")[0]


@pytest.mark.parametrize(("raw", "said"), [(bytes(range(256)) * 40, "no text"), (b"\0" * 100, "nothing but NUL")])
def test_what_is_no_text_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        decode(raw)


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("az.utf16be-bom.txt", "az.utf8-bom.txt"),
        ("az.utf16le-nobom.txt", "az.utf8-bom.txt"),
        ("tr.mixed-utf8-cp1254.txt", "tr.crlf-and-cr.txt"),
    ],
)
def test_real_files_with_a_known_text_hold_it(data: Path, name: str, like: str) -> None:
    folder = data / "docs" / "messy"
    expected = (folder / like).read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    found = decode((folder / name).read_bytes())[0]

    shared = min(len(found), len(expected))
    assert shared > 1000
    assert found.split() == expected.split() or found[:1000].split()[:-1] == expected[:1000].split()[:-1]


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("de.cp1252.txt", "cp1252"),
        ("es.latin1.txt", "latin-1"),
        ("he.iso8859-8.txt", "iso8859-8"),
        ("ru.koi8r.txt", "koi8-r"),
    ],
)
def test_real_files_in_old_encodings_are_read_as_their_names_say(data: Path, name: str, page: str) -> None:
    raw = (data / "docs" / "messy" / name).read_bytes()

    text, encoding = decode(raw)

    assert text == raw.decode(page)
    assert encoding.confidence < 1
