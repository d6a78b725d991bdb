"""What people see: help and tables that fit, texts that act on nothing, progress, and names that complete."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from simplugin.catalog import cards
from simplugin.cli import app, output
from simplugin.cli.display import isolated, plain, width_of, wrapped
from simplugin.cli.tables import fields, table
from tests.cli.running import InProcess, Process
from tests.cli.test_cold_start import loaded

WIDTH = 80
CLASSES = ("--labels", "entailment,neutral,contradiction")
ACTING = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
LONG = "a-model-of-somebody-with-a-name-that-goes-on-and-on/and-on-to-the-end-of-the-line-and-beyond-it"
HEBREW = "הספרייה פתוחה עד שמונה בערב בכל ימות השבוע מלבד שבת וערבי חג"
ARABIC = "تفتح المكتبة أبوابها حتى الساعة الثامنة مساء"
CHINESE = "图书馆每天晚上八点关门，星期六和节假日除外。请在关门前十五分钟归还借阅的书籍。"
HOSTILE = "before \x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J \u202eturned\u202c \rback\x08 after"


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Go through every command and group, with the words that lead to it."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


COMMANDS = dict(commands(get_command(app)))
VERBS = {path: command for path, command in COMMANDS.items() if not hasattr(command, "commands")}


def shown_width(line: str) -> int:
    """Return the columns of a line, by the standard's own tables: none for marks and formats, two for wide ones."""
    return sum(
        0 if unicodedata.category(letter) in {"Mn", "Me", "Cf"} else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in line
    )


def fits(text: str, width: int = WIDTH) -> bool:
    """Say whether no line is wider; the lines that are fail here."""
    assert [line for line in text.split("\n") if shown_width(line) > width] == []
    return True


# -- help


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_fits_a_terminal_of_80_columns(simplugin: InProcess, path: tuple[str, ...]) -> None:
    outcome = simplugin(*path, "--help", COLUMNS="80")
    assert outcome.code == 0
    assert fits(outcome.stdout)
    assert not ACTING.search(outcome.stdout)


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_the_example_of_every_verb_is_one_line_that_parses(simplugin: InProcess, path: tuple[str, ...]) -> None:
    printed = simplugin(*path, "--help", COLUMNS="80").stdout
    (example,) = re.findall(r"^ *Example: (.*)$", printed, re.MULTILINE)
    words = shlex.split(example)

    assert tuple(words[: len(path) + 1]) == ("simplugin", *path)
    VERBS[path].make_context(path[-1], words[len(path) + 1 :])  # wrong usage raises
    written = VERBS[path].help.split("Example: ")[1].splitlines()[0]
    assert written == example


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_help_leaves_nothing_out_that_is_written_in_brackets(simplugin: InProcess, path: tuple[str, ...]) -> None:
    printed = " ".join(simplugin(*path, "--help", COLUMNS="80").stdout.split())
    for parameter in VERBS[path].params:
        for bracketed in re.findall(r"\[[^]]*\]", getattr(parameter, "help", None) or ""):
            assert re.sub(r"\s+", "", bracketed) in re.sub(r"\s+", "", printed)


def test_the_list_of_verbs_says_in_whole_sentences_what_each_does(simplugin: InProcess) -> None:
    assert "..." not in simplugin("--help", COLUMNS="80").stdout.split("Commands:")[1]


# -- tables

texts = st.text(st.sampled_from("ab -/.אבגتفקé́图書館🙂" + "\x1b\u202e\n"), max_size=60)
cells = st.one_of(texts, st.integers(-(10**9), 10**9), st.floats(-1e6, 1e6), st.none(), st.lists(texts, max_size=4))


@given(rows=st.lists(st.lists(cells, min_size=5, max_size=5), max_size=5), room=st.integers(40, 120))
def test_no_line_of_a_table_is_wider_than_there_is_room(rows: list[list[Any]], room: int) -> None:
    columns = {str(number): f"heading {number}" for number in range(5)}
    lines = table([dict(zip(columns, row, strict=True)) for row in rows], columns, room=room)
    for line in (*lines[0], *lines[1]):
        assert width_of(re.sub("[\u2068\u2069]", "", line)) <= room
        assert not ACTING.search(line)
        assert line.count("\u2068") == line.count("\u2069")


