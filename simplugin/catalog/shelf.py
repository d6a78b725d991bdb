"""Cards by name, read from the TOML files in ``models/``."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import cast

from simplugin.catalog.card import ModelCard
from simplugin.errors import ModelError, RetiredModelError, UnknownModelError

__all__ = ["NEWEST_STARTER", "RETIRED_STARTERS", "cards", "find", "names", "split_width"]

NEWEST_STARTER = "starter-3"
"""What ``starter`` stands for. Collections record the version, so that a later starter never replaces it."""

RETIRED_STARTERS = ("starter-1", "starter-2")
"""Those that came with earlier versions."""

_CUT = re.compile(r"(.+)@([1-9]\d{0,5})")
_CROSSING = re.compile(r"((?:T-Systems-onsite/)?cross-)([a-z]{2})-([a-z]{2})(-roberta(?:-sentence-transformer)?)")


def names() -> tuple[str, ...]:
    """Return every catalog name, sorted; ``starter`` itself is another word for the newest one."""
    return tuple(sorted([*_read(), "starter"]))


def cards() -> tuple[ModelCard, ...]:
    """Return every card, sorted by name."""
    return tuple(card for _, card in sorted(_read().items()))


def find(name: str) -> ModelCard:
    """Return the card with this catalog name or Hub id; ``"starter@64"`` is that of the model with its vectors cut.

    Raises ``UnknownModelError``, which lists the names that exist, and ``RetiredModelError`` for an old starter;
    ``ModelError`` for a width beyond the model's.
    """
    if name in RETIRED_STARTERS:
        raise RetiredModelError(name, NEWEST_STARTER)
    wanted = NEWEST_STARTER if name == "starter" else name
    crossing = _CROSSING.fullmatch(name)
    if crossing and wanted not in (known := {text for card in _read().values() for text in (card.name, card.id)}):
        # The two codes of a crossing stand in one order on the Hub; people know both.
        turned = "{0}{2}-{1}{3}".format(*crossing.groups())
        wanted = turned if turned in known else wanted
    shelf = _read()
    if wanted in shelf:
        return shelf[wanted]
    for card in shelf.values():
        if card.id == wanted:
            return card
    whole, width = split_width(name)
    if width is not None:
        card = find(whole)
        if card.dimension is not None and width > card.dimension:
            message = f"{name!r} would be wider than the model, whose vectors have {card.dimension} numbers."
            raise ModelError(message)
        return replace(card, dimension=width, truncate_dim=width)
    raise UnknownModelError(name, names())


def split_width(name: str) -> tuple[str, int | None]:
    """Return a model's name and the width behind it: ``("starter", 64)`` of ``"starter@64"``, None of ``"starter"``."""
    cut = _CUT.fullmatch(name)
    return (name, None) if cut is None else (cut[1], int(cut[2]))


@cache
def _read() -> dict[str, ModelCard]:
    shelf: dict[str, ModelCard] = {}
    for entry in resources.files("simplugin.catalog").joinpath("models").iterdir():
        if entry.name.endswith(".toml"):
            for card in _expand(tomllib.loads(entry.read_text(encoding="utf-8"))):
                shelf[card.name] = card
    return shelf


def _expand(table: dict[str, object]) -> list[ModelCard]:
    """Read one file: a card, or a family whose members differ in a pair of languages only.

    A family lists its ``pairs``; ``{a}`` and ``{b}`` in its texts stand for the two codes. ``members`` holds what
    is known of single ones.
    """
    pairs = cast("list[tuple[str, str]] | None", table.pop("pairs", None))
    if pairs is None:
        return [ModelCard.from_json(table)]
    own = cast("dict[str, dict[str, object]]", table.pop("members", {}))
    members: list[ModelCard] = []
    for a, b in pairs:
        member = {key: value.format(a=a, b=b) if isinstance(value, str) else value for key, value in table.items()}
        members.append(ModelCard.from_json(member | {"languages": (a, b)} | own.get(f"{a}-{b}", {})))
    return members
