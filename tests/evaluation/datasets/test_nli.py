from __future__ import annotations

from pathlib import Path

import pytest

from simplugin.errors import DataError
from simplugin.evaluation.datasets import Inference, read_nli
from simplugin.evaluation.datasets.nli import ClassNames, as_class_names
from tests.evaluation.datasets.test_sts import write

PAIRS = (
    Inference("A cat sleeps.", "An animal rests.", "entailment"),
    Inference("Kedi uyur.", "Kedi siyahtır.", "neutral"),
    Inference("החתול ישן.", "החתול רץ.", "contradiction"),
)
MNLI = ("entailment", "neutral", "contradiction")

FORMS: dict[str, tuple[list[str], ClassNames | None]] = {
    "words.csv": (
        [
            "premise,hypothesis,label",
            "A cat sleeps.,An animal rests.,Entailment",
            "Kedi uyur.,Kedi siyahtır.,NEUTRAL",
            "החתול ישן.,החתול רץ.,contradiction",
        ],
        None,
    ),
    "snli.tsv": (
        [
            "gold_label\tsentence1\tsentence2",
            "entailment\tA cat sleeps.\tAn animal rests.",
            "-\tA\tB",
            "neutral\tKedi uyur.\tKedi siyahtır.",
            "contradiction\tהחתול ישן.\tהחתול רץ.",
        ],
        None,
    ),
    "numbers.csv": (
        [
            "sentence_0,sentence_1,label",
            "A cat sleeps.,An animal rests.,0",
            "Kedi uyur.,Kedi siyahtır.,1.0",
            "החתול ישן.,החתול רץ.,2",
        ],
        MNLI,
    ),
    "other-order.jsonl": (
        [
            '{"premise": "A cat sleeps.", "hypothesis": "An animal rests.", "label": 1}',
            '{"premise": "Kedi uyur.", "hypothesis": "Kedi siyahtır.", "label": 2}',
            '{"premise": "x", "hypothesis": "y", "label": -1}',
            '{"premise": "החתול ישן.", "hypothesis": "החתול רץ.", "label": 0}',
        ],
        ("contradiction", "entailment", "neutral"),
    ),
    "letters.csv": (
        [
            "text1,text2,label",
            "A cat sleeps.,An animal rests.,e",
            "Kedi uyur.,Kedi siyahtır.,n",
            "החתול ישן.,החתול רץ.,c",
        ],
        {"e": "entailment", "n": "neutral", "c": "contradiction"},
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_usual_form_gives_the_same_classes(tmp_path: Path, name: str) -> None:
    lines, labels = FORMS[name]

    read = read_nli(write(tmp_path, name, "\n".join(lines)), labels=labels, language="tr")

    assert read.pairs == PAIRS
    assert read.language == "tr"


def test_pairs_without_a_class_are_skipped_and_counted(tmp_path: Path) -> None:
    rows = ["a,b,-", "a,b,", "a,b,neutral", "a,b,-1"]

    read = read_nli(write(tmp_path, "a.csv", "\n".join(["premise,hypothesis,label", *rows])))

    assert (len(read.pairs), read.skipped) == (1, 3)


def test_two_classes_are_read_however_they_are_written(tmp_path: Path) -> None:
    rows = ["premise,hypothesis,label", "a,b,not_entailment", "a,b,not-entailment", "a,b,entailment"]

    read = read_nli(write(tmp_path, "a.csv", "\n".join(rows)))

    assert [pair.label for pair in read.pairs] == ["not_entailment", "not_entailment", "entailment"]


def test_of_several_pairs_of_columns_the_caller_chooses(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "sentence1,translation1,sentence2,translation2,label\na,א,b,ב,neutral\n")

    with pytest.raises(DataError, match=r"csv:1: there are several pairs .* --columns sentence1,sentence2"):
        read_nli(path)
    assert read_nli(path, columns=("translation1", "translation2")).pairs == (Inference("א", "ב", "neutral"),)
    with pytest.raises(DataError, match="'left' and 'right'; there are 'sentence1'"):
        read_nli(path, columns=("left", "right"))


@pytest.mark.parametrize(
    ("name", "text", "labels", "where", "message"),
    [
        ("a.csv", "premise,hypothesis,label\n", None, "", "no pair with a class"),
        ("a.csv", "premise,hypothesis,label\na,b,-\n", None, "", "no pair with a class"),
        ("a.csv", "premise,hypothesis,label\na,b,2\n", None, ":2", "--labels entailment,neutral,contradiction"),
        ("a.csv", "premise,hypothesis,label\na,b,3\n", MNLI, ":2", "class '3' is none of 0, 1, 2"),
        ("a.csv", "premise,hypothesis,label\na,b,maybe\n", None, ":2", "class 'maybe' is none of entailment"),
        ("a.csv", "premise,hypothesis,label\na, ,neutral\n", None, ":2", "blank"),
        ("a.csv", "premise,hypothesis,kind\na,b,neutral\n", None, ":1", "the class, such as label"),
        ("a.csv", "left,right,label\na,b,neutral\n", None, ":1", "the two texts, such as premise"),
        ("a.jsonl", '{"premise": "a", "hypothesis": 1, "label": "neutral"}', None, ":1", "no text"),
    ],
)
def test_what_is_no_inference_is_told_with_its_place(
    tmp_path: Path, name: str, text: str, labels: ClassNames | None, where: str, message: str
) -> None:
    path = write(tmp_path, name, text)

    with pytest.raises(DataError) as raised:
        read_nli(path, labels=labels)

    assert str(raised.value).startswith(f"{path}{where}: ")
    assert message in str(raised.value)


def test_names_of_classes_are_given_in_order_or_by_number() -> None:
    assert as_class_names("entailment, neutral,contradiction") == ["entailment", "neutral", "contradiction"]
    assert as_class_names("2=entailment,0=contradiction") == {"2": "entailment", "0": "contradiction"}
    for wrong in ("yes,no", "entailment,entailment", "", "0=entailment,1"):
        with pytest.raises(ValueError, match="does not name classes"):
            as_class_names(wrong)


def test_the_hebrew_columns_are_read_and_the_undecided_row_is_skipped(data: Path) -> None:
    read = read_nli(data / "nli" / "hebnli-val.jsonl", columns=("translation1", "translation2"), language="he")

    assert (len(read.pairs), read.skipped) == (1999, 1)
    assert read.pairs[0].label == "neutral"
    assert "פוארו" in read.pairs[0].premise
