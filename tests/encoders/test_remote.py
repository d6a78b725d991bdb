from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simplugin.catalog import ModelCard, Prompts
from simplugin.encoders import RemoteEncoder, RemoteReranker, Retry, load
from simplugin.encoders.remote.address import read_address
from simplugin.encoders.remote.encoder import estimate_tokens
from simplugin.encoders.remote.exchange import Exchange, Send, Steps
from simplugin.encoders.remote.transport import Transport
from simplugin.encoders.remote.wire import Lost, Reply
from simplugin.errors import ModelMismatchError, NotAnEmbedderError, RemoteError, StoreError
from simplugin.measures import FloatArray
from simplugin.records import Hit
from simplugin.retrying import retry_after
from simplugin_qdrant import open_store, register
from tests.conftest import ROOT
from tests.encoders.remote_server import EmbeddingServer, Fault, always, first, seeded, well
from tests.hashing import HashEncoder

QUICK = Retry(attempts=5, first=0.01, longest=0.05, longest_asked=0.2)
TEXTS = ["kedi koltukta uyuyor", "החתול ישן", "猫 在 睡觉", "der Hund 🐕 bellt", "el autobús sale"]
PASSING = (Fault.ERROR_500, Fault.BUSY_429, Fault.TIME_OUT, Fault.CUT)
PROTOCOLS = pytest.mark.parametrize("protocol", ["tei", "openai"])
SIDES = pytest.mark.parametrize("side", ["sync", "async"])

Serve = Callable[..., EmbeddingServer]


@pytest.fixture
def model() -> HashEncoder:
    return HashEncoder(48)


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SIMPLUGIN_API_KEY", "OPENAI_API_KEY", "SIMPLUGIN_REMOTE_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def serve(model: HashEncoder) -> Generator[Serve, None, None]:
    opened: list[EmbeddingServer] = []

    def start(**settings: Any) -> EmbeddingServer:
        opened.append(EmbeddingServer(model, **settings))
        return opened[-1]

    yield start
    for server in opened:
        server.close()


def encode(encoder: RemoteEncoder, texts: list[str], side: str) -> FloatArray:
    if side == "sync":
        return encoder.encode_document(texts)

    async def run() -> FloatArray:
        async with encoder:
            return await encoder.aencode_document(texts)

    return asyncio.run(run())


def failing(server: EmbeddingServer, plan: Any, **settings: Any) -> RemoteEncoder:
    """Open the server while it is well; from then on it follows the plan."""
    encoder = RemoteEncoder(server.url, retry=QUICK, timeout=0.5, **settings)
    server.plan = plan
    server.sent.clear()
    return encoder


@SIDES
@PROTOCOLS
def test_2000_texts_through_a_server_that_fails_a_tenth_of_its_calls_come_right_and_in_order(
    serve: Serve, model: HashEncoder, protocol: str, side: str
) -> None:
    texts = [f"satz {i} über {i % 7} şey" for i in range(2000)]
    server = serve(protocol=protocol, sleep=0.7)

    with failing(server, seeded(5, 0.1, PASSING), batch_size=8) as encoder:
        vectors = encode(encoder, texts, side)

    assert np.abs(vectors - model.encode_document(texts)).max() < 1e-6
    assert set(server.faults) == set(PASSING)
    calls = sum(server.sent.values()) / 8
    assert 0.07 < sum(server.faults.values()) / calls < 0.13
    assert max(server.sent.values()) <= QUICK.attempts
    assert set(server.sent) == set(texts)
    assert server.most_at_once <= 4 + server.faults[Fault.TIME_OUT]  # a sleeper is no longer waited for


@PROTOCOLS
def test_a_url_is_a_model(serve: Serve, model: HashEncoder, protocol: str) -> None:
    server = serve(protocol=protocol)

    encoder = load(server.url)

    expected = server.url if protocol == "tei" else f"{server.url}/v1#hash"
    assert (encoder.card.name, encoder.card.id, encoder.dimension) == ("hash", expected, 48)
    assert encoder.card.max_tokens == (512 if protocol == "tei" else None)
    assert np.abs(encoder.encode_query(TEXTS) - model.encode_query(TEXTS)).max() < 1e-6
    assert encoder.encode_document(TEXTS).dtype == np.float32
    assert encoder.encode_document([]).shape == (0, 48)
    assert encoder.encode_document(iter(TEXTS)).shape == (5, 48)
    assert isinstance(encoder, RemoteEncoder)
    assert encode(encoder, [], "async").shape == (0, 48)
    with pytest.raises(TypeError, match="single text"):
        encoder.encode_query("kedi")
    assert load(encoder.card.id).card == encoder.card


