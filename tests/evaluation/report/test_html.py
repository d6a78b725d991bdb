"""What the page says, read as a parser reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from simplugin.errors import DataError
from simplugin.evaluation import Evaluation, write_html
from simplugin.evaluation.findings import Finding
from simplugin.evaluation.report import to_html
from simplugin.evaluation.report.elements import Markup, element
from tests.evaluation.report.samples import ATTACK, by_hand, classes, retrieval, similarity

EMPTY = {"meta", "link"}


@dataclass
class Page(HTMLParser):
    """Every element by name with its attributes, the text of the page, and whether all elements are closed."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def named(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]


def read(*evaluations: Evaluation) -> Page:
    page = Page()
    page.feed(to_html(evaluations))
    page.close()
    assert page.open == []
    return page


def titles(page: Page) -> list[str]:
    return [str(figure["id"]) for figure in page.named("figure")]


def test_similarity_has_its_plots_and_the_pairs_it_errs_on() -> None:
    page = read(similarity())

    assert titles(page) == [
        "similarity-intervals-0", "similarity-0-heatmap", "similarity-0-agreement", "similarity-0-reliability",
    ]  # fmt: skip
    drawings = [each for each in page.named("svg") if each.get("role") == "img"]
    assert len(drawings) == 1 + 1 + 2 + 2, "a panel for each language"
    assert "Pairs on which the model and people disagree most" in page.texts


def test_retrieval_has_the_loss_of_each_stage() -> None:
    page = read(retrieval())

    assert titles(page) == ["retrieval-intervals-0", "retrieval-0-stages"]
    assert {"−0.020", "+0.030", "−0.001"} <= set(page.texts)
    assert "The items of this result are not there: " in "".join(page.texts)


def test_one_stage_has_no_loss() -> None:
    assert titles(read(retrieval({"exact": 0.0}))) == ["retrieval-intervals-0"]


def test_a_result_without_crossings_has_no_heat_map() -> None:
    assert not any("heatmap" in title for title in titles(read(similarity(cross=False))))


def test_crossings_of_two_and_of_three_languages_fill_the_map() -> None:
    for languages in (("en", "de"), ("en", "de", "tr")):
        judged = similarity(60, languages=languages)
        page = to_html([judged])
        cells = page.split('class="heat-')[1:]
        numbers = [cell for cell in cells if "<text" in cell.split("</g>")[0]]
        assert len(numbers) == len(languages) ** 2


def test_several_models_are_compared_and_shown_one_after_the_other() -> None:
    page = read(similarity(seed=0), similarity(seed=1), retrieval())

    assert titles(page)[0] == "similarity-intervals-0"
    assert "Models side by side" in page.texts
    assert sum("agreement" in title for title in titles(page)) == 2
    assert [each.get("id") for each in page.named("section") if each.get("id")] == ["similarity", "retrieval"]
    assert {each["href"] for each in page.named("a")} == {"#main", "#similarity", "#retrieval"}


def test_every_text_is_text() -> None:
    page = read(similarity(languages=("en", ATTACK)), classes())

    assert {tag for tag, _ in page.elements} & {"script", "img", "iframe", "object"} == set()
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert any(ATTACK in text for text in page.texts)


def test_nothing_is_loaded() -> None:
    page = read(similarity(), retrieval())

    sources = [attributes[name] for _, attributes in page.elements for name in ("src", "href") if name in attributes]
    assert all(source is not None and source.startswith(("#", "data:")) for source in sources)
    (style,) = [text for text in page.texts if ":root" in text]
    assert "url(" not in style
    assert "@import" not in style
    policy = next(each for each in page.named("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert str(policy["content"]).startswith("default-src 'none'")


def test_ids_are_unique_and_every_reference_leads_somewhere() -> None:
    page = read(similarity(seed=0), similarity(seed=1), retrieval(), classes())

    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set((attributes.get(name) or "").split()) <= set(ids)


def test_headings_leave_no_level_out() -> None:
    page = read(similarity(seed=0), similarity(seed=1), classes())

    levels = [int(tag[1]) for tag, _ in page.elements if tag in {"h1", "h2", "h3", "h4"}]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_many_notes_are_folded_and_no_error_is() -> None:
    judged = classes()
    (section,) = judged.result.sections
    error = section.warnings[0]
    notes = [Finding(code="few_judged", severity="note", message=f"Note {number}.") for number in range(9)]
    many = section.model_copy(update={"warnings": (*notes, error)})

    page = to_html([Evaluation(judged.result.model_copy(update={"sections": (many,)}), ())])

    shown, folded = page.split("<summary>5 more notes</summary>")
    assert error.message in shown
    assert "Note 3." in shown
    assert "Note 4." in folded


def test_too_few_pairs_are_shown_without_a_calibration() -> None:
    page = read(similarity(24, cross=False))

    assert "No calibration could be fitted for en, de." in "".join(page.texts)
    assert "calibrated on the other half" not in page.texts


def test_a_page_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no result"):
        write_html([], tmp_path / "page.html")
    with pytest.raises(DataError, match="no section"):
        write_html([by_hand("pairs", "accuracy", [])], tmp_path / "page.html")
    with pytest.raises(DataError, match="cannot be written"):
        write_html([classes()], tmp_path)


def test_an_element_escapes_what_is_no_markup() -> None:
    assert element("p", {"title": 'a"b'}, "1 < 2", Markup("<br>")) == '<p title="a&quot;b">1 &lt; 2<br></p>'
