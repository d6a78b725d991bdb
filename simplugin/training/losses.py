"""What the student is asked for, as numbers to bring down."""

import torch
from torch.nn.functional import log_softmax, normalize

SHARPNESS = 20.0
"""Factor on cosines before a softmax, the usual one for sentence embeddings (a temperature of 0.05)."""


def distillation_loss(
    student: torch.Tensor, teacher: torch.Tensor, soft: torch.Tensor, *, closeness: float
) -> torch.Tensor:
    """Ask each student row to be near its own teacher row and as far from the others as the teacher says.

    `student` (n, d) and `teacher` (n, d) need not be normalised; `soft` (n, n) holds the wanted probabilities,
    rows that add up to 1. Cross-entropy plus `closeness` times (1 - cosine).
    """
    found, wanted = normalize(student), normalize(teacher)
    ranking = -(soft * log_softmax(SHARPNESS * found @ wanted.T, dim=1)).sum(dim=1).mean()
    distance = (1.0 - (found * wanted).sum(dim=1)).mean()
    return ranking + closeness * distance


def teacher_softmax(teacher: torch.Tensor) -> torch.Tensor:
    """Give the teacher's view of a batch, (n, n): softmax of sharpened cosines; rows of `teacher` have length 1."""
    return torch.softmax(SHARPNESS * teacher @ teacher.T, dim=1)


def translation_loss(texts: torch.Tensor, english: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
    """Ask each text to find its English sentence among those of the batch, and the other way round.

    `texts` and `english` are (n, d); `sentences` (n,) numbers the English sentences, since one may stand in several
    rows and is right in each of them. Symmetric cross-entropy (multiple negatives, Henderson et al. 2017,
    https://arxiv.org/abs/1705.00652).
    """
    cosines = SHARPNESS * normalize(texts) @ normalize(english).T
    same = (sentences[:, None] == sentences[None, :]).to(cosines.dtype)
    wanted = same / same.sum(dim=1, keepdim=True)
    forth = -(wanted * log_softmax(cosines, dim=1)).sum(dim=1).mean()
    back = -(wanted * log_softmax(cosines.T, dim=1)).sum(dim=1).mean()
    return (forth + back) / 2.0


def similarity_loss(first: torch.Tensor, second: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """Give the mean squared distance of the pairs' cosines (n,) from their scores (n,) in [0, 1]."""
    return ((torch.cosine_similarity(first, second) - scores) ** 2).mean()
