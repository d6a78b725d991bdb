from __future__ import annotations

from pathlib import Path

from simplugin.ingestion.readers.language import identify


def test_real_pages_are_in_the_language_of_their_folder(data: Path) -> None:
    pages = [
        (page, page.relative_to(data / "docs" / "fastapi").parts[0])
        for page in (data / "docs" / "fastapi").rglob("*.md")
    ]
    pages = pages[::5]

    found = [(identify(page.read_text()), language) for page, language in pages]

    assert sum(name == language for name, language in found) >= 0.98 * len(found)
    assert all(name in {None, language} for name, language in found)


def test_a_few_words_are_in_no_language_unless_one_is_expected() -> None:
    assert identify("ok") is None
    assert identify("ok", ["tr"]) == "tr"


def test_code_does_not_speak_for_the_text_around_it() -> None:
    prose = "Bu sayfa, kurulumun nasıl yapıldığını baştan sona anlatır ve birçok örnek verir."
    code = "for each of the things in the list while they last, do what has to be done with them"
    text = f"{prose}\n```\n{code}\n```"

    assert identify(text) == "tr"
