from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin import samples
from simplugin.errors import DataError
from simplugin.evaluation import LabelledPair, as_scale, read_pairs
from simplugin.evaluation.datasets import read_sts

CAT = LabelledPair("A cat, asleep.", 'He said "no".', 2.5)
DOG = LabelledPair("犬が走る。", "Köpek koşuyor.", 5.0)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


FORMS = {
    "plain.csv": ['"A cat, asleep.","He said ""no"".",2.5', "犬が走る。,Köpek koşuyor.,5"],
    "semicolons.csv": [
        "\ufeffscore;Sentence_0;Sentence_1",
        '2.5;"A cat, asleep.";"He said ""no""."',
        "5;犬が走る。;Köpek koşuyor.",
    ],
    "named.csv": [
        "id,text1,text2,similarity",
        '1,"A cat, asleep.","He said ""no"".",2.5',
        "",
        "2,犬が走る。,Köpek koşuyor.,5",
    ],
    "plain.tsv": ['A cat, asleep.\tHe said "no".\t2.5', "犬が走る。\tKöpek koşuyor.\t5.0"],
    "quoted.tsv": [
        "sentence1\tsentence2\tlabel",
        'A cat, asleep.\t"He said ""no""."\t2.5',
        "犬が走る。\tKöpek koşuyor.\t5.0",
    ],
    "bars.txt": ['2.5|A cat, asleep.|"He said ""no""."', "5|犬が走る。|Köpek koşuyor."],
    "a.jsonl": [
        r'{"sentence1": "A cat, asleep.", "sentence2": "He said \"no\".", "score": 2.5}',
        '{"score": "5", "sentence2": "Köpek koşuyor.", "sentence1": "犬が走る。"}',
    ],
}


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("name", FORMS)
def test_every_usual_form_gives_the_same_pairs(tmp_path: Path, name: str, ends: str) -> None:
    assert read_pairs(write(tmp_path, name, ends.join([*FORMS[name], ""]))) == (CAT, DOG)


