"""Data sets by their id on the Hub: from a Hub of ours, and from the cache without one."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from simplugin.errors import DataError
from simplugin.evaluation import read_pairs
from simplugin.evaluation.datasets import read_sts
from simplugin.evaluation.datasets.hub import local_file
from tests.encoders.local_hub import NOBODY, LocalHub, local_hub, run

ROWS: list[dict[str, object]] = [{"sentence1": f"one {n}", "sentence2": f"two {n}", "score": n % 6} for n in range(12)]
READ = """
from simplugin.evaluation import read_pairs
pairs = read_pairs({!r})
print(len(pairs), pairs[5].first, pairs[5].label)
"""


def as_lines(rows: Sequence[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalHub]:
    top = tmp_path_factory.mktemp("datasets")
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    for name in ("sts", "many", "zipped", "nli"):
        (top / name).mkdir()
        (top / name / "README.md").write_text("---\nlanguage: es\n---\n")
    (top / "sts" / "stsb-test.csv").write_text(as_csv(ROWS))
    (top / "sts" / "stsb-dev.csv").write_text(as_csv(ROWS[:8]))
    for language in ("es", "de"):
        (top / "many" / language).mkdir()
        for shard in range(2):
            table = arrow.Table.from_pylist(ROWS[6 * shard : 6 * shard + 6])
            parquet.write_table(table, top / "many" / language / f"test-0000{shard}-of-00002.parquet")
    inferred = [{"premise": "It rains.", "hypothesis": f"It is wet {n}.", "label": "entailment"} for n in range(3)]
    (top / "nli" / "test.jsonl").write_text(as_lines(inferred))
    whole = gzip.compress(as_lines(ROWS).encode())
    (top / "broken").mkdir()
    (top / "broken" / "cut-test.jsonl.gz").write_bytes(whole[:-20])
    (top / "broken" / "arrow-test.parquet").write_bytes(b"PAR1 and no more")
    (top / "zipped" / "test.jsonl.gz").write_bytes(whole)
    with local_hub({f"me/{folder.name}": folder for folder in top.iterdir()}) as served:
        yield served


@pytest.mark.parametrize("source", ["me/sts", "me/many/es", "me/zipped", "me/zipped:test"])
def test_a_data_set_is_downloaded_once_and_read_without_a_network(tmp_path: Path, hub: LocalHub, source: str) -> None:
    first = run(READ.format(source), tmp_path, HF_ENDPOINT=hub.endpoint)

    assert first.stdout == "12 one 5 5.0\n", first.stderr
    for reach in ({"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": NOBODY}):
        again = run(READ.format(source), tmp_path, **reach)
        assert (again.stdout, "Retrying" in again.stderr) == (first.stdout, False), again.stderr


def test_retrieval_and_inference_are_read_from_the_hub_too(tmp_path: Path, hub: LocalHub) -> None:
    code = """
from simplugin.evaluation import read_retrieval
from simplugin.evaluation.datasets import read_nli
print(len(read_retrieval('me/sts').queries))
print(len(read_nli('me/nli').pairs))
"""
    done = run(code, tmp_path, HF_ENDPOINT=hub.endpoint)
    assert done.stdout.split() == ["12", "3"], done.stderr


def test_a_split_is_chosen_by_its_name(tmp_path: Path, hub: LocalHub) -> None:
    assert run(READ.format("me/sts:validation"), tmp_path, HF_ENDPOINT=hub.endpoint).stdout == "8 one 5 5.0\n"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("me/many", "several tables of the data set are meant; there are de/test, es/test. Name one"),
        ("me/many/fr", "the data set has no table for 'test'; there are"),
        ("me/sts:train", "the data set has no table for 'train'; there are stsb-dev.csv, stsb-test.csv."),
        (
            "me/none",
            "there is no such file, and as a data set of the Hub it cannot be read: the Hub has no such data set",
        ),
    ],
)
def test_what_is_not_clear_is_told(tmp_path: Path, hub: LocalHub, source: str, said: str) -> None:
    refused = run(READ.format(source), tmp_path, HF_ENDPOINT=hub.endpoint)

    assert f"DataError: {source}: {said}" in refused.stderr.splitlines()[-1]


@pytest.mark.parametrize("part", ["cut", "arrow"])
def test_a_damaged_file_is_told_and_nothing_of_it_is_kept(tmp_path: Path, hub: LocalHub, part: str) -> None:
    refused = run(READ.format(f"me/broken/{part}"), tmp_path, HF_ENDPOINT=hub.endpoint)

    assert re.search(r"DataError: .*file is damaged \(", refused.stderr.splitlines()[-1])
    assert not list((tmp_path / "simplugin").rglob("*.*"))


def test_a_parquet_file_of_this_machine_is_read_under_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMPLUGIN_CACHE", str(tmp_path / "cache"))
    table = {"sentence1": ["bir", "iki"], "sentence2": ["one", "two"], "score": [4.5, 1.0]}
    parquet.write_table(pyarrow.table(table), tmp_path / "pairs.parquet")  # pyright: ignore[reportUnknownMemberType]

    found = read_sts(tmp_path / "pairs.parquet")

    assert found.name == "pairs"
    assert [(pair.first, pair.second, pair.label) for pair in found.pairs] == [("bir", "one", 4.5), ("iki", "two", 1.0)]
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="damaged"):
        read_sts(tmp_path / "broken.parquet")


def test_a_file_is_no_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "me").mkdir()
    (tmp_path / "me" / "mine").write_text(as_csv(ROWS))

    assert local_file("me/mine") == Path("me/mine")
    assert local_file("me/gone.csv") == Path("me/gone.csv")
    assert local_file(tmp_path / "me" / "nothing") == tmp_path / "me" / "nothing"
    with pytest.raises(DataError, match="cannot be read"):
        read_pairs("me/gone.csv")
