"""Whether words can be read and marks be seen, in light and in dark (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re
from importlib import resources

import pytest

STYLE = resources.files("simplugin.evaluation.report").joinpath("style.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
)


def luminance(colour: str) -> float:
    shares = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_is_the_highest_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("colours", [LIGHT, {**LIGHT, **DARK}], ids=["light", "dark"])
def test_text_and_marks_stand_out(colours: dict[str, str]) -> None:
    assert DARK.keys() == LIGHT.keys()
    for ground in ("surface", "raised"):
        for words in ("ink", "muted", "link", "error", "warning", "note"):
            assert contrast(colours[words], colours[ground]) >= 4.5, (words, ground)
    for shade in range(9):
        assert contrast(colours[f"on-{shade}"], colours[f"heat-{shade}"]) >= 4.5, shade
    for series in range(6):
        assert contrast(colours[f"series-{series}"], colours["surface"]) >= 3, series


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_shades_go_one_way_from_the_page_to_the_most(colours: dict[str, str]) -> None:
    for name, count in (("heat", range(9)), ("shade", range(1, 6))):
        steps = [contrast(colours[f"{name}-{step}"], colours["surface"]) for step in count]
        assert steps == sorted(steps), name
