from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.ingestion.readers.front_matter import cut_front_matter

PAGE = """---
title: "Kitabxana: saatlar"
lang: az-AZ
department: hr
tags: [salam, 2024, 1.5]
keywords:
  - açılış
  - 'saat on'
author: {name: Aygün}
date: 2024-05-01
opens: 09:30
postcode: 01234
year: 2024
score: 4.5
draft: false
country: no
nothing:
also: ~
list: []
big: 99999999999999999999999
ratio: .nan
page: 3
headings: [x]
---
Salam
"""


def test_what_a_page_says_of_itself_is_told_as_it_is_written() -> None:
    found, text = cut_front_matter(PAGE)

    assert text == "Salam\n"
    assert found == {
        "title": "Kitabxana: saatlar",
        "lang": "az",
        "department": "hr",
        "tags": ["salam", 2024, 1.5],
        "keywords": ["açılış", "saat on"],
        "date": "2024-05-01",
        "opens": "09:30",
        "postcode": "01234",
        "year": 2024,
        "score": 4.5,
        "draft": False,
        "country": "no",
        "big": "99999999999999999999999",
        "ratio": ".nan",
    }


@pytest.mark.parametrize(
    "lines",
    ["title: one: two", "title: t\n\tx: 1", "title: t\n- x", "title: t\nx: [", f"title: t\nx: {'a' * 5000}"],
)
def test_title_and_language_are_read_where_the_rest_is_no_yaml(lines: str) -> None:
    found, text = cut_front_matter(f"---\n{lines}\nlanguage: tr\n---\nMetin")

    assert found == {"title": lines.partition("\n")[0].removeprefix("title: "), "lang": "tr"}
    assert text == "Metin"


@pytest.mark.parametrize(
    "lines",
    [
        "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60)),
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)),
        "a: " + "[" * 2000 + "]" * 2000,
        "a:\n  " + "- " * 2000 + "a",
        "a: " + "{b: " * 900 + "}" * 900,
        "a: &a [*a]",
    ],
    ids=["merges", "aliases", "lists", "items", "mappings", "itself"],
)
def test_front_matter_made_to_be_without_end_has_one(lines: str) -> None:
    started = time.perf_counter()
    found, text = cut_front_matter(f"---\n{lines}\n---\nText")

    assert time.perf_counter() - started < 1
    assert text == "Text"
    assert set(found) <= {"a0"}


@pytest.mark.parametrize(
    "lines",
    [
        "\nIMPORTANT first paragraph.\n",
        "\n# First slide\n\nAgenda: many things\n",
        "A paragraph between rules.",
        "A paragraph.\nSee also: another one.",
        "- one\n- two",
        "\n",
    ],
)
def test_what_names_nothing_between_rules_is_text(lines: str) -> None:
    text = f"---\n{lines}\n---\n\nRest."

    assert cut_front_matter(text) == ({}, text)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("title: >\n  folded\n  lines", {"title": "folded lines"}),
        ("title: |-\n  two\n  lines", {"title": "two lines"}),
        ("title: 'It''s'", {"title": "It's"}),
        ("title: ~", {}),
        ("title: Foo # a comment\nlang: en # another", {"title": "Foo", "lang": "en"}),
        ('title: "Quoted: \\u00fc"\nlang: iw', {"title": "Quoted: ü", "lang": "he"}),
        ("\ntitle: after a blank line", {"title": "after a blank line"}),
        ("lang: no", {"lang": "no"}),
    ],
)
def test_title_and_language_are_what_yaml_says_they_are(lines: str, said: dict[str, str]) -> None:
    assert cut_front_matter(f"---\n{lines}\n---\nText") == (said, "Text")


def test_toml_between_its_own_rules_is_front_matter_too() -> None:
    lines = """title = "Opening hours"
lang = "en"
date = 2024-05-01
draft = false
weight = 3
tags = ["hours", "library"]
[params]
inner = 1"""

    found, text = cut_front_matter(f"+++\n{lines}\n+++\nText")

    assert found == {
        "title": "Opening hours",
        "lang": "en",
        "date": "2024-05-01",
        "draft": False,
        "weight": 3,
        "tags": ["hours", "library"],
    }
    assert text == "Text"


@pytest.mark.parametrize(
    "lines", ["no TOML", "a = " + "[" * 3000, f"a = {10**30}", "a = inf\nb = [[1]]\nc = {d = 1}", "# nothing"]
)
def test_of_toml_too_nothing_is_taken_that_cannot_be_stored(lines: str) -> None:
    found, text = cut_front_matter(f"+++\n{lines}\n+++\nText")

    assert found == {}
    assert text.endswith("Text")


@given(st.text(max_size=120))
def test_any_text_is_there_again_behind_its_front_matter(text: str) -> None:
    found, rest = cut_front_matter(text)

    assert text.endswith(rest)
    assert rest == text or text.lstrip("\ufeff").startswith("---")
    assert all(isinstance(value, str | int | float | bool | list) for value in found.values())
    assert cut_front_matter(f"---\ndone: true\n---\n{text}") == ({"done": True}, text)