@given(text=texts, width=st.integers(2, 40))
def test_wrapping_keeps_every_letter_in_its_order(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(width_of(line) <= width for line in lines)


def test_columns_stand_below_each_other_whatever_the_script() -> None:
    rows = [{"text": text, "n": number} for number, text in enumerate((HEBREW[:7], "图书馆", "plain", "é́a"), 1)]
    heads, lines = table(rows, {"text": "text", "n": "n"}, room=WIDTH)
    assert {shown_width(line) for line in lines} == {len("\u2068" + HEBREW[:7]) - 1 + 2 + 1}
    assert [line[-1] for line in lines] == ["1", "2", "3", "4"]
    assert heads == ["text     n"]


def test_right_to_left_text_is_isolated_and_other_text_is_not() -> None:
    assert isolated(HEBREW) == f"\u2068{HEBREW}\u2069"
    assert isolated(ARABIC).startswith("\u2068")
    assert isolated(CHINESE) == CHINESE


def test_what_a_terminal_would_act_on_is_written_out() -> None:
    assert plain("a\x1b[31m\x9bb\x7f\u202ec\u202c\r\n\td") == "a\\x1b[31m\\x9bb\\x7fc d"


def test_a_table_that_fits_even_folded_keeps_its_columns_and_one_that_does_not_lies_on_its_side() -> None:
    columns = {"model": "model", "points": "points", "note": "note"}
    row = {"model": LONG, "points": 1234, "note": f"{CHINESE} and more"}
    heads, lines = table([row], columns, room=WIDTH)
    assert heads
    assert len(lines) > 1
    heads, lines = table([row, row], {**columns, **{f"{letter}" * 20: letter * 20 for letter in "abcd"}}, room=WIDTH)
    assert heads == []
    assert [line.split()[0] for line in lines if "1234" in line] == ["points", "points"]
    assert fits("\n".join(lines))


def test_a_record_has_its_names_at_the_left() -> None:
    assert fields({"name": "x", "claims": "one\ntwo"}, room=WIDTH) == ["name    x", "claims  one", "        two"]


# -- what the commands print


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, words: Path) -> Path:
    """Return a folder with documents, a store, data and results, all of it with names and texts as bad as can be."""
    folder = tmp_path_factory.mktemp("desk")
    simplugin = InProcess(folder)
    (folder / "docs").mkdir()
    for name, text in {
        f"{HEBREW}.txt": f"library card {HEBREW}",
        f"{CHINESE[:20]}.txt": f"library card {CHINESE}",
        "esc\x1b[31m.txt": f"library card {HOSTILE}",
        f"{'long-name-' * 12}.txt": "library card " + "renew coffee " * 60,
        f"{ARABIC}.txt": f"library card {ARABIC}",
    }.items():
        (folder / "docs" / name).write_text(text, encoding="utf-8")
    for collection in ("handbook", LONG[:60], HEBREW[:20]):
        assert simplugin("ingest", "docs", "-c", collection, "--model", words).code == 0
    said = [("library", "card", HEBREW), ("coffee", "water", CHINESE), ("bees", "garden", HOSTILE), ("bus", "x", "y")]
    lines = [
        {
            "sentence1": f"{a} {c}",
            "sentence2": f"{a if number % 3 else b} {c}",
            "score": number % 2 + 4 * bool(number % 3),
        }
        for number in range(24)
        for a, b, c in [said[number % 4]]
    ]
    write(folder / "sts.jsonl", lines)
    alike = [(f"{a} {b}", f"{a} {b}" if number % 2 else a) for number in range(4) for a, b, _ in said[:3]]
    apart = [
        (a, f"{b} {c}") for a in ("library", "coffee", "bees") for b in ("bus", "late") for c in ("night", "garden")
    ]
    labelled = [(*pair, score) for pairs, score in ((alike, 5), (apart, 0)) for pair in pairs]
    write(
        folder / "labelled.jsonl",
        [dict(zip(("sentence1", "sentence2", "score"), row, strict=True)) for row in labelled],
    )
    write(
        folder / "pairs.jsonl",
        [
            {"sentence1": line["sentence1"], "sentence2": line["sentence2"], "label": number % 3}
            for number, line in enumerate(lines)
        ],
    )
    write(folder / "bitext.jsonl", [{"en": f"{w} {n}", "tr": f"{w} {c} {n}"} for n in range(6) for w, _, c in said])
    write(
        folder / "intents.jsonl",
        [
            {"text": f"{w} {other} {n} {c}", "intent": f"{intent} {c[:30]}"}
            for n in range(7)
            for (w, other, c), intent in zip(said, ("renew-the-card", "make coffee", "keep bees", LONG), strict=True)
        ],
    )
    assert simplugin("intents", "fit", "intents.jsonl", "--out", "j.json", "--model", words).code == 0
    for out, model in (("a.json", words), ("b.json", "starter")):
        call = ("evaluate", "similarity", "--data", "sts.jsonl", "--model", model, "--out", out, "--resamples", 20)
        assert simplugin(*call).code == 0
    return folder


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


