from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.numbering import NUMBER, Numbering

LONG = "א" * 257
WORDS = st.sampled_from(["a", "bb", "ccc", "görüş", "图书馆", "d" * 256, LONG])
TEXTS = st.lists(st.lists(WORDS, max_size=8).map(" \n".join), max_size=5)


def letters(words: Sequence[str]) -> Iterator[bytes]:
    """Number words by their letters; those of one letter have no numbers."""
    for word in words:
        yield np.array([ord(letter) for letter in word if len(word) > 1], NUMBER).tobytes()


@given(windows=st.lists(TEXTS, max_size=5), remembered=st.sampled_from([0, 3, 300, 3_000]))
def test_texts_have_their_words_numbers_whatever_is_remembered(windows: list[list[str]], remembered: int) -> None:
    numbering = Numbering(letters, remembered=remembered)
    for texts in windows:
        numbers, sizes = numbering.number(texts)

        own = [b"".join(letters(text.split())) for text in texts]
        assert numbers.dtype == NUMBER
        assert numbers.tobytes() == b"".join(own)
        assert sizes.tolist() == [len(row) // NUMBER.itemsize for row in own]


def test_a_word_is_worked_out_once_and_one_beyond_256_letters_each_time() -> None:
    asked = Counter[str]()

    def counted(words: Sequence[str]) -> Iterator[bytes]:
        asked.update(words)
        return letters(words)

    numbering = Numbering(counted)
    for _ in range(3):
        numbering.number(["one two one", f"two {'d' * 256} {LONG} three", ""])

    assert asked == {"one": 1, "two": 1, "d" * 256: 1, "three": 1, LONG: 3}


def test_what_is_remembered_is_bounded_by_its_letters() -> None:
    numbering = Numbering(letters, remembered=1000)
    for number in range(500):
        numbering.number([f"{number:08}", f"{number:0300}"])

        assert sum(map(len, numbering._known)) <= 1000


def test_threads_may_share_it() -> None:
    numbering = Numbering(letters, remembered=100)  # memory starts anew all the time
    texts = [f"w{number % 37} w{number % 11} w{number}" for number in range(2000)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: numbering.number([text])[0].tobytes(), texts))

    assert found == [b"".join(letters(text.split())) for text in texts]


def test_what_cannot_be_worked_out_raises_and_is_not_remembered() -> None:
    broken = True

    def fail(words: Sequence[str]) -> Iterator[bytes]:
        for each in letters(words):
            yield each
            if broken:
                raise ValueError("not now")

    numbering = Numbering(fail)
    with pytest.raises(ValueError, match="not now"):
        numbering.number(["one two"])
    broken = False

    assert numbering.number(["one two"])[1].tolist() == [6]
