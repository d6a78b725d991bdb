"""Reading sets for retrieval: BEIR folders, SQuAD's JSON, and STS files turned into one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simplugin.errors import DataError
from simplugin.evaluation import read_retrieval
from simplugin.evaluation.datasets.retrieval import merge, translate, widen

STS = "a b,c d,4\na b,x y,1\nc d,x y,2.5\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def write_beir(folder: Path, *, qrels: str = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n") -> Path:
    corpus = [{"_id": "d1", "title": "Bees", "text": "They fly."}, {"_id": "d2", "title": "", "text": "A bus."}]
    queries = [{"_id": "q1", "text": "What flies?"}, {"_id": "q2", "text": "Never judged"}]
    write(folder / "corpus.jsonl", "".join(json.dumps(row) + "\n" for row in corpus))
    write(folder / "queries.jsonl", "".join(json.dumps(row) + "\n" for row in queries))
    write(folder / "qrels" / "test.tsv", qrels)
    return folder


def squad(*paragraphs: tuple[str, list[dict[str, Any]]]) -> str:
    listed = [{"context": context, "qas": questions} for context, questions in paragraphs]
    return json.dumps({"version": "1", "data": [{"title": "t", "paragraphs": listed}]}, ensure_ascii=False, indent=1)


def test_an_sts_file_asks_with_the_first_sentence_and_searches_the_second_ones(tmp_path: Path) -> None:
    found = merge(read_retrieval(write(tmp_path / "sts.csv", STS), language="en"))

    assert (found.name, found.language, found.graded, found.relevant) == ("sts", "en", True, 3.0)
    assert found.queries == {"1": "a b", "3": "c d"}
    assert found.documents == {"1": "c d", "2": "x y"}
    assert found.judgements == {"1": {"1": 4.0, "2": 1.0}, "3": {"2": 2.5}}
    assert found.left_out == {"3": frozenset({"1"})}, "the document that is the query itself"


def test_a_pair_judged_twice_has_the_mean_and_one_with_itself_is_gone(tmp_path: Path) -> None:
    found = merge(read_retrieval(write(tmp_path / "sts.csv", "a,b,4\na,b,3\nc,c,5\n")))

    assert found.judgements == {"1": {"1": 3.5}}
    assert found.queries == {"1": "a"}, "of c nothing but itself was judged"


def test_a_sentence_of_nothing_visible_asks_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="first sentence of pair 2"):
        read_retrieval(write(tmp_path / "sts.csv", "a,b,4\n\u200b,b,3\n"))


def test_a_beir_folder_is_read_with_titles_and_the_queries_that_were_judged(tmp_path: Path) -> None:
    found = read_retrieval(write_beir(tmp_path / "bees"), language="en")

    assert (found.name, found.graded, found.relevant, found.named) == ("bees", False, 1.0, True)
    assert found.documents == {"d1": "Bees They fly.", "d2": "A bus."}
    assert found.queries == {"q1": "What flies?"}
    assert found.judgements == {"q1": {"d1": 2.0, "d2": 0.0}}
    assert len(found.files) == 3


def test_of_several_judgements_test_is_taken_or_the_one_that_is_named(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "bees")
    write(folder / "qrels" / "dev.tsv", "query-id\tcorpus-id\tscore\nq2\td2\t1\n")

    assert set(read_retrieval(folder).queries) == {"q1"}
    assert set(read_retrieval(folder, qrels="dev").queries) == {"q2"}
    with pytest.raises(DataError, match=r"no judgements 'train'; there are dev, test"):
        read_retrieval(folder, qrels="train")
    (folder / "qrels" / "test.tsv").unlink()
    assert set(read_retrieval(folder).queries) == {"q2"}, "the only one there is"


@pytest.mark.parametrize(
    ("qrels", "words"),
    [
        ("query-id\tcorpus-id\tscore\nq1\td9\t1\n", r"test.tsv:2: 'd9' is not in corpus.jsonl"),
        ("query-id\tcorpus-id\tscore\nq1\td1\t1\nq9\td1\t1\n", r"test.tsv:3: 'q9' is not in queries.jsonl"),
        ("query-id\tcorpus-id\tscore\nq1\td1\thigh\n", r"test.tsv:2: the score 'high'"),
        ("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td1\t2\n", r"test.tsv:3: .* judged twice"),
        ("a\tb\tc\nq1\td1\t1\n", r"test.tsv:1: no columns are named"),
        ("query-id\tcorpus-id\tscore\n", r"test.tsv: .* no judgements"),
    ],
    ids=["document", "query", "score", "twice", "heading", "empty"],
)
def test_broken_judgements_are_refused_with_their_line(tmp_path: Path, qrels: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_retrieval(write_beir(tmp_path / "bees", qrels=qrels))


def test_a_broken_folder_is_refused(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "bees")
    write(folder / "corpus.jsonl", '{"_id": "d1", "text": "a"}\n{"_id": "d1", "text": "b"}\n')
    with pytest.raises(DataError, match=r"corpus.jsonl:2: the id 'd1' is there twice"):
        read_retrieval(folder)
    write(folder / "corpus.jsonl", '{"_id": "d1"}\n')
    with pytest.raises(DataError, match=r"corpus.jsonl:1: 'd1' has no 'text'"):
        read_retrieval(folder)
    (folder / "corpus.jsonl").unlink()
    with pytest.raises(DataError, match=r"corpus.jsonl: the file cannot be read"):
        read_retrieval(folder)
    with pytest.raises(DataError, match="is no BEIR set"):
        read_retrieval(tmp_path)


def test_squad_paragraphs_answer_their_questions_and_repeat(tmp_path: Path) -> None:
    text = squad(
        ("\ufeffDoğa güzel.", [{"id": "a", "question": "Ne güzel?"}]),
        ("Doğa güzel.", [{"id": "b", "question": "Ne güzel?"}, {"id": "c", "question": "Kim?", "is_impossible": True}]),
        ("Başka bir yer.", [{"id": "d", "question": "Nerede?"}]),
    )
    read = read_retrieval(write(tmp_path / "tr.json", text), language="tr")
    found = merge(read)

    assert read.documents["0.0"] != read.documents["0.1"]
    assert found.documents == {"0.0": "Doğa güzel.", "0.2": "Başka bir yer."}, "a byte order mark is not read"
    assert found.queries == {"a": "Ne güzel?", "c": "Kim?", "d": "Nerede?"}
    assert found.judgements == {"a": {"0.0": 1.0}, "c": {"0.0": 0.0}, "d": {"0.2": 1.0}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"data": [}', r":1: the file is no JSON"),
        ('{"data": 1}', "data is no list"),
        ("[1]", "no JSON object with 'data'"),
        ('{"data": [{"paragraphs": [{"context": " "}]}]}', r"data\[0\].paragraphs\[0\].context is blank"),
        ('{"data": [{"paragraphs": [{"context": "a"}]}]}', r"data\[0\].paragraphs\[0\].qas is no list"),
        ('{"data": [{"paragraphs": [1]}]}', r"data\[0\].paragraphs\[0\] is no JSON object"),
        ('{"data": [{"paragraphs": [{"context": "a", "qas": [{}]}]}]}', r"qas\[0\].question is blank"),
        ('{"data": []}', "no question that a paragraph answers"),
    ],
)
def test_a_broken_squad_file_is_refused_with_the_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_retrieval(write(tmp_path / "x.json", text))


def test_json_lines_of_pairs_are_an_sts_file(tmp_path: Path) -> None:
    line = '{"sentence1": "a", "sentence2": "b", "score": 4.5}\n'
    assert read_retrieval(write(tmp_path / "x.jsonl", line)).judgements == {"1": {"1": 4.5}}


def test_a_translation_is_asked_in_one_language_and_searched_in_the_other(tmp_path: Path) -> None:
    english = read_retrieval(write(tmp_path / "en.csv", STS), language="en")
    german = read_retrieval(write(tmp_path / "de.csv", "A B,C D,4\nA B,X Y,1\nC D,X Y,2.5\n"), language="de")
    found = merge(translate(english, german, "en-de"))

    assert (found.name, found.language) == ("en-de", "de")
    assert found.queries == {"1": "a b", "3": "c d"}
    assert found.documents == {"1": "C D", "2": "X Y"}
    assert found.left_out == {"3": frozenset({"1"})}, "the translation of the query itself"


def test_sets_that_are_no_translations_are_refused(tmp_path: Path) -> None:
    english = read_retrieval(write(tmp_path / "en.csv", STS), language="en")
    other = read_retrieval(write(tmp_path / "de.csv", "A B,C D,4\nA B,X Y,2\nC D,X Y,2.5\n"), language="de")
    with pytest.raises(DataError, match="query '2' differ"):
        translate(english, other, "en-de")
    shorter = read_retrieval(write(tmp_path / "fr.csv", "A B,C D,4\n"), language="fr")
    with pytest.raises(DataError, match="has 3 and 'fr' 1"):
        translate(english, shorter, "en-fr")


def test_more_documents_bring_the_labels_they_have_for_these_queries(tmp_path: Path) -> None:
    given = read_retrieval(write(tmp_path / "test.csv", STS))
    more = read_retrieval(write(tmp_path / "train.csv", "a b,new,5\nother,newer,3\nwho,a b,1\n"))
    found = merge(widen(given, [more]))

    assert set(found.documents.values()) == {"c d", "x y", "new", "newer", "a b"}
    assert sorted(found.judgements["1"].values()) == [1.0, 4.0, 5.0]
    assert set(found.queries.values()) == {"a b", "c d"}
    assert {found.documents[id_] for id_ in found.left_out["1"]} == {"a b"}


@pytest.mark.parametrize("text", ['{"data": ' + "[" * 100_000, '{"data": ' + "9" * 5_000 + "}"])
def test_json_that_python_cannot_hold_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "squad.json").write_text(text)

    with pytest.raises(DataError, match="no JSON"):
        read_retrieval(tmp_path / "squad.json")


def test_a_judgement_beyond_all_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1" + "0" * 400 + "\n")
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d", "text": "a"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "b"}\n')

    with pytest.raises(DataError, match="is no whole number"):
        read_retrieval(tmp_path)