PRINTED = {
    "models": [],
    "models show": ["az-mbert-pair"],
    "models check": ["{words}"],
    "collections list": [],
    "collections show": [LONG[:60]],
    "collections documents": ["handbook"],
    "collections duplicates": ["handbook", "--threshold", "0.1"],
    "collections index": ["handbook", "kind", "--json"],
    "collections calibrate": ["handbook", "--data", "he=labelled.jsonl"],
    "search": ["handbook", "library card", "-n", "9"],
    "rerank": ["library card", "{lines}", "--model", "{words}"],
    "intents fit": ["intents.jsonl", "--out", "k.json", "--model", "{words}"],
    "intents match": ["j.json", HEBREW, f"coffee {CHINESE}", HOSTILE, "bees"],
    "intents report": ["j.json"],
    "evaluate similarity": ["--data", "sts.jsonl", "--model", "{words}", "--resamples", "20"],
    "evaluate retrieval": ["--data", "sts.jsonl", "--model", "{words}", "--resamples", "20"],
    "evaluate bitext": ["--data", "en-tr=bitext.jsonl", "--model", "{words}", "--resamples", "20"],
    "evaluate pairs": [*CLASSES, "--data", "pairs.jsonl", "--model", "{words}", "--resamples", "20"],
    "evaluate intents": ["--data", "intents.jsonl", "--model", "{words}", "--resamples", "20"],
    "evaluate compare": ["a.json", "b.json", "--resamples", "50"],
}


@pytest.mark.parametrize("verb", PRINTED)
def test_what_a_verb_prints_fits_80_columns_and_acts_on_nothing(desk: Path, words: Path, verb: str) -> None:
    write_lines(desk / "lines.txt")
    given = [word.format(words=words, lines="lines.txt") if word[0] == "{" else word for word in PRINTED[verb]]
    outcome = InProcess(desk)(*verb.split(), *given, COLUMNS="80")
    assert outcome.code == 0, outcome.stderr
    assert fits(outcome.stdout)
    assert outcome.stdout.strip()
    for stream in (outcome.stdout, outcome.stderr):
        assert not ACTING.search(stream)


def write_lines(path: Path) -> None:
    lines = (HEBREW, ARABIC, CHINESE, HOSTILE.replace("\r", ""), "library card", "coffee " * 40)
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize("name", [card.name for card in cards()])
def test_every_card_fits_80_columns_in_a_pipe_too(simplugin: InProcess, name: str) -> None:
    assert fits(simplugin("models", "show", name).stdout)


def test_hits_keep_their_right_to_left_text_to_themselves(desk: Path) -> None:
    printed = InProcess(desk)("search", "handbook", "library card", "-n", "9", COLUMNS="80").stdout
    for line in printed.splitlines():
        if re.search("[א-ת\u0600-\u06ff]", line):
            assert re.fullmatch(r"[\x20-\x7e]*\u2068[^\u2068\u2069]*\u2069", line)
    assert "\u2068" in printed


def test_json_lines_hold_the_text_as_it_is_and_are_written_without_what_acts(desk: Path) -> None:
    outcome = InProcess(desk)("search", "handbook", "library card", "-n", "9", "--json")
    assert not ACTING.search(outcome.stdout)
    assert any("\x1b[31m" in row["text"] and "\x9b2J" in row["text"] for row in outcome.rows)


