"""Whatever a reader is given, it gives a good result or an error of ours: soon, in little memory, and never another.

150 inputs for each kind of file in ``make test``, or as many as half a second allows; in ``make prove`` 20,000, or as
many as two minutes allow. How many there were is printed.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings

from simplugin.errors import SimpluginError
from tests.proofs.damaging import Damaged, damaged
from tests.proofs.fuzzed import KINDS, Kind

PROVE = bool(os.environ.get("SIMPLUGIN_PROVE"))
INPUTS = 20_000 if PROVE else 150
SECONDS = float(os.environ.get("SIMPLUGIN_PROVE_SECONDS", "120")) if PROVE else 0.4  # of each kind
AT_ONCE = 200 if PROVE else 25
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example, HealthCheck.filter_too_much]
MEMORY = 1024  # MB by which the process may grow over all inputs of a kind


@dataclass(slots=True)
class Tally:
    """What came of the inputs, and the most seconds of the processor that one took."""

    good: int = 0
    refused: int = 0
    longest: float = 0.0

    @property
    def inputs(self) -> int:
        """How many there were."""
        return self.good + self.refused

    def __str__(self) -> str:
        return f"{self.inputs:6,} inputs, {self.good:6,} read, {self.refused:6,} refused, {self.longest:.2f} s at most"


class TooLongError(BaseException):
    """An input takes longer than it may; no library's ``except Exception`` keeps it."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.replace("/", "-"))
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore:Generating overly large repr")
def test_what_is_damaged_is_read_or_refused(kind: Kind, tmp_path: Path) -> None:
    samples = kind.samples(tmp_path)
    whole = Tally()
    for sample in samples:
        attempt(kind, sample, tmp_path, whole)
    assert whole.good > 0
    before, tally, until = peak(), Tally(), time.monotonic() + SECONDS
    start = time.time_ns() if PROVE else 0

    @settings(max_examples=AT_ONCE, database=None, suppress_health_check=SLOW)
    @given(damaged(samples))
    def fuzz(file: Damaged) -> None:
        attempt(kind, file.raw, tmp_path, tally)

    for number in count(start):
        seed(number)(fuzz)()
        if tally.inputs >= INPUTS or time.monotonic() >= until:
            break

    print(f"{kind.name:50} {tally}")  # noqa: T201
    assert tally.inputs >= AT_ONCE
    assert peak() - before < MEMORY


def attempt(kind: Kind, raw: bytes, folder: Path, tally: Tally) -> None:
    started = time.process_time()
    try:
        with limited(kind.seconds):
            kind.read(raw, folder)
    except SimpluginError:
        tally.refused += 1
    except BaseException:
        (folder / "failed").write_bytes(raw)  # to try again
        raise
    else:
        tally.good += 1
    tally.longest = max(tally.longest, time.process_time() - started)


@contextmanager
def limited(seconds: float) -> Generator[None]:
    """Raise ``TooLongError`` where the processor works longer on it, also where it would never end."""

    def stop(*_: object) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def peak() -> float:
    """Return the most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
