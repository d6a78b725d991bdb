"""The numbers behind the plots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.calibration import expected_calibration_error
from simplugin.evaluation import Evaluation, Section
from simplugin.evaluation.report.plots import heatmap, stages
from simplugin.evaluation.report.plots.figure import axis
from simplugin.evaluation.report.plots.reliability import cross_fitted
from simplugin.evaluation.report.scored import disagreements
from simplugin.evaluation.report.table import Quote
from simplugin.evaluation.result import DataRecord, Part
from tests.evaluation.report.samples import by_hand, retrieval, similarity


@given(st.floats(-100, 100), st.floats(0.01, 1000), st.integers(2, 12))
def test_an_axis_holds_what_it_is_for_and_has_few_marks(low: float, span: float, count: int) -> None:
    made = axis("", low, low + span, count=count)

    step = made.ticks[1] - made.ticks[0]
    assert made.low - 0.01 * step <= low <= low + span <= made.high + 0.01 * step
    assert 2 <= len(made.ticks) <= count + 2
    assert np.diff(made.ticks) == pytest.approx(step)


def test_an_axis_of_cosines_ends_at_one_though_one_is_a_hair_more() -> None:
    made = axis("cosine", -0.2, 1.0000002)

    assert (made.low, made.high) == (-0.25, 1.0)
    assert made.share(1.0000002) == 1.0


def test_an_axis_of_one_number_has_room_below_it() -> None:
    made = axis("AUC", 1.0, 1.0)

    assert (made.low, made.high) == (0.9, 1.0)


def test_no_pair_is_judged_by_a_curve_that_it_helped_to_fit() -> None:
    random = np.random.default_rng(0)
    scores = random.uniform(0, 1, 200)
    labels = np.clip(5 * scores**3 + random.normal(0, 0.3, 200), 0, 5)
    clusters = np.arange(200) // 4
    given = cross_fitted(scores, labels, clusters, seed=0)
    assert given is not None
    for pair in (0, 77, 199):
        changed = labels.copy()
        own = clusters == clusters[pair]
        changed[own] = 5 - changed[own]
        again = cross_fitted(scores, changed, clusters, seed=0)
        assert again is not None
        assert again[own].tolist() == given[own].tolist()
        assert (again != given).any()


def test_a_calibrated_score_is_nearer_to_what_happens() -> None:
    judged = similarity(400, languages=("en",), cross=False)
    (part,) = judged.parts
    scores, labels = part.numbers["cosine"], part.numbers["label"]

    given = cross_fitted(scores, labels, part.clusters, seed=0)

    assert given is not None
    came = labels >= 3
    assert expected_calibration_error(given, came) < expected_calibration_error(np.clip(scores, 0, 1), came)


def test_the_pair_on_which_model_and_people_differ_most_comes_first_and_its_translation_does_not_come_again() -> None:
    labels = np.array([0.0, 1, 2, 3, 5, 5])
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.0, 0.9])
    parts = [
        Part(
            name,
            np.arange(6),
            {"label": labels, "cosine": scores},
            {side: tuple(f"{name} {side} {row}" for row in range(6)) for side in ("first", "second")},
        )
        for name in ("en", "de")
    ]
    result = by_hand("similarity", "spearman_cosine", []).result

    table = disagreements(Evaluation(result, tuple(parts)))

    assert table is not None
    first = table.rows[0]
    # By label it shares the places 5 and 6 of 6, by cosine it has the first.
    assert first == ("en", Quote("en first 4", "en"), Quote("en second 4", "en"), "5", "0.000", "83 %", "8 %")
    assert len(table.rows) == 6
    assert {row[0] for row in table.rows} == {"en"}


def test_a_crossing_is_in_the_map_once_for_each_order_of_its_languages() -> None:
    result = similarity(60, languages=("en", "de", "tr")).result

    figure = heatmap("map", result, [result])

    assert figure is not None
    heads, rows = figure.numbers.heads, {row[0]: row for row in figure.numbers.rows}
    assert heads == ("first text in", "en", "de", "tr")
    assert rows["en"][3] == rows["tr"][1] == result.section("en-tr").metrics["spearman_cosine"]
    assert rows["de"][2] == result.section("de").metrics["spearman_cosine"]


def test_a_map_that_would_be_mostly_empty_is_none() -> None:
    sections = [Section(section=f"en-{other}", counts={}, metrics={"accuracy": 0.5}) for other in ("de", "tr", "he")]
    found = by_hand("bitext", "accuracy", sections).result
    data = tuple(DataRecord(name=each.section, language=each.section, rows=1) for each in sections)
    result = found.model_copy(update={"data": data})

    assert heatmap("map", result, [result]) is None
    two = result.model_copy(update={"sections": tuple(sections[:1])})
    assert heatmap("map", two, [two]) is not None


def test_of_retrieval_the_map_has_queries_and_documents() -> None:
    sections = [
        Section(section=name, stage="exact", counts={}, metrics={"nDCG@10": value})
        for name, value in (("en", 0.9), ("de", 0.8), ("en-de", 0.7), ("de-en", 0.6))
    ]
    result = by_hand("retrieval", "nDCG@10", sections).result

    figure = heatmap("map", result, [result])

    assert figure is not None
    assert (figure.numbers.heads, figure.numbers.rows) == (
        ("queries in", "en", "de"),
        (("en", 0.9, 0.7), ("de", 0.6, 0.8)),
    )
    assert ">documents in</text>" in figure.drawings[0]


def test_a_stage_is_measured_against_the_one_that_the_result_names() -> None:
    result = retrieval().result
    against = [
        each.model_copy(update={"details": {"against": "quantized"}}) if each.stage == "rerank" else each
        for each in result.sections
    ]

    figure = stages("stages", result.model_copy(update={"sections": tuple(against)}))

    assert figure is not None
    heads, rows = figure.numbers.heads, {row[1]: row for row in figure.numbers.rows if row[0] == "en"}
    place = heads.index("selective@10")
    assert [rows[stage][2] for stage in rows] == [None, "exact", "exact", "quantized"]
    assert rows["exact"][place] is None
    assert rows["quantized"][place] == pytest.approx(-0.02)
    assert rows["rerank"][place] == pytest.approx(0.05)
