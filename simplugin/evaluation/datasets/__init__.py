"""Files to labelled data: pairs with a label, and what else a model is judged by."""

from simplugin.evaluation.datasets.sts import LabelledPair, Pairs, as_scale, read_pairs, read_sts

__all__ = ["LabelledPair", "Pairs", "as_scale", "read_pairs", "read_sts"]
