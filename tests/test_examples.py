"""Every example runs as it is, away from the project, and does what its text says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from simplugin import samples
from tests.conftest import ROOT

EXAMPLES = ROOT / "examples"
BOT = EXAMPLES / "intent_bot.py"
COMPARE = EXAMPLES / "compare_models.py"
INGEST = EXAMPLES / "ingest_folder.py"
MIGRATE = EXAMPLES / "migrate_model.py"
PLAIN = EXAMPLES / "plain_qdrant_client.py"
RAG = EXAMPLES / "rag_langchain.py"
ROUTE = EXAMPLES / "route_by_language.py"


def run(program: Path, *arguments: str, at: Path, typed: str = "") -> str:
    """Run a program in an empty folder and return what it printed; a warning is an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program), *arguments],
        cwd=at,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(at), str(ROOT), str(ROOT / "integrations")])},
        input=typed,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_example_is_tested_here() -> None:
    assert sorted(EXAMPLES.glob("*")) == sorted([BOT, COMPARE, INGEST, MIGRATE, PLAIN, RAG, ROUTE])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def answered(folder: Path) -> str:
    return run(RAG, at=folder)


def test_rag_finds_the_answer_across_languages_and_says_where(answered: str) -> None:
    first, english, turkish, spanish, other = re.split(r"\n\n(?=\S)", answered)

    assert first == "20 documents are new, 0 are there already."
    for part, answer, source in (
        (english, "Aylık kart 35 avrodur", "tr/bus.md"),
        (english, "El abono mensual cuesta 35 euros", "es/bus.md"),
        (turkish, "en fazla 6 kitabı 4 haftalığına", "tr/library.md"),
        (spanish, "chorro de agua fresca durante 20 minutos", "es/first-aid.md"),
        (other, "a la caja que hay en la entrada del ayuntamiento", "es/recycling.md"),
    ):
        (number,) = re.findall(rf"\[(\d)\] .*{answer}", part)
        assert re.search(rf"^  \[{number}\] {re.escape(source)}, relevance 0\.\d\d$", part, re.MULTILINE)


def test_rag_embeds_its_documents_once(answered: str, folder: Path) -> None:
    again = run(RAG, at=folder)

    assert again.splitlines()[0] == "0 documents are new, 20 are there already."
    assert again.splitlines()[1:] == answered.splitlines()[1:]


def test_rag_answers_what_is_typed_from_folders_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "cellar.txt").write_text("The key of the cellar hangs behind the clock.", encoding="utf-8")
    questions = "Wo hängt der Schlüssel zum Keller?\nhow old is the clock\n\nnever read\n"

    printed = run(RAG, "mine", str(samples.documents_folder() / "en"), at=tmp_path, typed=questions)

    assert printed.startswith("11 documents are new, 0 are there already.\n")
    assert "\n  [1] mine/cellar.txt, relevance " in printed
    assert printed.count("Question: ") == 2


def test_one_line_puts_a_real_chat_model_in_the_parrots_place(tmp_path: Path) -> None:
    """Swaps the line as the example says; ``init_chat_model`` is one that opens a model without a network."""
    text = RAG.read_text(encoding="utf-8")
    (parrot,) = re.findall(r"^chat = .*$", text, re.MULTILINE)
    ((real, imported),) = re.findall(r"^# (chat = init_chat_model\(.*\))  # (from .* import .*)$", text, re.MULTILINE)
    (tmp_path / "langchain").mkdir()
    (tmp_path / "langchain" / "chat_models.py").write_text(
        "from langchain_core.language_models import FakeListChatModel\n\n"
        "def init_chat_model(name):\n    return FakeListChatModel(responses=[f'It is 35 euros, says {name} [1].'])\n",
        encoding="utf-8",
    )
    program = tmp_path / "changed.py"
    program.write_text(text.replace(parrot, real).replace("import os\n", f"import os\n{imported}\n"), encoding="utf-8")

    printed = run(program, at=tmp_path)

    assert printed.count("  | It is 35 euros, says openai:gpt-5-mini [1].\n  [1] ") == 4
    assert "Question:" not in printed