@pytest.mark.parametrize("name", ["{url}/v1", "{url}/v1/", "{url}/v1#hash", "  {url}#hash"])
def test_v1_and_the_model_may_stand_in_the_url(serve: Serve, name: str) -> None:
    server = serve(protocol="openai")

    assert load(name.format(url=server.url)).card.id == f"{server.url}/v1#hash"
    assert ("/info" in server.calls) == ("/v1" not in name)


def test_of_several_models_one_must_be_named(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(protocol="openai", models=("small", "hash"))

    with pytest.raises(RemoteError, match=r"2 models \('small', 'hash'\): say which one after '#'"):
        load(server.url)
    monkeypatch.setenv("SIMPLUGIN_REMOTE_MODEL", "hash")
    assert load(server.url).card.id == f"{server.url}/v1#hash"
    assert load(f"{server.url}#small").card.id == f"{server.url}/v1#small"


def test_a_model_that_the_server_does_not_have_is_said(serve: Serve) -> None:
    with pytest.raises(RemoteError, match=r"'nosuch' does not exist") as raised:
        load(serve(protocol="openai").url + "/v1#nosuch")
    assert raised.value.status == 404
    with pytest.raises(RemoteError, match="serves the model 'hash', not 'nosuch'"):
        load(serve(protocol="tei").url + "#nosuch")


def test_any_name_of_a_model_survives_in_the_url(serve: Serve) -> None:
    name = "my/model:latest 50%41 #2"

    encoder = load(serve(protocol="openai", models=(name,)).url)

    assert load(encoder.card.id).card == encoder.card
    assert encoder.card.name == name


def test_a_server_of_another_kind_is_said_to_be_one(serve: Serve) -> None:
    with pytest.raises(RemoteError, match=r"neither /info .* nor /v1/models"):
        load(serve(protocol="gopher").url)
    with pytest.raises(RemoteError, match="404 Not Found"):
        load(serve(protocol="gopher").url + "/v1")
    with pytest.raises(NotAnEmbedderError, match="rerank"):
        load(serve(kind="reranker").url)


def test_where_nobody_listens_every_attempt_is_made_and_the_error_says_so(serve: Serve) -> None:
    server = serve()
    url = server.url
    server.close()

    with pytest.raises(RemoteError, match=r"cannot be reached \(.*refused.*\), in the last of 5 attempts"):
        RemoteEncoder(url, retry=QUICK)


def test_prompts_of_a_given_card_go_before_the_texts(serve: Serve, model: HashEncoder) -> None:
    card = ModelCard(name="mine", id="mine", prompts=Prompts(query="query: ", document="passage: "))

    encoder = RemoteEncoder(serve().url, card)

    queries, documents = ["query: " + text for text in TEXTS], ["passage: " + text for text in TEXTS]
    assert np.abs(encoder.encode_query(TEXTS) - model.encode_document(queries)).max() < 1e-6
    assert np.abs(encoder.encode_document(TEXTS) - model.encode_document(documents)).max() < 1e-6
    assert encoder.card.name == "mine"


def test_a_model_that_the_catalog_knows_has_the_catalogs_card(serve: Serve) -> None:
    card = load(serve(models=("starter-3",)).url).card

    assert (card.name, card.dimension) == ("starter-3", 48)
    assert card.languages


def test_a_card_of_another_width_is_refused(serve: Serve) -> None:
    with pytest.raises(RemoteError, match="gives vectors of width 48; the card says 32"):
        RemoteEncoder(serve().url, ModelCard(name="mine", id="mine", dimension=32))


def test_raw_vectors_are_asked_for_where_length_matters(serve: Serve) -> None:
    server = serve()

    RemoteEncoder(server.url, ModelCard(name="mine", id="mine", similarity="dot"))
    load(server.url)

    assert [body["normalize"] for body in server.bodies] == [False, True]
    assert all(body["truncate"] for body in server.bodies)


@SIDES
@pytest.mark.parametrize("refusal", [413, 422])
@PROTOCOLS
def test_a_batch_that_is_too_large_goes_in_halves(
    serve: Serve, model: HashEncoder, protocol: str, refusal: int, side: str
) -> None:
    texts = [f"text {i}" for i in range(75)]
    server = serve(protocol=protocol, max_texts=5, refusal=refusal, says_max_texts=False)

    vectors = encode(RemoteEncoder(server.url, retry=QUICK), texts, side)

    assert np.abs(vectors - model.encode_document(texts)).max() < 1e-6
    assert max(server.sent.values()) == 4  # 32, 16, 8, 4


def test_a_server_that_says_its_limit_is_never_asked_for_more(serve: Serve) -> None:
    server = serve(max_texts=5)

    load(server.url).encode_document(f"text {i}" for i in range(75))

    assert max(server.sent.values()) == 1
    assert server.calls["/embed"] == 1 + 15


def test_a_text_too_large_by_itself_is_named_by_its_number_and_not_by_its_content(serve: Serve) -> None:
    texts = [f"text {i}" for i in range(40)]
    texts[37] = "geheim " * 2000

    with pytest.raises(RemoteError, match=r"refuses text 37 \(.*, shortened\) as too large: length") as raised:
        load(serve().url).encode_document(texts)

    assert raised.value.status == 413
    assert str(raised.value).count("gehei") == 6  # 40 characters of it


@SIDES
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.WIDTH, "gave vectors of width 47 instead of width 48 for texts 0 to 4"),
        (Fault.COUNT, "gave 4 vectors for 5 texts"),
        (Fault.NAN, "not finite"),
        (Fault.HUGE, "not finite"),
        (Fault.WORDS, "do not consist of numbers"),
        (Fault.JUNK, "not JSON"),
        (Fault.OTHER_SHAPE, "another shape"),
        (Fault.HTML_200, "not JSON"),
        (Fault.BAD_REQUEST, r"answered 400 to texts 0 to 4: this is not how one asks\."),
        (Fault.REDIRECT, "answered 307"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else None,
)
@PROTOCOLS
def test_an_answer_that_cannot_be_used_is_refused_at_once(
    serve: Serve, protocol: str, fault: Fault, words: str, side: str
) -> None:
    server = serve(protocol=protocol)
    encoder = failing(server, always(fault))

    with pytest.raises(RemoteError, match=words):
        encode(encoder, TEXTS, side)

    assert max(server.sent.values()) == 1


