from __future__ import annotations

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simplugin.encoders import PROBES, Fingerprint
from tests.hashing import HashEncoder


def test_a_model_is_the_same_as_itself_after_a_round_trip() -> None:
    fingerprint = HashEncoder().fingerprint

    stored = Fingerprint.from_json(json.loads(json.dumps(fingerprint.to_json())))

    comparison = stored.compare(HashEncoder().fingerprint)
    assert stored == fingerprint
    assert comparison.refusals == ()
    assert comparison.warnings == ()
    assert comparison.cosine == pytest.approx(1.0, abs=1e-4)


def test_another_model_of_the_same_width_is_refused_by_its_vectors() -> None:
    comparison = HashEncoder(seed=0).fingerprint.compare(HashEncoder(seed=1).fingerprint)

    assert len(comparison.refusals) == 1
    assert "probe sentences" in comparison.refusals[0]


def test_another_width_is_refused_without_comparing_vectors() -> None:
    comparison = HashEncoder(64).fingerprint.compare(HashEncoder(32).fingerprint)

    assert comparison.refusals == ("dimension is 32 instead of 64",)
    assert comparison.cosine is None


def test_a_shorter_length_is_refused_although_no_probe_sentence_is_long_enough_to_see_it() -> None:
    comparison = HashEncoder(max_tokens=512).fingerprint.compare(HashEncoder(max_tokens=128).fingerprint)

    assert comparison.refusals == ("max_tokens is 128 instead of 512",)


def test_another_prompt_is_refused_as_declared_and_as_measured() -> None:
    comparison = HashEncoder().fingerprint.compare(HashEncoder(query_prompt="query: ").fingerprint)

    assert [reason.split(" ")[0] for reason in comparison.refusals] == ["prompts", "its"]


@pytest.mark.parametrize(
    ("noise", "refused", "warned"), [(0.0, False, False), (0.02, False, False), (0.08, False, True), (0.5, True, False)]
)
def test_noise_in_the_weights_is_let_through_warned_of_or_refused(noise: float, refused: bool, warned: bool) -> None:
    comparison = HashEncoder(256).fingerprint.compare(HashEncoder(256, noise=noise).fingerprint)

    assert (bool(comparison.refusals), bool(comparison.warnings)) == (refused, warned), comparison


def test_the_probes_are_in_several_scripts_and_no_two_are_equal() -> None:
    letters = "".join(PROBES)

    assert len(set(PROBES)) == len(PROBES)
    assert any("א" <= letter <= "ת" for letter in letters)
    assert any("а" <= letter <= "я" for letter in letters)
    assert "ə" in letters
    assert "水" in letters


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_comparing_is_symmetric(one: int, other: int) -> None:
    a, b = HashEncoder(seed=one).fingerprint, HashEncoder(seed=other).fingerprint

    there, back = a.compare(b), b.compare(a)

    assert there.cosine == back.cosine
    assert bool(there.refusals) == bool(back.refusals) == (one != other)


def test_vectors_of_any_length_fit_the_half_precision_they_are_kept_in() -> None:
    class Loud(HashEncoder):
        def _encode(self, texts):  # type: ignore[no-untyped-def]
            return super()._encode(texts) * np.float32(1e6)

    assert Loud().fingerprint.compare(HashEncoder().fingerprint).refusals == ()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_probe_vectors_that_are_no_numbers_are_refused(value: float) -> None:
    good = HashEncoder(8).fingerprint
    packed = base64.b64encode(np.full((len(PROBES), 8), value, dtype="<f2").tobytes()).decode("ascii")

    with pytest.raises(ValueError, match="not finite"):
        Fingerprint.from_json({**good.to_json(), "probe_queries": packed})


def test_a_model_that_gives_no_numbers_is_not_let_in() -> None:
    good = HashEncoder(8).fingerprint
    packed = base64.b64encode(np.full((len(PROBES), 8), np.nan, dtype="<f2").tobytes()).decode("ascii")

    assert good.compare(replace(good, probe_queries=packed, probe_documents=packed)).refusals