def test_routing_sends_documents_and_questions_to_the_models_of_their_languages(tmp_path: Path) -> None:
    printed = run(ROUTE, at=tmp_path)
    told, *answers = re.split(r"\n\n(?=\S)", printed)

    assert told.splitlines()[0] == "30 documents are new, 0 are there already."
    assert re.findall(r"^  (\S+) +(\d+) numbers", told, re.MULTILINE) == [("tr", "128"), ("es", "192"), ("*", "256")]
    for answer, key, language in zip(answers, ("tr", "es", "*"), ("tr", "es", "en"), strict=True):
        question, first, *others = answer.splitlines()
        assert question.endswith(f"(for the model of {key!r})")
        assert re.match(rf"  {language}  0\.\d\d  \S", first)
        assert len(others) == 2
    assert run(ROUTE, at=tmp_path).splitlines()[0] == "0 documents are new, 30 are there already."


def test_ingesting_takes_in_the_samples_and_the_closest_document_answers(tmp_path: Path) -> None:
    documents, passages, _, question, first, *others = run(INGEST, at=tmp_path).splitlines()

    assert documents == "documents: 80 added, 0 updated, 0 unchanged, 0 deleted"
    assert re.fullmatch(r"passages: \d{3} written, 0 deleted; \d+ tokens embedded", passages)
    assert question == "How much does a monthly bus pass cost?"
    assert re.match(r"  \d\.\d\d  en  /.*/en/bus\.md$", first)
    assert len({other.split()[-1] for other in others} - {first.split()[-1]}) == 2


def test_ingesting_again_does_only_what_changed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("one", "two", "three"):
        (mine / f"{name}.txt").write_text(f"The key number {name} hangs behind the clock.", encoding="utf-8")
    ask = ("--ask", "Where does the key hang?")

    first = run(INGEST, "mine", *ask, at=tmp_path)
    (mine / "one.txt").write_text("The first key lies under the flower pot.", encoding="utf-8")
    (mine / "two.txt").unlink()
    (mine / "broken.pdf").write_bytes(b"%PDF-1.7 nothing of it is left")
    second = run(INGEST, "mine", *ask, at=tmp_path)

    assert first.startswith("documents: 3 added, 0 updated, 0 unchanged, 0 deleted\n")
    assert second.startswith("documents: 0 added, 1 updated, 1 unchanged, 1 deleted\n")
    assert "\nnot read: " in second
    assert "broken.pdf: " in second
    assert "two.txt" not in second


def test_comparing_gives_each_model_its_figures_and_says_what_they_are_worth(tmp_path: Path) -> None:
    head, *lines = run(COMPARE, at=tmp_path).splitlines()
    rows = [re.match(r"(.+?) +(\d+) +(\d\.\d{3}) +(\d\.\d\d) to (\d\.\d\d) +(\d\.\d\d)$", line) for line in lines[:3]]
    figures = {row[1]: (int(row[2]), *map(float, row.groups()[2:])) for row in rows if row}

    assert head.startswith("model")
    assert [width for width, *_ in figures.values()] == [256, 64, 8]
    assert all(low < score < high for _, score, low, high, _ in figures.values())
    assert figures["starter"][4] > figures["starter, 64 numbers"][4] > figures["starter, 8 numbers"][4]
    assert lines[4] == "starter less starter, 64 numbers: -0.035, not separable"
    assert len(lines) == 7


def test_comparing_takes_pairs_and_models_of_ones_own(tmp_path: Path) -> None:
    rows = [f"{pair.sentence1}\t{pair.sentence2}\t{pair.score}\n" for pair in samples.pairs()]
    (tmp_path / "mine.tsv").write_text("".join(rows), encoding="utf-8")

    printed = run(COMPARE, "mine.tsv", "starter", "starter-3", at=tmp_path).splitlines()

    assert [line.split()[:2] for line in printed[1:3]] == [["starter", "256"], ["starter-3", "256"]]
    assert printed[-1] == "starter less starter-3: +0.000, not separable"