def test_shuffled_answers_are_put_in_order_and_ambiguous_ones_refused(serve: Serve, model: HashEncoder) -> None:
    server = serve(protocol="openai")
    encoder = failing(server, always(Fault.SHUFFLED))

    assert np.abs(encoder.encode_document(TEXTS) - model.encode_document(TEXTS)).max() < 1e-6
    server.plan = always(Fault.INDEX_TWICE)
    with pytest.raises(RemoteError, match="indexes are not 0 to 4, once each"):
        encoder.encode_document(TEXTS)


@SIDES
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.ERROR_500, r"answered 500, in the last of 5 attempts: Backend is not well\."),
        (Fault.ERROR_502, "answered 502"),
        (Fault.ERROR_503, "answered 503"),
        (Fault.ERROR_504, "answered 504"),
        (Fault.BUSY_429, r"answered 429, in the last of 5 attempts: Model is overloaded\."),
        (Fault.BUSY_UNTIL_A_DATE, "answered 503"),
        (Fault.HTML_502, r"answered 502, in the last of 5 attempts: Bad"),
        (Fault.TIME_OUT, r"gave no answer within 0\.1 s, in the last of 5 attempts"),
        (Fault.CUT, "cut the connection, in the last of 5 attempts"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else None,
)
def test_what_may_pass_is_tried_five_times_and_then_said(serve: Serve, fault: Fault, words: str, side: str) -> None:
    server = serve(sleep=0.3)
    server_url = server.url
    encoder = RemoteEncoder(server_url, retry=QUICK, timeout=0.1 if fault is Fault.TIME_OUT else 2)
    server.sent.clear()
    server.plan = always(fault)

    with pytest.raises(RemoteError, match=words) as raised:
        encode(encoder, TEXTS, side)

    assert server.sent[TEXTS[0]] == 5
    assert repr(server_url) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_four_failures_and_then_an_answer_is_an_answer(serve: Serve, model: HashEncoder) -> None:
    encoder = failing(serve(), first(4, Fault.ERROR_503))

    assert np.abs(encoder.encode_query(TEXTS) - model.encode_query(TEXTS)).max() < 1e-6


