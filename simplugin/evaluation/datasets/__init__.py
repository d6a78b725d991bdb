"""Files to labelled data: pairs with a label, and what else a model is judged by."""

from simplugin.evaluation.datasets.bitext import Bitext, read_bitext
from simplugin.evaluation.datasets.nli import Inference, Inferences, read_nli
from simplugin.evaluation.datasets.sts import LabelledPair, Pairs, as_scale, read_pairs, read_sts

__all__ = [
    "Bitext",
    "Inference",
    "Inferences",
    "LabelledPair",
    "Pairs",
    "as_scale",
    "read_bitext",
    "read_nli",
    "read_pairs",
    "read_sts",
]