def test_an_error_writes_out_what_a_name_holds(process: Process) -> None:
    outcome = process("ingest", "no\x1b[31m.txt", "-c", "handbook")
    assert outcome.code == 1
    assert outcome.is_one_sentence()
    assert not ACTING.search(outcome.stderr)


# -- on a terminal


def on_terminal(process: Process, command: list[str], **env: str) -> str:
    """Run a command with both streams on a terminal of 80 columns, and return what comes there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, WIDTH, 0, 0))
    environment = {name: value for name, value in process.environment().items() if name not in {"COLUMNS", "NO_COLOR"}}
    started = subprocess.Popen(
        command, stdout=theirs, stderr=theirs, cwd=process.folder, env=environment | {"TERM": "xterm"} | env
    )
    os.close(theirs)
    read = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # its end, on Linux
            break
        if not part:
            break
        read += part
    os.close(ours)
    assert started.wait(60) == 0, read.decode()
    return read.decode()


def test_headings_are_bold_on_a_terminal_and_nothing_is_with_no_color(desk: Path) -> None:
    process = Process(desk)
    command = process.command("collections", "list")
    assert on_terminal(process, command).startswith("\x1b[1mcollection")
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in on_terminal(process, command, **env)


def test_a_document_cannot_act_on_the_terminal_it_is_shown_on(desk: Path) -> None:
    process = Process(desk)
    printed = on_terminal(process, process.command("search", "handbook", "library card", "-n", "9"))
    assert "\\x1b[31mred" in printed
    assert not ACTING.search(printed.replace("\r\n", "\n"))
    assert fits(printed.replace("\r\n", "\n"))


LASTING = {
    "ingesting": ["ingest", "docs", "-c", "another", "--model", "{words}", "--store", "{folder}/store"],
    "encoding": ["encode", "lines.txt", "--model", "{words}", "--out", "{folder}/x.npy"],
    "comparing": ["collections", "duplicates", "handbook"],
    "copying": ["collections", "copy", "handbook", "--to", "{folder}/copied"],
    "judging": ["evaluate", "retrieval", "--data", "sts.jsonl", "--model", "{words}", "--resamples", "20"],
    "scoring": ["evaluate", "pairs", *CLASSES, "--data", "pairs.jsonl", "--model", "{words}", "--resamples", "20"],
}


@pytest.mark.parametrize("doing", LASTING)
def test_what_lasts_shows_how_far_it_is_on_a_terminal(desk: Path, words: Path, folder: Path, doing: str) -> None:
    write_lines(desk / "lines.txt")
    given = [word.format(words=words, folder=folder) for word in LASTING[doing]]
    process = Process(desk)
    printed = on_terminal(process, process.command(*given))
    assert f"{doing} " in printed
    assert re.search(r"\d+/\d+|0/\?", printed)
    assert "\x1b[?25h" in printed  # the cursor is back


@pytest.mark.parametrize("doing", LASTING)
def test_what_lasts_tells_a_log_how_far_it_is(
    desk: Path, words: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, doing: str
) -> None:
    write_lines(desk / "lines.txt")
    monkeypatch.setattr(output, "_SELDOM", 0.0)
    outcome = InProcess(desk)(*[word.format(words=words, folder=folder) for word in LASTING[doing]])
    assert outcome.code == 0
    assert re.search(rf"(?m)^{doing}: \d+( of \d+ [^\n]*, \d+ (s|min) left)?", outcome.stderr)
    assert doing not in outcome.stdout


def test_a_log_is_told_seldom_and_how_much_is_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with output.meter("ingesting") as show:
        for second in range(0, 601, 10):
            now = 1000.0 + second
            show(second, 3600, "documents")
            show(second, None, "documents")
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 20
    assert told[0] == "ingesting: 30 of 3,600 documents, 60 min left"
    assert told[-1] == "ingesting: 600 of 3,600 documents, 50 min left"


def test_what_is_soon_done_shows_no_progress_in_a_pipe(desk: Path, words: Path, folder: Path) -> None:
    outcome = Process(desk)("ingest", "docs", "-c", "another", "--model", words, "--store", folder / "store")
    assert outcome.code == 0
    assert "ingesting" not in outcome.stderr
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize(("seconds", "seen"), [(1.4, True), (0, False)])
def test_waiting_shows_itself_after_a_second_and_not_before(process: Process, seconds: float, seen: bool) -> None:
    code = f"import time\nfrom simplugin.cli.output import waiting\nwith waiting('learning'): time.sleep({seconds})"
    assert ("learning" in on_terminal(process, [sys.executable, "-c", code])) == seen


def test_the_summary_of_an_ingest_is_broken_between_words(desk: Path, words: Path, folder: Path) -> None:
    process = Process(desk)
    call = ["ingest", "docs", "-c", "another", "--model", str(words), "--store", str(folder / "store")]
    printed = on_terminal(process, process.command(*call)).replace("\r\n", "\n")
    summary = printed[printed.index("5 added") :]
    assert fits(summary)
    assert "chunks written" in " ".join(summary.split())


# -- completion


def completed(process: Process, shell: str, line: str) -> str:
    words = line.split(" ")
    return process(
        _SIMPLUGIN_COMPLETE=f"complete_{shell}",
        COMP_WORDS=line,
        COMP_CWORD=str(len(words) - 1),
        _TYPER_COMPLETE_ARGS=line,
        _TYPER_COMPLETE_FISH_ACTION="get-args",
    ).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("simplugin sea", "search"),
        ("simplugin models show bge-m3-m", "bge-m3-ml-tr"),
        ("simplugin ingest docs --model star", "starter"),
        ("simplugin search hand", "handbook"),
        ("simplugin collections show hand", "handbook"),
        ("simplugin search --min-s", "--min-score"),
    ],
)
def test_names_complete(desk: Path, shell: str, line: str, name: str) -> None:
    assert name in completed(Process(desk), shell, line)


def test_completing_reads_the_named_store_and_finds_nothing_where_there_is_none(desk: Path, folder: Path) -> None:
    assert completed(Process(desk), "bash", f"simplugin search --store {folder} hand").strip() == ""
    assert completed(Process(desk), "bash", "simplugin search --store http://host:6333 hand").strip() == ""
    store = desk / "simplugin_db"
    assert completed(Process(folder), "bash", f"simplugin search --store {store} hand").split() == ["handbook"]


@pytest.mark.parametrize("line", ["simplugin models show b", "simplugin search hand"])
def test_completing_loads_nothing_heavy(desk: Path, line: str) -> None:
    code = f"""
