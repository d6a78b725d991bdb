"""From labelled files to a finished model, by each recipe, on miniature checkpoints."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import simplugin as sp
from simplugin.errors import DataError, ModelError
from simplugin.evaluation import Evaluation, evaluate_pairs, evaluate_similarity
from simplugin.finetuning import Finetuned, find_recipe, finetune
from simplugin.finetuning.judging import differences
from simplugin.finetuning.remarks import after_training, before_training
from tests.encoders.checkpoints import static_folder
from tests.finetuning.sets import write_scored

FAST = {"epochs": 3.0, "batch_size": 16, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def made(bert: Path, sets: Path, tmp_path_factory: pytest.TempPathFactory) -> Finetuned:
    """Return a model that the recipe ``sts`` made."""
    return finetune(
        find_recipe("sts").changed(**FAST),
        {"en": sets / "train.tsv"},
        dev={"en": sets / "dev.tsv"},
        test={"en": sets / "test.tsv"},
        out=tmp_path_factory.mktemp("made") / "mine",
        model=bert,
        resamples=200,
    )


def test_it_is_better_afterwards_by_more_than_chance(made: Finetuned) -> None:
    (difference,) = made.differences["test"]

    assert made.steps == 45
    assert made.kept_epoch in {1, 2, 3}
    assert difference.better == "after"
    assert difference.difference > 0.1
    assert made.before["test"].result.model.name == "small-bert"


def test_the_folder_opens_and_has_the_figures_it_says(made: Finetuned, sets: Path) -> None:
    again = evaluate_similarity(made.folder, {"en": sets / "test.tsv"}, resamples=0)

    told = json.loads((made.folder / "finetuning.json").read_text(encoding="utf-8"))
    metrics = again.result.section("en").metrics
    assert told["after"]["test"]["en"]["spearman_cosine"] == metrics["spearman_cosine"]
    assert told == json.loads(json.dumps(made.to_json()))
    assert sp.load(made.folder).dimension == 32
    assert [path.suffix for path in made.folder.rglob("*") if path.suffix in {".bin", ".pt", ".pth"}] == []
    assert not (made.folder / "training").exists()


def test_the_card_has_figures_for_the_hub_and_says_of_what_it_was_made(made: Finetuned, sets: Path) -> None:
    card = (made.folder / "README.md").read_text(encoding="utf-8")

    _, front, text = card.split("---\n", 2)
    told = yaml.safe_load(front)
    assert told["language"] == ["en"]
    assert [each["dataset"]["split"] for each in told["model-index"][0]["results"]] == ["validation", "test"]
    metrics = {each["type"]: each["value"] for each in told["model-index"][0]["results"][1]["metrics"]}
    after = made.after["test"].result.section("en").metrics["spearman_cosine"]
    assert metrics["spearman_cosine"] == pytest.approx(after, abs=1e-6)
    assert "`small-bert`, fine-tuned by `simplugin finetune sts`: 240 labelled pairs, 45 steps." in text
    assert "| learning_rate | 0.003 | given |" in text
    assert "dataset_size:240" in told["tags"]
    before, now = (judged["test"].result.section("en") for judged in (made.before, made.after))
    for section in (before, now):
        low, high = section.ci95["spearman_cosine"]
        assert f"{section.metrics['spearman_cosine']:.4f} ({low:.3f} to {high:.3f})" in text
    assert made.run.data["train"][0].sha256 is not None
    assert made.run.data["train"][0].sha256 in text


def test_what_came_of_it_is_told(made: Finetuned) -> None:
    old, new = ({"test": judged["test"]} for judged in (made.before, made.after))

    def told(before: dict[str, Evaluation], after: dict[str, Evaluation]) -> list[str]:
        gained = {"test": differences(before["test"], after["test"], resamples=100, seed=0)}
        return list(after_training(made.recipe, before, after, gained, best_epoch=None))

    assert told(old, new) == [], "better by more than chance: the table says it"
    (nothing,) = told(old, old)
    assert nothing.startswith("warning: on test nothing has changed (spearman_cosine")
    (worse,) = told(new, old)
    assert worse.startswith("warning: on test it is worse than what it began with (spearman_cosine")
    assert list(after_training(made.recipe, old, new, {}, best_epoch=2)) == [
        "Kept is what it was after epoch 2 of 3, the best on dev."
    ]


def test_how_long_it_takes_and_why_is_told_before() -> None:
    recipe = find_recipe("cosine").changed(batch_size=16)

    def told(*, is_table: bool = False, **changed: float) -> list[str]:
        return list(before_training(160, recipe.changed(**changed), is_table=is_table))

    whole = "160 pairs in steps of 16: 10 an epoch, 30 for epochs 3."
    assert told() == [whole]
    assert told(max_steps=4) == [f"{whole} It stops after 4 (--max-steps)."]
    assert told(max_steps=500) == [
        f"{whole} That is all: --max-steps 500 is no more than a limit; more --epochs make more steps."
    ]
    assert told(learning_rate=1e-4) == [whole]
    assert told(learning_rate=1e-2)[1:] == [
        "warning: the learning rate 0.01 is 500 times the recipe's (2e-05); the model may lose what it knew."
    ]
    assert told(learning_rate=1e-2, is_table=True) == [whole]
    assert told(learning_rate=1e-9, is_table=True)[-1] == (
        "warning: the learning rate 1e-09 is 1,000,000 times below the recipe's for static models (0.001); "
        "hardly anything may change."
    )


def test_a_base_of_the_catalog_gives_the_card_its_licence(sets: Path, tmp_path: Path) -> None:
    recipe = find_recipe("cosine").changed(max_steps=1)

    finetune(recipe, sets / "train.tsv", dev=sets / "dev.tsv", out=tmp_path / "mine", model="starter", resamples=0)

    _, front, text = (tmp_path / "mine" / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    assert yaml.safe_load(front)["license"] == "cc-by-sa-4.0"
    assert "has the licence CC BY-SA 4.0; see what the data ask for" in text


def test_crossing_teaches_what_lies_across(sets: Path, tmp_path: Path) -> None:
    static = static_folder(tmp_path / "table")
    swapped = {"cat": "kedi", "kedi": "cat", "dog": "hund", "hund": "dog", "the": "on", "on": "the"}
    files = {
        role: {
            "en": write_scored(tmp_path / f"en-{role}.tsv", pairs, seed=number),
            "de": write_scored(tmp_path / f"de-{role}.tsv", pairs, seed=number, swapped=swapped),
        }
        for number, (role, pairs) in enumerate((("train", 120), ("dev", 60)))
    }
    recipe = find_recipe("crossing").changed(epochs=4, batch_size=16, learning_rate=0.05)

    done = finetune(
        recipe, files["train"], dev=files["dev"], out=tmp_path / "mine", model=static, resamples=100, folds=2
    )

    assert [each.section for each in done.differences["dev"]] == ["en", "de", "cross", "all"]
    assert done.differences["dev"][2].better == "after"
    assert done.folded is not None
    assert len(done.folded.values) == 2
    assert done.folded.mean > 0.3
    assert done.to_json()["folds"]["mean"] == done.folded.mean


def test_a_static_model_stays_as_small_as_it_was_and_keeps_its_layout(sets: Path, tmp_path: Path) -> None:
    static = static_folder(tmp_path / "table")

    done = finetune("cosine", sets / "train.tsv", dev=sets / "dev.tsv", out=tmp_path / "mine", model=static)

    sizes = [(folder / "model.safetensors").stat().st_size for folder in (static, done.folder)]
    assert sizes[0] == sizes[1]
    assert (done.folder / "config.json").read_bytes() == (static / "config.json").read_bytes()
    encoder, other = sp.load(done.folder), _sentence_transformer(done.folder)
    texts = ["the cat sat", "kedi ev", ""]
    assert np.abs(encoder.encode_document(texts) - other.encode(texts)).max() < 1e-6
    assert np.abs(encoder.encode_document(texts) - sp.load(static).encode_document(texts)).max() > 1e-3


def test_a_cosine_of_inference_follows_what_classes_are_worth(bert: Path, sets: Path, tmp_path: Path) -> None:
    recipe = find_recipe("nli-cosine").changed(**FAST)

    done = finetune(recipe, sets / "train.jsonl", dev=sets / "dev.jsonl", out=tmp_path / "mine", model=bert)

    section = done.after["dev"].result.sections[0]
    assert section.ci95["spearman_score"][0] > 0, "a contradiction is not the closest"
    assert done.run.worth["neutral"] == 0.5


def test_a_pair_model_tells_the_classes_and_opens_as_a_reranker(bert: Path, sets: Path, tmp_path: Path) -> None:
    recipe = find_recipe("nli-pair").changed(epochs=8, batch_size=16, learning_rate=3e-3)
    out = tmp_path / "mine"

    done = finetune(recipe, sets / "train.jsonl", dev=sets / "dev.jsonl", out=out, model=bert, resamples=0)

    reranker = sp.load_reranker(out)
    assert reranker.labels == ("contradiction", "entailment", "neutral")
    section = evaluate_pairs(reranker, sets / "dev.jsonl", resamples=0).result.sections[0]
    assert section.metrics == done.after["dev"].result.sections[0].metrics
    accuracy = section.metrics["accuracy"]
    assert accuracy is not None
    assert accuracy > 0.6
    assert done.before == {}
    again = finetune(
        find_recipe("nli-pair").changed(max_steps=2), sets / "train.jsonl", dev=sets / "dev.jsonl",
        out=tmp_path / "further", model=out, resamples=0,
    )  # fmt: skip
    assert again.before["dev"].result.sections[0].metrics == section.metrics, "a head that is there is judged before"


@pytest.mark.parametrize(
    ("recipe", "change", "words"),
    [
        ("sts", {"dev": "train.tsv"}, r"'train' is both learned from and judged by \(--train and --dev\)"),
        ("sts", {"test": "train.tsv"}, r"--train and --test"),
        ("sts", {"test": "dev.tsv"}, r"'dev' is both chosen by and judged by \(--dev and --test\)"),
        ("sts", {"folds": 1}, "two folds or more"),
        ("nli-cosine", {"train": "train.jsonl", "dev": "dev.jsonl", "folds": 3}, "learns classes"),
        ("sts", {"trials": 3}, "no ranges to search"),
        ("crossing", {}, "at least two languages"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_is_written(
    sets: Path, tmp_path: Path, recipe: str, change: dict[str, str | int], words: str
) -> None:
    files = {"train": "train.tsv", "dev": "dev.tsv"} | {
        role: name for role, name in change.items() if isinstance(name, str)
    }
    numbers = {name: value for name, value in change.items() if isinstance(value, int)}
    test = sets / files["test"] if "test" in files else None

    with pytest.raises(DataError, match=words):
        finetune(
            recipe, sets / files["train"], dev=sets / files["dev"], test=test, out=tmp_path / "mine",
            folds=numbers.get("folds", 0), trials=numbers.get("trials", 0),
        )  # fmt: skip

    assert list(tmp_path.iterdir()) == []


def test_a_static_model_cannot_read_two_texts_at_once(sets: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'starter' is a static model; name a transformer"):
        finetune("nli-pair", sets / "train.jsonl", dev=sets / "dev.jsonl", out=tmp_path / "mine", model="starter")


def test_a_pair_model_and_a_server_have_no_vectors_to_train(sets: Path, tmp_path: Path) -> None:
    files: dict[str, Any] = {"dev": sets / "dev.tsv", "out": tmp_path / "mine"}

    for model, words in (
        ("az-mbert-pair", "is a pair model, which reads two texts at once; name an embedding model with --model"),
        ("http://localhost:8080", "is the address of a server, and training needs the files of a model"),
    ):
        with pytest.raises(ModelError, match=words):
            finetune("cosine", sets / "train.tsv", model=model, **files)
    assert not (tmp_path / "mine").exists()


def test_weights_that_run_off_are_told_and_make_no_model(bert: Path, sets: Path, tmp_path: Path) -> None:
    recipe = find_recipe("sts").changed(max_steps=3)
    wild = replace(recipe, hyperparameters=replace(recipe.hyperparameters, learning_rate=1e38))

    with pytest.raises(DataError, match="ran off to infinity, as they do at a learning rate that is too high"):
        finetune(wild, sets / "train.tsv", dev=sets / "dev.tsv", out=tmp_path / "mine", model=bert, resamples=0)

    assert not (tmp_path / "mine" / "finetuning.json").exists()


def test_a_finished_model_and_a_foreign_folder_are_left_alone(bert: Path, sets: Path, tmp_path: Path) -> None:
    recipe = find_recipe("cosine").changed(max_steps=1)
    out, foreign = tmp_path / "mine", tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work", encoding="utf-8")

    def make(folder: Path, *, overwrite: bool = False) -> Finetuned:
        return finetune(
            recipe, sets / "train.tsv", dev=sets / "dev.tsv", out=folder, model=bert, resamples=0, overwrite=overwrite
        )

    make(out)
    with pytest.raises(DataError, match="holds a finished model"):
        make(out)
    assert make(out, overwrite=True).steps == 1
    with pytest.raises(DataError, match="the model to begin with lies in this folder"):
        finetune(recipe, sets / "train.tsv", dev=sets / "dev.tsv", out=out, model=out, overwrite=True)
    assert sp.load(out).dimension == 32
    for overwrite in (False, True):
        with pytest.raises(DataError, match="holds something else"):
            make(foreign, overwrite=overwrite)
    assert (foreign / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_pairs_in_both_are_told(bert: Path, sets: Path, tmp_path: Path) -> None:
    lines = (sets / "train.tsv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "dev.tsv").write_text("".join(lines[:20]), encoding="utf-8")
    notes: list[str] = []

    finetune(
        find_recipe("cosine").changed(max_steps=1), sets / "train.tsv", dev=tmp_path / "dev.tsv",
        out=tmp_path / "mine", model=bert, resamples=0, on_note=notes.append,
    )  # fmt: skip

    assert notes[0] == "warning: 20 of the 20 pairs of dev are among those to learn from as well."


def _sentence_transformer(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu")
