from __future__ import annotations

from typing import Any

import yaml
from huggingface_hub.repocard_data import model_index_to_eval_results

from simplugin.evaluation import Result
from simplugin.evaluation.report import to_model_index
from tests.evaluation.report.samples import ATTACK, classes, retrieval, similarity


def read(*results: Result) -> list[dict[str, Any]]:
    models: list[dict[str, Any]] = yaml.safe_load(to_model_index(results))["model-index"]
    return models


def test_the_hub_reads_every_figure() -> None:
    result = similarity().result

    name, read_back = model_index_to_eval_results(read(result))

    assert name == "hash-64-0"
    assert {each.task_type for each in read_back} == {"semantic-similarity"}
    english = {each.metric_type: each for each in read_back if each.dataset_config == "en"}
    assert english.keys() == set(result.section("en").metrics)
    assert english["spearman_cosine"].metric_value == round(result.section("en").metrics["spearman_cosine"] or 0, 6)
    assert english["spearman_cosine"].metric_name == "Spearman Cosine"


def test_what_is_pooled_has_its_mean_too() -> None:
    result = similarity().result

    (pooled,) = [each for each in read(result)[0]["results"] if each["dataset"]["config"] == "all"]

    (mean,) = [metric for metric in pooled["metrics"] if metric["type"] == "macro_spearman_cosine"]
    assert mean["value"] == round(result.section("all").macro["spearman_cosine"], 6)


def test_a_data_set_is_told_with_language_split_and_stage() -> None:
    entries = read(retrieval().result)[0]["results"]

    assert entries[1]["task"] == {"type": "information-retrieval", "name": "Information Retrieval"}
    assert entries[1]["dataset"] == {
        "type": "questions-en-dev",
        "name": "questions-en-dev, index",
        "config": "en",
        "split": "validation",
    }
    assert [entry["dataset"]["config"] for entry in entries] == ["en"] * 4 + ["de"] * 4


def test_a_section_of_several_sets_names_what_they_share() -> None:
    (entry,) = read(classes().result)[0]["results"]

    assert entry["dataset"] == {
        "type": "questions-dev",
        "name": f"questions-dev ({ATTACK})",
        "config": ATTACK,
        "split": "validation",
    }


def test_what_is_not_defined_is_left_out() -> None:
    (first, *_) = read(retrieval().result)[0]["results"]

    assert [metric["type"] for metric in first["metrics"]] == ["selective@10", "AUC", "RR@10"]


def test_results_of_one_model_are_one_entry_and_of_two_are_two() -> None:
    same = read(retrieval().result, classes().result)
    two = read(similarity(seed=0).result, similarity(seed=1).result)

    assert [len(model["results"]) for model in same] == [9]
    assert [model["name"] for model in two] == ["hash-64-0", "hash-64-1"]


def test_names_that_yaml_would_read_otherwise_stay_names() -> None:
    result = classes().result
    odd = result.model_copy(update={"model": result.model.model_copy(update={"name": "no: [1]\n# x"})})

    assert read(odd)[0]["name"] == "no: [1]\n# x"
