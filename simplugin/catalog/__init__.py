"""The models simplugin knows by name: one TOML file each."""

from simplugin.catalog.card import Backend, Claim, ModelCard, Precision, Prompts
from simplugin.catalog.shelf import NEWEST_STARTER, RETIRED_STARTERS, cards, find, names, split_width

__all__ = [
    "NEWEST_STARTER",
    "RETIRED_STARTERS",
    "Backend",
    "Claim",
    "ModelCard",
    "Precision",
    "Prompts",
    "cards",
    "find",
    "names",
    "split_width",
]
