from __future__ import annotations

from pathlib import Path

import pytest

from simplugin.errors import DataError
from simplugin.evaluation.datasets import read_bitext
from simplugin.evaluation.datasets.bitext import as_languages
from tests.evaluation.datasets.test_sts import write

LEFT = ("A cat, asleep.", "Good night!")
RIGHT = ("Uyuyan bir kedi.", "İyi geceler!")

FORMS = {
    "a.jsonl": [
        '{"en": "A cat, asleep.", "tr": "Uyuyan bir kedi.", "source": "tatoeba"}',
        '{"tr": "İyi geceler!", "en": "Good night!", "source": "tatoeba"}',
    ],
    "a.csv": ["\ufeffen,tr", '"A cat, asleep.",Uyuyan bir kedi.', "Good night!,İyi geceler!"],
    "more.csv": ["number,tr,en", '1,Uyuyan bir kedi.,"A cat, asleep."', "2,İyi geceler!,Good night!"],
    "a.tsv": ["en\ttr", "A cat, asleep.\tUyuyan bir kedi.", "Good night!\tİyi geceler!"],
    "bare.tsv": ["A cat, asleep.\tUyuyan bir kedi.", "", "Good night!\tİyi geceler!"],
}


@pytest.mark.parametrize("name", FORMS)
def test_every_usual_form_gives_the_same_translations(tmp_path: Path, name: str) -> None:
    read = read_bitext(write(tmp_path, name, "\n".join(FORMS[name])), languages=("en", "tr"))

    assert (read.left, read.right) == (LEFT, RIGHT)
    assert (read.name, read.languages) == (Path(name).stem, ("en", "tr"))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv"])
def test_names_that_look_like_languages_are_found(tmp_path: Path, name: str) -> None:
    read = read_bitext(write(tmp_path, name, "\n".join(FORMS[name])))

    assert (read.languages, read.left, read.right) == (("en", "tr"), LEFT, RIGHT)


def test_the_caller_chooses_two_of_several_languages_and_their_order(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "en,pt-BR,he\na cow,uma vaca,פרה\na hen,uma galinha,תרנגולת\n")

    read = read_bitext(path, languages=("he", "pt-BR"))

    assert (read.left, read.right) == (("פרה", "תרנגולת"), ("uma vaca", "uma galinha"))


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("en-tr", ("en", "tr")),
        ("pt-BR-tr", ("pt-BR", "tr")),
        ("en-zh-Hans", ("en", "zh-Hans")),
        ("es-419-az", ("es-419", "az")),
    ],
)
def test_two_languages_are_parted_at_the_right_hyphen(text: str, languages: tuple[str, str]) -> None:
    assert as_languages(text) == languages


@pytest.mark.parametrize("text", ["en", "en-en", "en-tr-de", "en-", "english-turkish", "en tr"])
def test_what_does_not_name_two_languages_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not name two languages"):
        as_languages(text)


@pytest.mark.parametrize(
    ("name", "text", "where", "message"),
    [
        ("a.csv", "", "", "no rows"),
        ("a.csv", "en,tr\n", "", "no translations"),
        ("a.csv", "en,tr,de\na,b,c\n", ":1", "there are 'en', 'tr', 'de'. Name them: en-tr=FILE"),
        ("a.csv", "Good morning,Günaydın\n", ":1", "not clear which two columns"),
        ("a.csv", "en,tr\na,b\nc, \n", ":3", "blank"),
        ("a.csv", "en,tr\na,b\nc\n", ":3", "1 cells"),
        ("a.jsonl", '{"en": "a", "tr": "b"}\n{"en": "c"}\n', ":2", "no text in 'tr'; there are 'en'"),
        ("a.jsonl", '{"en": "a", "tr": null}\n', ":1", "no text"),
        ("a.jsonl", '{"en": "a", "tr": "b"}\nbroken\n', ":2", "no JSON"),
    ],
)
def test_what_is_no_translation_is_told_with_its_place(
    tmp_path: Path, name: str, text: str, where: str, message: str
) -> None:
    path = write(tmp_path, name, text)

    with pytest.raises(DataError) as raised:
        read_bitext(path)

    assert str(raised.value).startswith(f"{path}{where}: ")
    assert message in str(raised.value)


def test_a_language_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "en,tr,he\na,b,c\n")

    with pytest.raises(DataError, match=r"csv:1: there is no text in 'de'"):
        read_bitext(path, languages=("en", "de"))


def test_tatoeba_is_read_whole(data: Path) -> None:
    read = read_bitext(data / "tatoeba" / "en-he.jsonl")

    assert (read.languages, len(read.left), len(read.right)) == (("en", "he"), 1000, 1000)