def test_migrating_answers_all_the_time_and_ends_with_the_better_model(tmp_path: Path) -> None:
    told = dict(line.split(":", 1) for line in run(MIGRATE, at=tmp_path).splitlines())
    right = {
        step: re.search(r"(\d+) numbers, (\d+) of 16 questions", told[step])
        for step in ("before", "during", "after", "back", "done")
    }
    found = {step: (int(match[1]), int(match[2])) for step, match in right.items() if match}

    assert found["before"] == found["during"] == found["back"]
    assert found["after"] == found["done"]
    assert (found["before"][0], found["after"][0]) == (8, 256)
    assert found["after"][1] > found["before"][1]
    assert told["during"].endswith(" passages embedded, and questions answered: True")
    assert re.fullmatch(r" of the ten best passages 8% stay; rank correlation .* 0\.786, then 0\.811", told["compare"])
    assert told["done"].endswith("; the collection records 256 numbers")


def test_a_plain_clients_collection_is_taken_over_with_the_answers_it_had(tmp_path: Path) -> None:
    written, client, collection, ingested, refused = run(PLAIN, at=tmp_path).splitlines()

    assert written == "20 points, written by the client"
    assert client.split(": ")[1].strip() == collection.split(": ")[1].strip() == "# El autobús urbano"
    assert ingested.startswith("30 points for the client")
    assert refused.startswith("another model: Collection 'town' was made with 'starter-3 (256 numbers)', not with ")


def conversation(*lines: str, at: Path) -> list[str]:
    """Return what the bot says to each line."""
    printed = run(BOT, at=at, typed="\n".join(lines) + "\n").splitlines()
    assert printed[::2] == [f"> {line}" for line in lines]
    return printed[1::2]


def test_the_bot_answers_each_line_in_its_language(tmp_path: Path) -> None:
    assert conversation(
        "Kütüphane kaçta kapanıyor?",
        "quiero llevarme una novela a casa",
        "can i keep the book for another week",
        "kart istiyorum",
        at=tmp_path,
    ) == [
        "Pazartesi hariç her gün 9'dan 19'a kadar açığız.",
        "Puede llevarse hasta 6 libros durante 4 semanas.",
        "You can renew twice online, for 4 weeks each.",
        "Kart ücretsizdir; kimliğinizle danışmaya gelin.",
    ]


def test_the_bot_asks_back_and_understands_the_choice(tmp_path: Path) -> None:
    asked, second, again, borrowing, once_more, unasked = conversation(
        "una pregunta sobre un libro",
        "2",
        "a library book",
        "borrowing",
        "a library book",
        "When does the library open?",
        at=tmp_path,
    )

    assert asked in {
        "¿A qué se refiere: (1) un libro perdido o roto o (2) tomar libros prestados?",
        "¿A qué se refiere: (1) tomar libros prestados o (2) un libro perdido o roto?",
    }
    first_is_lost = asked.index("perdido") < asked.index("prestados")
    lost, borrow = "No pasa nada: traiga uno nuevo", "Puede llevarse hasta 6 libros"
    assert second.startswith(borrow if first_is_lost else lost)
    assert again == once_more
    assert again.startswith("Which do you mean: (1) ")
    assert borrowing == "You may take up to 6 books for 4 weeks."
    assert unasked == "We are open from 9 to 19 every day but Monday."


def test_the_bot_hands_over_what_it_cannot_answer_twice_in_a_row(tmp_path: Path) -> None:
    said = conversation(
        "what about the weather tomorrow",
        "When does the library open?",
        "what is the capital of France",
        "recommend me a good pizza",
        "libro roto",
        "recomiéndame una receta de paella",
        at=tmp_path,
    )

    once = "I did not understand that. Could you put it another way?"
    assert said == [
        f"Anlayamadım. Başka türlü sorar mısınız? / No le he entendido. ¿Puede decirlo de otra manera? / {once}",
        "We are open from 9 to 19 every day but Monday.",
        once,
        "I am handing you over to a member of staff.",
        "No pasa nada: traiga uno nuevo o pague su precio.",
        "No le he entendido. ¿Puede decirlo de otra manera?",
    ]