import os
os.environ |= {{"_SIMPLUGIN_COMPLETE": "complete_bash", "COMP_WORDS": {line!r}, "COMP_CWORD": "2"}}
from simplugin.cli import main
try:
    main()
except SystemExit:
    pass
"""
    assert loaded(Process(desk), code) == "[]"


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", ".bash_completions/simplugin.sh"),
        ("zsh", ".zfunc/_simplugin"),
        ("fish", ".config/fish/completions/simplugin.fish"),
    ],
)
def test_completion_is_shown_and_installed_for_a_shell(process: Process, shell: str, file: str) -> None:
    home = {"HOME": str(process.folder), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = process("--show-completion", shell, stdin=b"", **home)
    assert shown.code == 0
    assert f"complete_{shell}" in shown.stdout
    assert process("--install-completion", shell, stdin=b"", **home).code == 0
    assert (process.folder / file).read_text().strip() == shown.stdout.strip()


def test_bash_completes_by_what_is_installed(desk: Path, folder: Path) -> None:
    process = Process(desk)
    here = folder / "bin"
    here.mkdir()
    (here / "simplugin").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m simplugin "$@"\n')
    (here / "simplugin").chmod(0o755)
    environment = process.environment(_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    script = process("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1").stdout
    code = f"{script}\nCOMP_WORDS=(simplugin search hand)\nCOMP_CWORD=2\n_simplugin_completion simplugin\n"
    done = subprocess.run(
        ["bash", "-c", f'{code}echo "${{COMPREPLY[@]}}"'],
        capture_output=True,
        text=True,
        cwd=desk,
        env=environment | {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}"},
        check=True,
    )
    assert done.stdout.split() == ["handbook"]
