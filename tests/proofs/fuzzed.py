"""What is read from strangers, kind by kind: well-formed samples, and how one is read."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from pyarrow import parquet

from simplugin.cli.options import filter_from
from simplugin.encoders import load
from simplugin.encoders.inspector import read_layout
from simplugin.encoders.remote.address import read_address
from simplugin.encoders.remote.exchange import Exchange, Steps, Task, batched
from simplugin.encoders.remote.server import discover
from simplugin.encoders.remote.wire import (
    Reply,
    read_openai_vectors,
    read_ranks,
    read_token_counts,
    read_vectors,
    tei_tokenize,
)
from simplugin.errors import SimpluginError
from simplugin.evaluation import Evaluation, LabelledPair, evaluate_similarity
from simplugin.evaluation.datasets import read_bitext, read_nli, read_sts
from simplugin.evaluation.datasets.retrieval import read_retrieval
from simplugin.ingestion import Failure, Reading, Splitter, read
from simplugin.intents import IntentMatcher
from simplugin.intents.utterances import read_utterances
from simplugin.records import Document
from simplugin.retrying import Retry
from simplugin_qdrant import open_store, register
from simplugin_qdrant.filters import parse_filter
from tests.encoders.checkpoints import static_folder
from tests.hashing import HashEncoder
from tests.ingestion.readers.reading import content
from tests.ingestion.readers.test_damage import LINES, TABLE, pdf_of
from tests.ingestion.readers.test_reading import PAGE, docx_file, odt_file, pdf_file

__all__ = ["KINDS", "Kind"]

_TEXTS = (
    "---\ntitle: Kılavuz\nlang: tr\n---\n# Başlık {#a}\n\nBir paragraf. İkinci!\n\n```py\nx = 1\n```\n\n- madde\n",
    "Başlık\n======\n\nAlt\n---\n\nmetin, *vurgu* ve ``kod``.\n\n.. note:: not\n",
    "Düz metin.\nİkinci satır; üçüncü.\n\nמדריך קצר.\n",
)
_STS = (
    "sentence1,sentence2,score,lang\na,b,2.5,tr\nc,d,0,az\ne,f,5,tr\n",
    "the cat\ta dog\t0.4\nköpek\tkedi\t0.9\nev\tyol\t1.0\n",
    '{"sentence1": "a", "sentence2": "b", "score": 0.3}\n{"text1": "a", "text2": "b", "similarity": 1}\n',
)
_NLI = (
    "premise,hypothesis,label\na,b,entailment\nc,d,neutral\n",
    '{"sentence1": "a", "sentence2": "b", "gold_label": "contradiction"}\n',
)
_BITEXT = ("en,tr\nhouse,ev\nroad,yol\n", '{"en": "house", "tr": "ev"}\n{"en": "road", "tr": "yol"}\n')
_SQUAD = json.dumps(
    {"data": [{"paragraphs": [{"context": "Ev.", "qas": [{"id": "q", "question": "Ne?", "is_impossible": False}]}]}]}
)
_INTENTS = (
    '{"text": "merhaba", "intent": "greet", "lang": "tr"}\n{"utterance": "bye", "label": "leave"}\n',
    "text,intent\nmerhaba,greet\nbye,leave\n",
)
_YAML = (
    'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - selam\n    - [Bakı](city) necədir\n- lookup: city\n',
    "greet: [salam, hi]\nleave:\n  tr: [hoşça kal]\n  en:\n  - bye\n",
)
_ASKED = [
    b'{"model_id": "m", "model_sha": "1", "model_type": {"embedding": {"pooling": "cls"}}, "max_input_length": 9}',
    b'{"data": [{"id": "one"}]}',
    b'{"error": {"message": "no"}}',
    b"<html><title>Bad gateway</title><h1>502</h1></html>",
]
_SPLIT = 1_000  # documents of a file; a table may have a row for each byte
_STORE = "store/collections/c/simplugin.json"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is read: ``samples`` makes them, beside what they need in a folder, and ``read`` reads one there.

    It may take so many ``seconds`` of the processor.
    """

    name: str
    samples: Callable[[Path], list[bytes]]
    read: Callable[[bytes, Path], object]
    seconds: float = 5.0


class _RefusedError(SimpluginError):
    """A reader gave a ``Failure``, which is a value."""


def _documents(name: str, *samples: Callable[[], bytes] | str, seconds: float = 5.0) -> Kind:
    """Read a file as an ingest does, and split what was read into chunks."""
    splitter = Splitter(HashEncoder(16), 64, headings=True)

    def read_it(raw: bytes, _: Path) -> object:
        found = list(read(content(raw, name), Reading()))
        for each in found[:_SPLIT]:
            if isinstance(each, Document):
                assert each.text.strip()
                assert all(chunk.text for chunk in splitter.split(each))
        if all(isinstance(each, Failure) for each in found):
            raise _RefusedError
        return found

    return Kind(
        name, lambda _: [each.encode() if isinstance(each, str) else each() for each in samples], read_it, seconds
    )


