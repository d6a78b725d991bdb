"""Which of several models suits your texts: judged by labelled pairs, and by what a search among the samples finds.

python examples/compare_models.py                  the starter, and the starter cut short, on the sample pairs
python examples/compare_models.py PAIRS MODEL …    your pairs (sentence1,sentence2,score), by any models

A figure alone says little: beside it stands the interval that other pairs of the same kind would move it in, and two
models differ only where the interval of their difference leaves out 0.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import simplugin as sp
from simplugin import samples
from simplugin.evaluation import Evaluation, Section, compare, evaluate_similarity

PAIRS = str(samples.documents_folder().parent / "pairs.csv")


def main(pairs: str, models: Mapping[str, sp.Encoder]) -> None:
    judged = {name: evaluate_similarity(model, pairs) for name, model in models.items()}
    print(f"{'model':24} {'numbers':>7} {'spearman':>9}  {'95 % interval':13} {'topic found':>12}")
    for name, model in models.items():
        section, main_score = whole(judged[name]), judged[name].result.main
        score, (low, high) = section.metrics[main_score], section.ci95[main_score]
        print(f"{name:24} {model.dimension:7} {score:9.3f}  {low:5.2f} to {high:4.2f} {topics_found(model):12.2f}")
        for finding in section.warnings:
            print(f"  {finding.message}")

    print()
    for each in compare(judged).differences:
        if each.section == whole(judged[each.a]).section:
            better = f"{each.better} is better" if each.better else each.verdict
            print(f"{each.a} less {each.b}: {each.difference:+.3f}, {better}")


def whole(evaluation: Evaluation) -> Section:
    """Return the section of all pairs: "all" where the data name several languages, else the only one."""
    return evaluation.result.sections[-1]


def topics_found(model: sp.Encoder) -> float:
    """Return how often the document closest to a sample question is about its topic, among those of all languages."""
    documents = sorted(samples.documents_folder().glob("*/*.md"))
    asked = samples.questions()
    scores = sp.similarity(
        model.encode_query([question.text for question in asked]),
        model.encode_document([path.read_text(encoding="utf-8") for path in documents]),
    )
    best: list[int] = scores.argmax(axis=1).tolist()
    right = [documents[place].stem == question.topic for place, question in zip(best, asked, strict=True)]
    return sum(right) / len(right)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("pairs", nargs="?", default=PAIRS, metavar="PAIRS", help="a CSV, TSV or JSON lines file")
    arguments.add_argument("models", nargs="*", metavar="MODEL", help="what sp.load takes; two or more")
    given = arguments.parse_args()
    if len(given.models) == 1:
        arguments.error("one model cannot be compared; name two or more")
    cuts = {"starter": None, "starter, 64 numbers": 64, "starter, 8 numbers": 8}
    main(
        given.pairs,
        {Path(name).name: sp.load(name) for name in given.models}
        or {name: sp.load("starter", truncate_dim=width) for name, width in cuts.items()},
    )