def test_a_tab_separated_cell_may_begin_with_a_quote_that_ends_nowhere(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", '"No," he said.\tShe said "yes\t1\n"a\tb\t5\n')

    assert read_pairs(path)[0] == LabelledPair('"No," he said.', 'She said "yes', 1.0)


def test_decimal_commas_are_read_as_spreadsheets_of_half_of_europe_write_them(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    rows = ["Bir kedi uyuyor.;Kedi uyukluyor.;4,5", "Otobüs geldi.;Hava güzel.;0", "Okul açıldı.;Okul kapandı.;1,25"]
    for heading in ([], ["sentence1;sentence2;score"]):
        path.write_text("\n".join([*heading, *rows]), encoding="utf-8")
        assert [pair.label for pair in read_pairs(path)] == [4.5, 0.0, 1.25]


def test_languages_come_from_their_column_or_from_the_caller(tmp_path: Path) -> None:
    named = write(tmp_path, "a.csv", "sentence1,sentence2,score,lang\na cat,a dog,2,tr\na cow,a hen,3,\n")
    bare = write(tmp_path, "b.csv", "a cat,a dog,2,pt-BR\na cow,a hen,3,de\n")

    assert [pair.language for pair in read_pairs(named)] == ["tr", None]
    assert [pair.language for pair in read_pairs(named, language="en")] == ["tr", "en"]
    assert [pair.language for pair in read_pairs(bare)] == ["pt-BR", "de"]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_scale_up_to_one_is_found_and_spread_to_five(
    tmp_path_factory: pytest.TempPathFactory, labels: list[float]
) -> None:
    path = tmp_path_factory.mktemp("scale") / "a.csv"
    path.write_text("".join(f"some text,another text,{label!r}\n" for label in labels), encoding="utf-8")

    assert [pair.label for pair in read_pairs(path)] == pytest.approx([5 * label for label in labels])


def test_a_scale_is_given_as_people_write_it(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "a cat,a dog,-1\na cow,a hen,0.5\n")

    assert [pair.label for pair in read_pairs(path, scale=as_scale("-1-1"))] == [0, 3.75]
    assert as_scale("0-10") == (0, 10)
    for wrong in ("5", "5-0", "0-", "low-high"):
        with pytest.raises(ValueError, match="no scale"):
            as_scale(wrong)


@pytest.mark.parametrize(
    ("name", "text", "where", "message"),
    [
        ("a.csv", "", "", "no rows"),
        ("a.csv", "sentence1,sentence2,score\n", "", "no pairs"),
        ("a.csv", "a b,c d,3\na b,c d,lots\n", ":2", "'lots' is no number"),
        ("a.csv", "sentence1,sentence2,score\na,b,3\n\nc,d,lots\n", ":4", "'lots' is no number"),
        ("a.csv", "sentence1,sentence2,score\na,b,nan\n", ":2", "'nan' is no number"),
        ("a.csv", 'sentence1,sentence2,score\n"two\nlines",b,3\n ,b,3\n', ":4", "blank"),
        ("a.csv", "sentence1,sentence2,score\na,b,3\na,b\n", ":3", "2 cells"),
        ("a.csv", "left,right,score\na,b,3\n", ":1", "no columns are named for the two texts"),
        ("a.csv", "text1,text2,number\na,b,3\n", ":1", "the label, such as score"),
        ("a.csv", "a b,c d,e f,3,4\n", ":1", "which of the 5 columns"),
        ("a.csv", "a b,c d,3\na b,c d,7\n", "", "which scale"),
        ("a.csv", "a b,c d,0\na b,c d,1\na b,c d,2\n", "", "look like classes"),
        ("a.jsonl", '{"text1": "a", "text2": "b", "score": 1}\n[1]\n', ":2", "no JSON object"),
        ("a.jsonl", '{"text1": "a", "text2": "b", "score": 1}\n{"text1": 3', ":2", "no JSON"),
        ("a.jsonl", '{"text1": "a", "text2": null, "score": 1}\n', ":1", "no text"),
        ("a.jsonl", '{"text1": "a", "text2": "b", "score": true}\n', ":1", "no number"),
    ],
)
def test_what_is_no_pair_is_told_with_its_place(tmp_path: Path, name: str, text: str, where: str, message: str) -> None:
    path = write(tmp_path, name, text)

    with pytest.raises(DataError, match=message) as raised:
        read_pairs(path)

    assert str(raised.value).startswith(f"{path}{where}: ")


def test_a_label_outside_the_given_scale_is_told_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "a cat,a dog,0\na cow,a hen,6\n")

    with pytest.raises(DataError, match=r"a.csv:2: the label 6 is outside 0 to 5"):
        read_pairs(path, scale=(0, 5))


@pytest.mark.parametrize(
    ("labels", "scale", "read"),
    [
        ([0, 0.5, 1], (0, 1), [0, 2.5, 5]),
        ([-1, 0, 1], (-1, 1), [0, 2.5, 5]),
        ([0, 1, 2], (0, 5), [0, 1, 2]),
        ([0, 4, 10], (0, 10), [0, 2, 5]),
        ([-5, 5, 0], (-5, 5), [0, 5, 2.5]),
    ],
)
def test_where_no_scale_is_needed_every_label_is_read(
    tmp_path: Path, labels: list[float], scale: tuple[float, float], read: list[float]
) -> None:
    path = write(tmp_path, "a.csv", "".join(f"\na cat,a dog,{label}\n" for label in labels))

    pairs = read_sts(path, strict=False)

    assert [pair.label for pair in pairs.pairs] == read
    assert (pairs.scale, pairs.scale_given, pairs.lines) == (scale, False, (2, 4, 6))


def test_a_row_of_another_shape_is_refused_all_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "a cat,a dog,9\na cow,a hen,12\na cow\n")

    with pytest.raises(DataError, match=r"a.csv:3: there are 1 cells"):
        read_sts(path, strict=False)
    with pytest.raises(DataError, match=r"a.csv:1: the label 9 is outside 0 to 5"):
        read_sts(write(tmp_path, "a.csv", "a cat,a dog,9\n"), scale=(0, 5), strict=False)


def test_files_that_are_not_there_or_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_pairs(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"a,b,3\nd\xe9j\xe0,b,3\n")
    with pytest.raises(DataError, match="csv:2: the text is not UTF-8"):
        read_pairs(tmp_path / "latin.csv")


def test_the_sample_pairs_are_read_as_they_are() -> None:
    path = samples.documents_folder().parent / "pairs.csv"

    assert [(pair.first, pair.second, pair.label, pair.language) for pair in read_pairs(path)] == samples.pairs()


def test_every_part_of_the_benchmark_is_read(data: Path) -> None:
    sizes = {"dev": 1500, "test": 1379, "train": 5749}
    for language in ("en", "zh"):
        for part, size in sizes.items():
            assert len(read_pairs(data / "stsb" / f"stsb-{language}-{part}.csv")) == size


def test_fifty_thousand_columns_are_soon_refused(tmp_path: Path) -> None:
    (tmp_path / "sts.csv").write_text(",".join(["text", *["15"] * 50_000]) + "\n", encoding="utf-8")
    started = time.process_time()

    with pytest.raises(DataError, match="50001 columns"):
        read_sts(tmp_path / "sts.csv")

    assert time.process_time() - started < 5  # it took half a minute


@pytest.mark.parametrize("label", ["1" + "0" * 400, "[" * 100_000])
def test_labels_beyond_all_numbers_and_nesting_beyond_all_depth_are_refused(tmp_path: Path, label: str) -> None:
    (tmp_path / "sts.jsonl").write_text(f'{{"sentence1": "a", "sentence2": "b", "score": {label}}}\n')

    with pytest.raises(DataError, match=r"sts\.jsonl:1: "):
        read_sts(tmp_path / "sts.jsonl")