def _file(name: str, reading: Callable[[Path], object], samples: Sequence[str] | Callable[[Path], list[bytes]]) -> Kind:
    """Read a file of this name; samples may be files that are made."""

    def make(folder: Path) -> list[bytes]:
        return samples(folder) if callable(samples) else [sample.encode() for sample in samples]

    def read_it(raw: bytes, folder: Path) -> object:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
        return reading(path)

    return Kind(f"{name.replace('store/collections/c/', '')} ({reading.__name__.strip('_')})", make, read_it)


def _answer(reader: Callable[[bytes, int], list[Any]], sample: object) -> Kind:
    """Read what a server answers to two texts, by the rules of an exchange with it."""
    exchange = Exchange(read_address("http://embedder:8080", {}), Retry(attempts=1))

    def read_it(raw: bytes, _: Path) -> object:
        status = 422 if len(raw) % 5 == 0 else 200
        found = _finish(exchange.batch(Task(tei_tokenize, reader), batched(["a", "b"], 2)[0]), raw, status)
        assert len(found) == 2
        return found

    return Kind(f"an answer ({reader.__name__})", lambda _: [json.dumps(sample).encode()], read_it)


def _discover(raw: bytes, _: Path) -> object:
    address = read_address("http://embedder:8080" + ("/v1" if raw.startswith(b'{"data"') else ""), {})
    server = _finish(discover(Exchange(address, Retry(attempts=1)), None), raw, 401 if len(raw) % 5 == 0 else 200)
    assert isinstance(server.id, str)
    return server


def _finish(steps: Steps[Any], raw: bytes, status: int) -> Any:
    """Give an exchange the same answer until it ends."""
    try:
        next(steps)
        while True:
            steps.send(Reply(status, raw))
    except StopIteration as end:
        return end.value


def _vectors(body: bytes, count: int) -> list[Any]:
    return read_vectors(body, count, dimension=None)


def _openai_vectors(body: bytes, count: int) -> list[Any]:
    return read_openai_vectors(body, count, dimension=2)


def _filter(raw: bytes, _: Path) -> object:
    return parse_filter(filter_from([raw.decode("utf-8", "surrogateescape")]))


def _parquet() -> bytes:
    stream = io.BytesIO()
    table = pyarrow.table({"id": ["a", "b"], "text": ["bir", "iki"], "n": [1, None], "when": [b"\xff", None]})
    parquet.write_table(table, stream)
    return stream.getvalue()


def _beir(path: Path) -> object:
    """Read a folder of which one file is damaged."""
    folder = path.parent
    whole = {
        "corpus.jsonl": '{"_id": "d", "title": "t", "text": "ev"}\n{"_id": "e", "text": "yol"}\n',
        "queries.jsonl": '{"_id": "q", "text": "ne"}\n',
        "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq\td\t1\n",
    }
    (folder / "qrels").mkdir(exist_ok=True)
    for name, text in whole.items():
        (folder / name).write_text(text)
    raw = path.read_bytes()
    texts = "queries.jsonl" if b"ne" in raw else "corpus.jsonl"
    shutil.copy(path, folder / (texts if raw.startswith(b"{") else "qrels/test.tsv"))
    return read_retrieval(folder)


def _saved_intents(folder: Path) -> list[bytes]:
    (folder / "u.csv").write_text("text,intent\n" + "".join(f"word{n} a{n % 3},i{n % 3}\n" for n in range(24)))
    path = folder / "made.json"
    IntentMatcher.from_file(folder / "u.csv", HashEncoder(8)).fit().save(path)
    return [path.read_bytes()]


def _matcher(path: Path) -> object:
    return IntentMatcher.load(path, HashEncoder(8)).match("word1 a1")


def _results(folder: Path) -> list[bytes]:
    pairs = [LabelledPair(f"a {n}", f"b {n % 3}", n % 6) for n in range(8)]
    evaluate_similarity(HashEncoder(8), pairs, resamples=20).save(folder / "made.json")
    return [(folder / "made.json").read_bytes()]


def _items(folder: Path) -> list[bytes]:
    (result,) = _results(folder)
    (folder / "result.json").write_text(json.dumps(json.loads(result) | {"items_sha256": None}))
    return [(folder / "made.items.jsonl").read_bytes()]


def _result_of(path: Path) -> object:
    return Evaluation.load(path.with_name("result.json"))


def _sidecar(folder: Path) -> list[bytes]:
    with open_store(folder / "store") as store:
        register(store, "c", HashEncoder(8), indexes={"lang": "keyword"}).add(["one", "two"])
    shutil.copytree(folder / "store", folder / "whole")
    return [(folder / _STORE).read_bytes()]


def _alias(folder: Path) -> list[bytes]:
    _sidecar(folder)
    return [b'{"other": "c"}']


