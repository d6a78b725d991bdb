"""Reading of the training data."""

from pathlib import Path

import pytest

from simplugin.errors import DataError
from simplugin.training.corpus import (
    PHRASEBOOK,
    TRANSLATED_LANGUAGES,
    ScoredPair,
    Translation,
    read_phrases,
    read_scored_pairs,
    read_tatoeba_sentences,
    read_test_sentences,
    read_training_pairs,
    read_training_translations,
    read_translations,
    to_key,
)


def test_a_scored_pair_keeps_commas_and_quotes(tmp_path: Path) -> None:
    _write_stsb(tmp_path, "en", '"A man, tall.","He said ""hi"".",3.250\n')
    assert read_scored_pairs(tmp_path, "en", split="dev") == [ScoredPair("A man, tall.", 'He said "hi".', 3.25)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("one,two\n", "2 fields"),
        ("one,two,high\n", "'high' is not a number"),
        ("one,two,5.5\n", "outside"),
        ("one,two,nan\n", "outside"),
    ],
)
def test_a_broken_scored_pair_names_path_and_line(tmp_path: Path, row: str, reason: str) -> None:
    path = _write_stsb(tmp_path, "tr", "bir,iki,1.0\n" + row)
    with pytest.raises(DataError, match=reason) as caught:
        read_scored_pairs(tmp_path, "tr", split="dev")
    assert (caught.value.path, caught.value.line) == (str(path), 2)


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "en-he.jsonl"
    path.write_text('{"en": "Peace", "he": "שלום"}\n\n', encoding="utf-8-sig")
    assert read_translations(path, "he") == [Translation("שלום", "Peace", "he")]


@pytest.mark.parametrize("line", ["{", "[]", '{"en": "Peace"}', '{"en": 1, "az": "Sülh"}', '"text"'])
def test_a_broken_translation_names_path_and_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "en-az.jsonl"
    path.write_text('{"en": "Bread", "az": "Çörək"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_translations(path, "az")
    assert (caught.value.path, caught.value.line) == (str(path), 2)


def test_an_absent_folder_is_a_data_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent") as caught:
        read_training_translations(tmp_path)
    assert caught.value.path == str(tmp_path / "parallel" / "en-az.jsonl")


def test_a_file_in_another_encoding_is_a_data_error(tmp_path: Path) -> None:
    path = tmp_path / "en-tr.jsonl"
    path.write_bytes('{"en": "light", "tr": "ışık"}\n'.encode("iso-8859-9"))
    with pytest.raises(DataError, match="UTF-8"):
        read_translations(path, "tr")


def test_the_phrasebook_has_every_cell_filled_and_no_row_twice() -> None:
    phrases = read_phrases()
    assert {phrase.language for phrase in phrases} == {"en", *TRANSLATED_LANGUAGES, "ja"}
    assert all(phrase.text.strip() == phrase.text != "" for phrase in phrases)
    for path in PHRASEBOOK.glob("*.tsv"):
        rows = path.read_text(encoding="utf-8").splitlines()
        assert len(rows) == len(set(rows)), path.name


def test_a_broken_row_of_phrases_names_path_and_line(tmp_path: Path) -> None:
    (tmp_path / "talk.tsv").write_text("en\tde\nyes\tja\nno\n", encoding="utf-8")
    with pytest.raises(DataError, match="1 cells, not 2") as caught:
        read_phrases(tmp_path)
    assert caught.value.line == 3


def test_no_sentence_of_the_test_part_or_of_tatoeba_is_trained_on(data: Path) -> None:
    tested = read_test_sentences(data) | read_tatoeba_sentences(data)
    assert (
        not {to_key(text) for item in read_training_translations(data) for text in (item.text, item.english)} & tested
    )
    languages = read_training_pairs(data)
    scored = {to_key(text) for pairs in languages for pair in pairs for text in (pair.first, pair.second)}
    assert not scored & read_test_sentences(data)
    assert {len(pairs) for pairs in languages} == {len(languages[0])}


def _write_stsb(folder: Path, language: str, content: str) -> Path:
    path = folder / "stsb" / f"stsb-{language}-dev.csv"
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    return path
