from __future__ import annotations

from pathlib import Path

import pytest

from simplugin.ingestion.readers.encodings import decode
from tests.ingestion.readers.reading import document

TURKISH = "Güneş ışığı öğle vakti çok güçlüydü; çocuklar gölgede şarkı söylüyordu. " * 4
RUSSIAN = "Солнце светило ярко, и дети пели песни в тени деревьев до самого вечера. " * 4


def test_a_mojibake_whose_letters_were_lost_on_the_way_is_still_brought_back(data: Path) -> None:
    folder = data / "docs" / "messy"

    text, encoding = decode((folder / "az.mojibake-utf8-as-cp1252.txt").read_bytes())

    assert text == decode((folder / "az.utf8-bom.txt").read_bytes())[0]
    assert encoding.name == "utf-8 (twice, through cp1252)"


def test_a_lost_letter_that_could_be_many_becomes_the_replacement_character() -> None:
    twice = "Çiçək və Ísland, günəş".encode().decode("cp1252", "replace")
    assert "\ufffd" in twice

    assert decode(twice.encode())[0] == "Çiçək və \ufffdsland, günəş"


def test_a_byte_that_was_lost_from_utf8_costs_its_letter_and_not_the_line() -> None:
    raw = TURKISH.encode()
    at = raw.index("ş".encode())

    text, encoding = decode(raw[:at] + raw[at + 1 :])

    assert text == TURKISH.replace("ş", "\ufffd", 1)
    assert encoding.name == "utf-8 (damaged)"
    assert encoding.confidence < 1


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be"])
def test_chinese_without_a_mark_is_known_by_its_line_ends(name: str) -> None:
    text = "阳光明媚，孩子们在树荫下唱歌。\n" * 8

    assert decode(text.encode(name))[0] == text


@pytest.mark.parametrize("languages", [(), ("ru",), ("tr", "ru"), ("tr",)])
@pytest.mark.parametrize("page", ["koi8-r", "cp1251", "cp866", "iso8859-5"])
def test_an_expectation_helps_and_a_wrong_one_does_no_harm_to_a_text_of_some_length(
    page: str, languages: tuple[str, ...]
) -> None:
    assert decode(RUSSIAN.encode(page), languages) == (RUSSIAN, decode(RUSSIAN.encode(page))[1])


@pytest.mark.parametrize(
    "said",
    [
        "Hôtel à Paris",
        "Café crème",
        "L'été à Nîmes",
        "Città più bella",
        "Retour à la page d'accueil",
        "Réunion prévue à 14 h à l'école, près de la mairie.",
    ],
)
def test_a_few_accented_letters_make_no_greek_or_russian_of_french_and_italian(said: str) -> None:
    assert decode(said.encode("cp1252"))[0] == said


def test_what_a_page_declares_in_a_comment_is_not_believed() -> None:
    page = '<html><head><!-- <meta charset="koi8-r"> --><meta charset="windows-1251"></head><body><p>Привет</p></body>'

    assert document(page.encode("cp1251"), "x.html").text == "Привет"


@pytest.mark.parametrize("said", ["Отель в Paris Plaza", "Версия Windows и Linux", "Нажмите Enter", "и так далее"])
def test_latin_names_in_a_russian_text_leave_it_russian(said: str) -> None:
    assert decode(said.encode("cp1251"), ["ru"])[0] == said


def test_the_windows_page_is_named_where_its_cousin_would_read_the_same() -> None:
    assert decode(TURKISH.encode("iso8859-9"))[1].name == "cp1254"
    assert decode("Señaló que está interesado en volver. ".encode("latin-1") * 9, ["es"])[1].name == "cp1252"


def test_the_first_letters_beyond_ascii_may_come_late() -> None:
    raw = b"plain words on every line\n" * 10_000 + TURKISH.encode("cp1254")

    assert decode(raw, ["tr"])[0].endswith(TURKISH)


@pytest.mark.parametrize("declared", ["punycode", "unicode_escape", "base64", "utf-7", "x\0y", ""])
def test_what_a_page_declares_is_only_believed_where_it_is_an_encoding_of_texts(declared: str) -> None:
    assert decode(TURKISH.encode("cp1254"), ["tr"], declared=declared)[0] == TURKISH


def test_japanese_mail_is_read_though_it_looks_like_ascii() -> None:
    assert decode("日本語のメール".encode("iso2022_jp"))[0] == "日本語のメール"