def _store(path: Path) -> object:
    # Opening a collection with a record of other vectors takes from it those that are no longer recorded.
    shard = path.with_name("shard")
    shutil.rmtree(shard)
    shutil.copytree(path.parents[3] / "whole" / "collections" / "c" / "shard", shard)
    with open_store(path.parents[2]) as store:
        return register(store, "c", HashEncoder(8)).search("one", filter={"lang": "tr"})


def _aliased(path: Path) -> object:
    with open_store(path.parent) as store:
        return register(store, "other", HashEncoder(8)).search("one")


def _static(part: str) -> Callable[[Path], list[bytes]]:
    def make(folder: Path) -> list[bytes]:
        import_module("sentence_transformers")  # which takes seconds, and opens what no longer says that it is static
        return [(static_folder(folder / "model") / part).read_bytes()]

    return make


def _model(path: Path) -> object:
    vectors = load(path.parent).encode_query(["the cat"])
    assert np.isfinite(vectors).all()
    return vectors


def _layout_samples(part: str) -> Callable[[Path], list[bytes]]:
    return lambda folder: [(_network_folder(folder / "network") / part).read_bytes()]


def _network_folder(folder: Path) -> Path:
    from tests.encoders.checkpoints import layout_folder

    return layout_folder(folder, modules=("Transformer", "Pooling", "Dense", "Normalize"), prompts={"query": "q: "})


def _layout(path: Path) -> object:
    return read_layout(next(parent for parent in path.parents if parent.name == "network"))


KINDS = (
    _documents("x.txt", *_TEXTS),
    _documents("x.md", *_TEXTS),
    _documents("x.rst", *_TEXTS),
    _documents("x.html", PAGE),
    _documents("x.csv", lambda: TABLE, "metin\nbir\niki\n"),
    _documents("x.tsv", "id\ttext\n1\tbir\n2\tiki\n"),
    _documents("x.jsonl", lambda: LINES),
    _documents("x.parquet", _parquet),
    _documents(
        "x.pdf",
        pdf_file,
        lambda: pdf_of(["A line.", "and its end-", "ing."]),
        lambda: pdf_of(["x"], title="T"),
        seconds=60,
    ),
    _documents("x.docx", docx_file),
    _documents("x.odt", odt_file),
    _file("sts.csv", read_sts, _STS),
    _file("nli.csv", read_nli, _NLI),
    _file("bitext.csv", read_bitext, _BITEXT),
    _file("squad.json", read_retrieval, (_SQUAD,)),
    _file(
        "beir.txt",
        _beir,
        (
            "query-id\tcorpus-id\tscore\nq\td\t1\nq\te\t0\n",
            '{"_id": "d", "title": "t", "text": "ev"}\n{"_id": "e", "text": "yol"}\n',
            '{"_id": "q", "text": "ne"}\n',
        ),
    ),
    _file("intents.csv", read_utterances, _INTENTS),
    _file("intents.yml", read_utterances, _YAML),
    _file("intents.json", _matcher, _saved_intents),
    _file("result.json", Evaluation.load, _results),
    _file("made.items.jsonl", _result_of, _items),
    _file(_STORE, _store, _sidecar),
    _file("store/aliases.json", _aliased, _alias),
    _file("model/config.json", _model, _static("config.json")),
    _file("model/tokenizer.json", _model, _static("tokenizer.json")),
    _file("model/model.safetensors", _model, _static("model.safetensors")),
    _file("network/modules.json", _layout, _layout_samples("modules.json")),
    _file("network/config.json", _layout, _layout_samples("config.json")),
    _file("network/1_Pooling/config.json", _layout, _layout_samples("1_Pooling/config.json")),
    _file("network/2_Dense/config.json", _layout, _layout_samples("2_Dense/config.json")),
    _file("network/sentence_bert_config.json", _layout, _layout_samples("sentence_bert_config.json")),
    _file("network/tokenizer_config.json", _layout, _layout_samples("tokenizer_config.json")),
    _file("network/config_sentence_transformers.json", _layout, _layout_samples("config_sentence_transformers.json")),
    _file("network/model.safetensors", _layout, _layout_samples("model.safetensors")),
    Kind("an answer (discover)", lambda _: _ASKED, _discover),
    _answer(_vectors, [[0.5, 1.0], [1, -2.5e-3]]),
    _answer(_openai_vectors, {"data": [{"index": 1, "embedding": [1, 2]}, {"index": 0, "embedding": [0.5, 0]}]}),
    _answer(read_ranks, [{"index": 0, "score": 0.5}, {"index": 1, "score": 1}]),
    _answer(read_token_counts, [[{"id": 1}, {"id": 2}], [{"id": 3}]]),
    Kind(
        "--filter",
        lambda _: [b'{"year": {"gte": 2020, "lt": 1e3}, "not": {"lang": ["tr", "az"]}}', b"lang=tr"],
        _filter,
    ),
)