def test_a_slow_server_within_its_time_is_waited_for(serve: Serve) -> None:
    server = serve(sleep=0.2)

    failing(server, always(Fault.SLOW)).encode_document(TEXTS)

    assert server.sent[TEXTS[0]] == 1


def test_the_time_that_a_server_asks_for_is_given_up_to_a_limit(serve: Serve) -> None:
    server = serve(retry_after="0.15")
    encoder = failing(server, first(1, Fault.BUSY_429))
    began = time.monotonic()

    encoder.encode_document(["one"])
    asked = time.monotonic() - began
    server.retry_after = "86400"
    encoder.encode_document(["two"])

    assert asked >= 0.15
    assert 0.2 <= time.monotonic() - began - asked < 5


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 0.5 ", 0.5),
        ("Wed, 21 Oct 2026 07:28:05 GMT", 5),
        ("Wed, 21 Oct 2026 09:28:05 +0200", 5),
        ("Wed, 21 Oct 2026 07:28:05 -0000", 5),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("soon", None),
        ("-1", None),
        ("", None),
        (None, None),
        ("٣", None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, datetime(2026, 10, 21, 7, 28, tzinfo=UTC)) == seconds


def test_waits_grow_at_random_up_to_their_limit() -> None:
    retry = Retry(first=1, longest=4)
    longest = [max(retry.wait(attempt, None) for _ in range(300)) for attempt in (1, 2, 3, 4, 9)]

    assert all(bound * 0.8 < value <= bound for value, bound in zip(longest, (1, 2, 4, 4, 4), strict=True))
    assert min(retry.wait(3, None) for _ in range(300)) < 0.5
    assert 60 <= retry.wait(1, 1e9) <= 61
    with pytest.raises(ValueError, match="at least 1"):
        Retry(attempts=0)


@SIDES
def test_the_first_failure_ends_the_rest(serve: Serve, side: str) -> None:
    server = serve()
    encoder = failing(server, always(Fault.BAD_REQUEST), batch_size=1)

    with pytest.raises(RemoteError, match="answered 400 to text"):
        encode(encoder, [f"text {i}" for i in range(400)], side)

    assert sum(server.sent.values()) < 40


@SIDES
def test_requests_run_side_by_side_up_to_the_bound(serve: Serve, side: str) -> None:
    server = serve(sleep=0.05)
    encoder = failing(server, always(Fault.SLOW), batch_size=1, concurrency=3)
    server.most_at_once = 0

    encode(encoder, [f"text {i}" for i in range(9)], side)

    assert server.most_at_once == 3


async def test_the_event_loop_runs_on_while_a_server_is_waited_for(serve: Serve) -> None:
    async with failing(serve(sleep=0.3), always(Fault.SLOW)) as encoder:
        waiting = asyncio.create_task(encoder.aencode_query(TEXTS))
        ticks = [time.monotonic()]
        while not waiting.done():
            await asyncio.sleep(0.01)
            ticks.append(time.monotonic())

        assert (await waiting).shape == (5, 48)
        assert max(later - earlier for earlier, later in pairwise(ticks)) < 0.2


def test_each_event_loop_may_use_the_same_encoder(serve: Serve, model: HashEncoder) -> None:
    encoder = load(serve().url)
    assert isinstance(encoder, RemoteEncoder)

    for _ in range(2):
        assert np.abs(encode(encoder, TEXTS, "async") - model.encode_document(TEXTS)).max() < 1e-6


@pytest.mark.parametrize("source", ["environment", "userinfo"])
def test_a_key_is_sent_and_never_shown(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, source: str
) -> None:
    caplog.set_level("DEBUG")
    server = serve()
    url = server.url
    if source == "environment":
        monkeypatch.setenv("SIMPLUGIN_API_KEY", "sk-s3cret\n")
        server.key = "sk-s3cret"
    else:
        url = url.replace("//", "//me:sk-s3cret@")
    encoder = failing_at(url, server, Fault.ECHO)

    with pytest.raises(RemoteError, match=r"(Bearer|Basic) … sent") as raised:
        encoder.encode_document(TEXTS)

    sent = server.headers[-1]["authorization"]
    assert sent == ("Bearer sk-s3cret" if source == "environment" else "Basic bWU6c2stczNjcmV0")
    said = (str(raised.value), repr(raised.value), repr(encoder), repr(vars(encoder)), repr(encoder.card), caplog.text)
    assert not any(secret in text for text in said for secret in ("s3cret", "bWU6c2"))
    assert encoder.card.id == server.url


