"""What is wrong with labels, scores, vectors or a model, found from them: numbers in, a finding or None out."""

from simplugin.evaluation.detectors.labels import class_labels, inverted_overlap, labels_out_of_range, overlap
from simplugin.evaluation.detectors.scores import inverted_scores, random_head
from simplugin.evaluation.detectors.spaces import (
    Translated,
    collapsed_space,
    dropped_head,
    matched,
    not_multilingual,
    truncated,
)

__all__ = [
    "Translated",
    "class_labels",
    "collapsed_space",
    "dropped_head",
    "inverted_overlap",
    "inverted_scores",
    "labels_out_of_range",
    "matched",
    "not_multilingual",
    "overlap",
    "random_head",
    "truncated",
]
