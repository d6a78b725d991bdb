"""The page in a real browser: Debian's ``chromium``, or another one that is there."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from simplugin.evaluation import write_html
from tests.browser import CHROMIUM, Browser, browser
from tests.evaluation.report.samples import classes, retrieval, similarity

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium; on Debian: apt-get install chromium")

LOUD = {
    "Log.entryAdded",
    "Runtime.consoleAPICalled",
    "Runtime.exceptionThrown",
    "Page.javascriptDialogOpening",
}
DRAWINGS = """[...document.querySelectorAll('svg[role=img]')].map(each => {
  const box = each.getBoundingClientRect();
  const told = each.getAttribute('aria-labelledby').split(' ').map(id => document.getElementById(id).textContent);
  return {width: box.width, height: box.height, told, marks: each.querySelectorAll('path, rect, polyline').length};
})"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Generator[Browser, None, None]:
    folder = tmp_path_factory.mktemp("page")
    write_html([similarity(seed=0), similarity(seed=1), retrieval(), classes()], folder / "page.html")
    with browser(folder / "profile") as opened:
        yield opened.open((folder / "page.html").as_uri())


def test_the_browser_says_nothing_and_asks_for_nothing(page: Browser) -> None:
    page.value("1")  # what was said before this has arrived after it

    requests = [event["params"]["request"] for event in page.events if event["method"] == "Network.requestWillBeSent"]
    asked = [request["url"] for request in requests]
    loud = [event for event in page.events if event["method"] in LOUD]
    assert loud == []
    assert [url.split("/")[-1] for url in asked if not url.startswith("data:")] == ["page.html"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_plot_is_there_and_has_a_name(page: Browser, scheme: str, width: int) -> None:
    page.show(width=width, scheme=scheme)

    drawings: list[dict[str, Any]] = page.value(DRAWINGS)

    # Three charts of sections; of each model a map and two panels of each language; two panels of stages.
    assert len(drawings) == 3 + 2 * (1 + 2 + 2) + 2
    for drawing in drawings:
        assert drawing["width"] > 200
        assert drawing["height"] > 40
        assert drawing["marks"] > 0
        title, description = drawing["told"]
        assert title.strip()
        assert description.strip()
    assert len({drawing["told"][0] for drawing in drawings}) >= 9


def test_light_and_dark_are_different_pages(page: Browser) -> None:
    grounds: list[str] = []
    pictures: list[bytes] = []
    for scheme in ("light", "dark"):
        page.show(width=1280, scheme=scheme)
        grounds.append(page.value("getComputedStyle(document.body).backgroundColor"))
        pictures.append(page.picture())

    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 24, 28)"]
    assert all(len(picture) > 10_000 for picture in pictures)
    assert pictures[0] != pictures[1]


@pytest.mark.parametrize("width", [360, 800, 1280])
def test_the_page_is_never_wider_than_the_screen(page: Browser, width: int) -> None:
    page.show(width=width)

    assert page.value("document.documentElement.scrollWidth") <= width
    too_wide = page.value(
        f"[...document.querySelectorAll('h1, h2, h3, h4, p, dd, li, summary')]"
        f".filter(each => each.getBoundingClientRect().right > {width}).map(each => each.textContent)"
    )
    assert too_wide == []


def test_no_words_of_a_plot_are_cut_off(page: Browser) -> None:
    for width in (360, 1280):
        page.show(width=width)
        outside = page.value("""[...document.querySelectorAll('svg[role=img] text')].filter(each => {
          const frame = each.closest('svg[role=img]').getBoundingClientRect(), box = each.getBoundingClientRect();
          return box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1
              || box.bottom > frame.bottom + 1;
        }).map(each => each.textContent)""")
        assert outside == [], width


def test_the_keyboard_reaches_the_results_and_opens_the_numbers(page: Browser) -> None:
    page.show(width=1280)
    page.value("document.activeElement.blur()")
    page.press("Tab")
    assert page.value("document.activeElement.textContent") == "Skip to the results"
    page.press("Enter")
    assert page.value("document.activeElement.id") == "main"
    for _ in range(20):
        page.press("Tab")
        if page.value("document.activeElement.tagName") == "SUMMARY":
            break
    seen = "document.activeElement.parentElement.querySelector('table').checkVisibility()"
    assert page.value(seen) is False
    page.press("Enter")
    assert page.value("document.activeElement.parentElement.open") is True
    assert page.value(seen) is True


def test_every_table_says_what_it_is_of(page: Browser) -> None:
    bad = page.value("""[...document.querySelectorAll('table')].filter(each => !each.caption.textContent.trim()
      || [...each.tHead.querySelectorAll('th')].some(head => head.scope != 'col')
      || [...each.tBodies[0].rows].some(row => row.cells[0].scope != 'row')).length""")

    assert page.value("document.querySelectorAll('table').length") > 20
    assert bad == 0
