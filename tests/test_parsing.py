from __future__ import annotations

import pytest

from simplugin.parsing import parse_json


def test_what_json_holds_is_returned() -> None:
    assert parse_json('{"a": [1, null, "ş"]}') == {"a": [1, None, "ş"]}
    assert parse_json(b"[1e3]") == [1000.0]


@pytest.mark.parametrize("text", ["", "{", "[" * 200_000, '{"a":' * 200_000, "9" * 5000, b"\xff"])
def test_what_is_no_json_is_a_value_error_however_it_fails(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_json(text)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}'])
def test_what_python_alone_takes_for_json_is_refused_where_it_is_asked(text: str) -> None:
    with pytest.raises(ValueError, match="is no JSON number"):
        parse_json(text, finite=True)
