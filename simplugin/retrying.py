"""When a call to a server is made again, and after how long."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["PASSING", "Retry", "retry_after"]

PASSING = frozenset({429, 500, 502, 503, 504})
"""The HTTP statuses that another attempt may change."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a call is made, and how long to wait before the next attempt, in seconds.

    After attempt n the wait is drawn evenly from 0 to ``first`` * 2^(n-1), at most ``longest``: exponential backoff
    with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). A server that says
    ``Retry-After`` is given that time first, at most ``longest_asked``.
    """

    attempts: int = 5
    first: float = 0.5
    longest: float = 30.0
    longest_asked: float = 60.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or min(self.first, self.longest, self.longest_asked) < 0:
            message = f"{self!r}: attempts must be at least 1, and no time below 0."
            raise ValueError(message)

    def wait(self, attempt: int, asked: float | None) -> float:
        """Return the seconds between attempt number ``attempt``, from 1, and the next one."""
        if asked is not None:
            # Many clients are told the same time: a little jitter keeps them apart when it is over.
            return min(asked, self.longest_asked) + random.uniform(0, min(self.first, self.longest))
        return random.uniform(0, min(self.longest, self.first * 2 ** (attempt - 1)))


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for (RFC 9110, 10.2.3), None where it says nothing.

    Both forms are read: seconds (fractions too, as some servers send them) and dates; one in the past asks for 0.
    """
    if value is None:
        return None
    if re.fullmatch(r"\d+(\.\d*)?", value.strip(), re.ASCII):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:  # "-0000": UTC without a word on where the server is
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())
