from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from simplugin.errors import DataError
from simplugin.intents.utterances import Utterance, read_utterances
from tests.evaluation.datasets.test_sts import write

SAID = (
    Utterance("hello there", "greet"),
    Utterance("İyi günler", "greet"),
    Utterance("weather in Baku?", "no"),
    Utterance("why is the sky blue", None),
)

FORMS = {
    "a.jsonl": """
{"text": "hello there", "intent": "greet"}
{"text": "İyi günler", "intent": "greet"}
{"intent": "no", "text": "weather in Baku?"}
{"text": "why is the sky blue", "intent": "oos"}
""",
    "a.csv": "id,Utterance,Label\n1,hello there,greet\n2,İyi günler,greet\n3,weather in Baku?,no\n"
    "4,why is the sky blue,out_of_scope\n",
    "a.tsv": "text\tintent\nhello there\tgreet\nİyi günler\tgreet\nweather in Baku?\tno\nwhy is the sky blue\tNone\n",
    "rasa.yml": """
version: "3.1"
nlu:
- intent: greet
  examples: |
    - hello there
    - İyi günler
- synonym: Baku
  examples: |
    - Bakı
- intent: no
  examples:
  - text: |
      weather in [Baku](city)?
- intent: nlu_fallback
  examples: |
    - why is the [sky]{"entity": "thing"} blue
""",
    "plain.yaml": """
greet: [hello there, İyi günler]
no:
  - weather in Baku?
oos:
  - why is the sky blue
""",
}


def test_plain_yaml_may_name_languages(tmp_path: Path) -> None:
    path = write(tmp_path, "two.yml", "pay:\n  en: [pay my bill]\n  tr:\n  - faturamı öde\nlost: [my bag]\n")

    assert read_utterances(path, language="az").utterances == (
        Utterance("pay my bill", "pay", "en"),
        Utterance("faturamı öde", "pay", "tr"),
        Utterance("my bag", "lost", "az"),
    )


@pytest.mark.parametrize("name", FORMS)
def test_every_usual_form_gives_the_same_utterances(tmp_path: Path, name: str) -> None:
    read = read_utterances(write(tmp_path, name, FORMS[name]), language="az")

    assert read.utterances == tuple(replace(each, language="az") for each in SAID)
    assert (read.name, read.language) == (Path(name).stem, "az")


def test_an_intent_that_is_called_nlu_is_one(tmp_path: Path) -> None:
    path = write(tmp_path, "a.yml", "nlu: [what is nlu]\ngreet: [hello]\n")

    assert read_utterances(path).utterances == (Utterance("what is nlu", "nlu"), Utterance("hello", "greet"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "what, is this\n\nand that\n"),
        ("a.jsonl", '{"text": "what, is this"}\n{"text": "and that", "intent": "some"}\n'),
        ("a.csv", 'id,text\n1,"what, is this"\n2,and that\n'),
        ("a.yml", "some:\n- what, is this\n- and that\n"),
    ],
)
def test_a_file_given_as_out_of_scope_needs_no_intents(tmp_path: Path, name: str, text: str) -> None:
    read = read_utterances(write(tmp_path, name, text), out_of_scope=True)

    assert read.utterances == (Utterance("what, is this", None), Utterance("and that", None))


@pytest.mark.parametrize(
    ("name", "text", "where", "message"),
    [
        ("a.csv", "text,intent\n", "", "no utterance"),
        ("a.csv", "words,intent\na,b\n", ":1", "no column is named for the utterance, such as text"),
        ("a.csv", "text,meaning\na,b\n", ":1", "what it means, such as intent"),
        ("a.csv", "text,intent\na,b\nc, \n", ":3", "the intent is blank"),
        ("a.jsonl", '{"text": "a", "intent": "b"}\n{"text": "a"}\n', ":2", "such as intent; there are 'text'"),
        ("a.jsonl", '{"text": ["a"], "intent": "b"}\n', ":1", "the utterance is blank, or no text"),
        ("a.json", '[{"text": "a", "intent": "b"}]\n', "", "a JSON array is not read; write a JSON object a line"),
        ("a.yml", "", "", "no utterance"),
        ("a.yml", "greet: [hello\n", ":2", "no YAML"),
        ("a.yml", "- hello\n", ":1", "a mapping of intents"),
        ("a.yml", "greet: hello\n", ":1", "no list of utterances of 'greet'"),
        ("a.yml", "greet:\n- hello\n-\n", ":3", "an utterance is blank"),
        ("a.yml", "greet:\n- hello\n- a: b\n", ":3", "no text"),
        ("a.yml", "nlu:\n- intent: greet\n", ":2", "'greet' has no examples"),
        (
            "a.yml",
            "nlu:\n- intent: greet\n  examples: |\n    - hello\n    good day\n",
            ":5",
            "'good day' is not written",
        ),
        ("a.yml", "nlu:\n- intent: greet\n  examples:\n  - metadata: x\n", ":4", "no text"),
        ("a.yml", "a: &a [hello]\nb: *c\n", ":2", "no YAML"),
        ("a.yml", "!!python/object/apply:os.getcwd []\n", ":1", "a mapping of intents"),
        ("a.yml", "[" * 5000, "", "no YAML"),
    ],
)
def test_what_is_no_utterance_is_told_with_its_place(
    tmp_path: Path, name: str, text: str, where: str, message: str
) -> None:
    path = write(tmp_path, name, text)

    with pytest.raises(DataError) as raised:
        read_utterances(path)

    assert str(raised.value).startswith(f"{path}{where}: ")
    assert message in str(raised.value)
