"""Transformer checkpoints on the command line: small ones, made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import BertProcessing

from tests.cli.running import InProcess, Process, contents

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a sentence-transformers folder whose model reads 32 tokens and knows nothing."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("checkpoints")
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    pieces = Tokenizer(WordPiece({piece: number for number, piece in enumerate(vocabulary)}, unk_token="[UNK]"))
    pieces.pre_tokenizer = Whitespace()
    pieces.post_processor = BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    wrap: Any = PreTrainedTokenizerFast  # the library has no types
    tokenizer = wrap(tokenizer_object=pieces, model_max_length=32, pad_token="[PAD]", unk_token="[UNK]")
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    plain = folder / "plain"
    tokenizer.save_pretrained(plain)
    BertModel(config).save_pretrained(plain)
    first: Any = Transformer(str(plain), max_seq_length=32)
    SentenceTransformer(modules=[first, Pooling(16)]).save(str(folder / "bert"))
    return folder / "bert"


def test_more_tokens_than_the_model_reads_are_refused(simplugin: InProcess, docs: Path, bert: Path) -> None:
    for _ in range(2):
        outcome = simplugin("ingest", docs, "-c", "handbook", "--model", bert, "--max-tokens", 33)
        assert (outcome.code, outcome.stdout) == (2, "")
        assert "--max-tokens is 33; 'bert' reads at most 32." in outcome.stderr
    assert not (docs.parent / "simplugin_db").exists()
    assert simplugin("ingest", docs, "-c", "handbook", "--model", bert).code == 0
    assert simplugin("ingest", docs, "-c", "handbook", "--max-tokens", 33).code == 2
    assert simplugin("search", "handbook", "coffee", "--json").rows


def test_garbage_for_weights_is_refused(simplugin: InProcess, docs: Path, bert: Path) -> None:
    (bert / "model.safetensors").rename(bert / "kept")
    (bert / "model.safetensors").write_bytes(b"garbage")
    outcome = simplugin("ingest", docs, "-c", "handbook", "--model", bert)
    (bert / "kept").rename(bert / "model.safetensors")
    assert outcome.code == 1
    assert outcome.is_one_sentence("bert", "cannot be opened")
    assert not (docs.parent / "simplugin_db").exists()


def test_static_embeddings_of_sentence_transformers_fill_a_collection(
    simplugin: InProcess, docs: Path, folder: Path, words: Path
) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    tokenizer: Any = Tokenizer.from_file(str(words / "tokenizer.json"))
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)]).save(str(folder / "static"))
    report = simplugin("ingest", docs, "-c", "handbook", "--model", "static", "--json").row
    assert report["chunks"]["written"] == 3
    assert report["tokens"]["truncated"] == 0
    assert len((contents(folder / "simplugin_db") or {})["handbook"]) == 3


def test_a_checkpoint_that_differs_from_its_card_ends_with_1(process: Process, folder: Path, bert: Path) -> None:
    cached = folder / "hub" / "models--dogukanvzr--bge-m3-ml-tr-specialized"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("0" * 40, encoding="utf-8")
    (cached / "snapshots").mkdir()
    (cached / "snapshots" / ("0" * 40)).symlink_to(bert)
    outcome = process("models", "check", "bge-m3-ml-tr", "--json", HF_HUB_CACHE=str(folder / "hub"))
    assert outcome.code == 1
    assert any(line.startswith("dimension: the card says 1024") for line in outcome.row["differences"])
    assert "Traceback" not in outcome.stderr