def failing_at(url: str, server: EmbeddingServer, fault: Fault) -> RemoteEncoder:
    encoder = RemoteEncoder(url, retry=QUICK)
    server.plan = always(fault)
    return encoder


def test_a_missing_and_a_wrong_key_are_told_apart(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(key="right-one")

    with pytest.raises(RemoteError, match=r"answered 401 \(a key goes in SIMPLUGIN_API_KEY\)"):
        load(server.url)
    monkeypatch.setenv("SIMPLUGIN_API_KEY", "wrong-one")
    with pytest.raises(RemoteError, match=r"answered 401: no entry with Bearer …\."):
        load(server.url)


def test_the_key_of_openai_goes_to_openai_alone() -> None:
    keys = {"OPENAI_API_KEY": "sk-openai"}

    assert read_address("https://api.openai.com/v1#text-embedding-3-small", keys).authorization == "Bearer sk-openai"
    for url in ("http://api.openai.com/v1", "https://api.openai.com.example.org/v1", "http://localhost:8080/v1"):
        assert read_address(url, keys).authorization is None
    both = keys | {"SIMPLUGIN_API_KEY": "mine"}
    assert read_address("https://api.openai.com/v1", both).authorization == "Bearer mine"


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http://me:pass@a..b",
        "http://me:pass@xn--/v1",
        "http://me:pa/ss@host",
        "http://me:sk-pass@host:x/v1",
        "http://host/?token=pass",
        "http://ho st/pass@",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_credentials(url: str) -> None:
    with pytest.raises(RemoteError) as raised:
        load(url)

    assert "pass" not in str(raised.value)
    assert "pa/ss" not in str(raised.value)


def test_a_key_that_no_header_can_carry_is_refused_without_showing_it() -> None:
    with pytest.raises(RemoteError, match="SIMPLUGIN_API_KEY has characters") as raised:
        read_address("http://host", {"SIMPLUGIN_API_KEY": "schlüssel"})

    assert "schlüssel" not in str(raised.value)


def test_a_server_that_repeats_a_text_is_not_quoted_beyond_40_characters(serve: Serve) -> None:
    encoder = failing(serve(), always(Fault.ECHO))

    with pytest.raises(RemoteError) as raised:
        encoder.encode_document(["geheim " * 30])

    shown = str(raised.value).split(": ", 2)[-1]
    assert shown.count("geheim") <= 6


def test_tokens_are_counted_by_the_server_or_estimated(serve: Serve, model: HashEncoder) -> None:
    assert load(serve().url).count_tokens(TEXTS * 20) == model.count_tokens(TEXTS * 20)
    for protocol in ("tei-old", "openai"):
        server = serve(protocol=protocol)
        encoder = load(server.url)
        assert encoder.count_tokens(TEXTS) == [estimate_tokens(text) for text in TEXTS]
        assert encoder.count_tokens(TEXTS) == [estimate_tokens(text) for text in TEXTS]
        assert server.calls["/tokenize"] == (protocol == "tei-old")
    assert [estimate_tokens(text) for text in ("", "abc", "abcd", "猫")] == [2, 3, 4, 3]


def test_a_collection_opens_again_with_the_server_it_was_made_with(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMPLUGIN_API_KEY", "sk-s3cret")
    server = serve(key="sk-s3cret")
    with open_store(tmp_path / "db") as store:
        register(store, "docs", load(server.url)).add(TEXTS, ids=list("abcde"))

    with open_store(tmp_path / "db") as store:
        with pytest.raises(StoreError, match="name it to open it"):
            register(store, "docs")
        docs = register(store, "docs", server.url)
        assert isinstance(docs.encoder, RemoteEncoder)
        assert [hit.document_id for hit in docs.search(TEXTS[3], limit=1)] == ["d"]
        with pytest.raises(ModelMismatchError):
            register(store, "docs", HashEncoder(48, seed=1))
    written = b"".join(path.read_bytes() for path in (tmp_path / "db").rglob("*") if path.is_file())
    assert server.url.encode() in written
    assert b"s3cret" not in written


def test_another_model_behind_the_same_url_is_refused(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    with open_store(tmp_path / "db") as store:
        register(store, "docs", load(server.url))
        server.encoder = HashEncoder(48, seed=1)

        with pytest.raises(ModelMismatchError, match="probe sentences"):
            register(store, "docs", server.url)


@SIDES
def test_pairs_are_scored_in_order_whatever_their_queries(serve: Serve, model: HashEncoder, side: str) -> None:
    pairs = [(TEXTS[i % 3], f"{TEXTS[i % 5]} {i}") for i in range(200)]
    server = serve(kind="reranker", max_texts=16)
    reranker = RemoteReranker(server.url, retry=QUICK, timeout=0.5)
    server.plan = seeded(3, 0.2, [Fault.ERROR_500, Fault.BUSY_429])

    async def run() -> FloatArray:
        async with reranker:
            return await reranker.ascore(pairs)

    scores = reranker.score(pairs) if side == "sync" else asyncio.run(run())

    left, right = model.encode_query([q for q, _ in pairs]), model.encode_document([t for _, t in pairs])
    assert scores.dtype == np.float32
    assert np.abs(scores - ((left * right).sum(1) + 1) / 2).max() < 1e-6
    assert reranker.score([]).shape == (0,)


async def test_reranked_hits_keep_everything_but_their_score(serve: Serve) -> None:
    hits = [Hit(id=str(i), document_id=f"d{i}", score=9, text=text, probability=0.5) for i, text in enumerate(TEXTS)]
    async with RemoteReranker(serve(kind="reranker").url) as reranker:
        ranked = reranker.rerank(TEXTS[3], hits, top_n=2)

        assert await reranker.arerank(TEXTS[3], hits, top_n=2) == ranked
        assert (ranked[0].document_id, ranked[0].probability, len(ranked)) == ("d3", None, 2)
        assert ranked[0].score == pytest.approx(1)
        assert reranker.rerank(TEXTS[3], TEXTS)[0].id == "3"
        assert reranker.rerank("x", []) == []
        with pytest.raises(ValueError, match="at least 1"):
            reranker.rerank("x", hits, top_n=0)


def test_only_a_server_of_a_reranker_reranks(serve: Serve) -> None:
    with pytest.raises(RemoteError, match="no reranker"):
        RemoteReranker(serve().url)
    with pytest.raises(RemoteError, match="text-embeddings-inference"):
        RemoteReranker(serve(protocol="openai").url)


def test_an_encoder_that_nobody_closes_warns_of_nothing(serve: Serve) -> None:
    code = "import sys, simplugin; m = simplugin.load(sys.argv[1]); m.encode_query(['a']); print(m.dimension)"

    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code, serve().url]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("48\n", "")


def test_a_plan_is_the_same_in_every_run() -> None:
    plan = seeded(1, 0.3, PASSING)

    assert [plan(str(i), 1) for i in range(50)] == [seeded(1, 0.3, PASSING)(str(i), 1) for i in range(50)]
    assert well("a", 1) is None


@pytest.mark.parametrize("side", ["sync", "async"])
def test_an_answer_without_an_end_is_not_kept(serve: Serve, side: str) -> None:
    server = serve()

    def ask() -> Steps[Reply | Lost]:
        return (yield Send(f"{server.url}/info", None, 0.0))

    whole, short = (Transport(None, timeout=5.0, concurrency=1, longest=longest) for longest in (10_000, 100))

    async def arun(transport: Transport) -> Reply | Lost:
        try:
            return await transport.arun(ask())
        finally:
            await transport.aclose()

    def run(transport: Transport) -> Reply | Lost:
        return transport.run(ask()) if side == "sync" else asyncio.run(arun(transport))

    assert isinstance(run(whole), Reply)
    lost = run(short)
    assert isinstance(lost, Lost)
    assert (lost.reason, lost.passing) == ("gave an answer of more than 100 bytes", False)


def test_a_page_of_nothing_but_beginnings_takes_no_time(serve: Serve) -> None:
    exchange, started = Exchange(read_address("http://embedder"), QUICK), time.process_time()

    for page in (b"<title>" * 200_000, b"<" * 2_000_000):
        assert "cannot" in str(exchange.error("cannot", Reply(500, page)))

    assert time.process_time() - started < 4
