"""A matcher as one JSON file, with the fingerprint of each model that its vectors are of.

The vectors of the utterances are in the file: a matcher then answers at once, and exactly as the one that was saved,
also where its model would take minutes to read the utterances again. They are float32, base64: 1.4 kB an utterance
with the starter, 5.5 kB with a model of 1,024 numbers.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np

from simplugin.encoders import Encoder, Fingerprint, as_encoder, load
from simplugin.encoders.fingerprint import refuse_other
from simplugin.errors import DataError
from simplugin.intents.confidence import Confidence, measures_in
from simplugin.intents.fitting import Fit
from simplugin.intents.head import Head
from simplugin.intents.judging import Cuts
from simplugin.intents.knowledge import Knowledge
from simplugin.intents.scoring import Scoring
from simplugin.intents.taught import Taught, grouped
from simplugin.intents.thresholds import as_target
from simplugin.intents.utterances import Utterance
from simplugin.measures import FloatArray
from simplugin.parsing import parse_json
from simplugin.routing import REST, Router
from simplugin.writing import write_whole

__all__ = ["VERSION", "read", "save"]

VERSION = 2
"""Of the file; another is refused. Before 2 a confidence was judged by other measures."""

_KIND = "simplugin intents"
_BEYOND = 1e30  # no number in the file comes near it, and float32 holds it


def save(knowledge: Mapping[str, Knowledge], path: str | Path) -> None:
    """Write what is known by each model; a file that is there is replaced at the end, as a whole."""
    first = next(iter(knowledge.values()))
    values = {
        "kind": _KIND,
        "version": VERSION,
        "threshold": first.cuts.threshold,
        "ambiguity": first.cuts.ambiguity,
        "models": {key: _from_knowledge(known) for key, known in knowledge.items()},
        "utterances": [_from_utterance(each) for each in first.taught.utterances],
        "negatives": [_from_utterance(each) for each in first.negatives],
    }
    try:
        write_whole(Path(path), json.dumps(values, ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise DataError(f"the file cannot be written ({error.strerror}).", path=path) from error


def read(path: str | Path, model: Encoder | Router | str | None) -> dict[str, Knowledge]:
    """Read a matcher's file, and open or check its models; see ``IntentMatcher.load``."""
    values = _values(Path(path))
    with _readable(path):
        if values["version"] > VERSION:
            raise DataError("the file was written by a newer simplugin.", path=path)
        if values["version"] < VERSION:
            raise DataError("the file was written by an older simplugin; fit its utterances again.", path=path)
        fingerprints = {str(key): Fingerprint.from_json(each["fingerprint"]) for key, each in values["models"].items()}
        if REST not in fingerprints:
            raise ValueError("it has no model")
    encoders = _opened(path, fingerprints, model)
    with _readable(path):
        return {key: _to_knowledge(values, values["models"][key], encoder) for key, encoder in encoders.items()}


@contextmanager
def _readable(path: str | Path) -> Generator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise DataError(f"the file holds no intents that can be read ({error}).", path=path) from error


def _opened(
    path: str | Path, fingerprints: Mapping[str, Fingerprint], model: Encoder | Router | str | None
) -> dict[str, Encoder]:
    if model is None:
        cards = {key: each.card for key, each in fingerprints.items()}
        for card in cards.values():
            if "://" in card.id:  # texts and keys go to a server at their owner's word alone
                message = f"the file was made with a model that a server runs; name it to open it: {card.id!r}."
                raise DataError(message, path=path)
        encoders = {key: load(card.id, truncate_dim=card.truncate_dim) for key, card in cards.items()}
    elif isinstance(model, Router):
        encoders = dict(model.models)
    else:
        encoders = {REST: as_encoder(model)}
    if encoders.keys() != fingerprints.keys():
        kept, given = (", ".join(map(repr, each)) for each in (fingerprints, encoders))
        message = f"the file has models for {kept}; those given are for {given}."
        raise DataError(message, path=path)
    for key, encoder in encoders.items():
        refuse_other(
            fingerprints[key],
            encoder.fingerprint,
            name=str(path),
            kind="The file of intents",
            remedy="Open it without naming a model, or fit the utterances again with this one.",
            stacklevel=4,
        )
    return encoders


def _values(path: Path) -> Mapping[str, Any]:
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror}).", path=path) from error
    except ValueError as error:
        raise DataError("the file is no JSON; intents are written by IntentMatcher.save.", path=path) from error
    if not isinstance(values, dict) or cast("dict[str, Any]", values).get("kind") != _KIND:
        raise DataError("the file holds no intents; they are written by IntentMatcher.save.", path=path)
    return cast("dict[str, Any]", values)


def _from_knowledge(known: Knowledge) -> dict[str, Any]:
    return {
        "model": known.encoder.card.name,
        "fingerprint": known.encoder.fingerprint.to_json(),
        "learned": None if known.learned is None else _from_fit(known.learned, known.taught.intents),
        "vectors": _packed(known.taught.vectors),
    }


def _to_knowledge(values: Mapping[str, Any], mine: Mapping[str, Any], encoder: Encoder) -> Knowledge:
    intents, utterances, owners = grouped(_to_utterance(each) for each in values["utterances"])
    vectors = _unpacked(mine["vectors"])
    if vectors.shape != (len(utterances), encoder.dimension):
        message = f"there are {len(utterances)} utterances and vectors of shape {vectors.shape}"
        raise ValueError(message)
    return Knowledge(
        encoder,
        Taught(intents, utterances, owners, vectors, encoder.card.similarity),
        tuple(_to_utterance(each) for each in values["negatives"]),
        Cuts(_number(values["threshold"]), _number(values["ambiguity"])),
        None if mine["learned"] is None else _to_fit(mine["learned"], intents, encoder.dimension),
    )


def _from_utterance(each: Utterance) -> dict[str, Any]:
    known = {"text": each.text, "intent": each.intent, "language": each.language}
    return {name: value for name, value in known.items() if value is not None}


def _to_utterance(values: Mapping[str, Any]) -> Utterance:
    return Utterance(str(values["text"]), values.get("intent"), values.get("language"))


def _from_fit(learned: Fit, intents: tuple[str, ...]) -> dict[str, Any]:
    head = learned.head
    return {
        "scoring": learned.scoring,
        "confidence": {"weights": list(learned.confidence.weights), "offset": learned.confidence.offset},
        "threshold": learned.threshold,
        "ambiguity": learned.ambiguity,
        "thresholds": {
            "intents": {intents[place]: move for place, move in learned.intents.items()},
            "languages": dict(learned.languages),
        },
        "head": None if head is None else {"weights": _packed(head.weights), "offsets": head.offsets.tolist()},
        "target": None if learned.target is None else {learned.target.kind: learned.target.value},
        "out_of_scope": learned.share,
        "balanced": learned.balanced,
        "tried": dict(learned.tried),
    }


def _to_fit(values: Mapping[str, Any], intents: tuple[str, ...], dimension: int) -> Fit:
    scoring = values["scoring"]
    if scoring not in get_args(Scoring):
        message = f"there is no scoring {scoring!r}"
        raise ValueError(message)
    head = None
    if (given := values["head"]) is not None:
        head = Head(_unpacked(given["weights"]), np.asarray(given["offsets"], dtype=np.float32))
        if head.weights.shape != (dimension, len(intents)) or head.offsets.shape != (len(intents),):
            message = f"its head is of shape {head.weights.shape}"
            raise ValueError(message)
    if (head is None) != (scoring != "head"):
        raise ValueError("its scoring and its head do not belong together")
    confidence = values["confidence"]
    if len(confidence["weights"]) != measures_in(scoring):
        message = f"its confidence has {len(confidence['weights'])} weights"
        raise ValueError(message)
    return Fit(
        scoring=scoring,
        confidence=Confidence(tuple(map(_float, confidence["weights"])), _float(confidence["offset"])),
        threshold=_float(values["threshold"]),
        ambiguity=_float(values["ambiguity"]),
        head=head,
        intents={intents.index(name): _float(move) for name, move in values["thresholds"]["intents"].items()},
        languages={str(name): _float(move) for name, move in values["thresholds"]["languages"].items()},
        target=as_target(values["target"]),
        share=_float(values["out_of_scope"]),
        balanced=_number(values["balanced"]),
        tried={str(name): _float(value) for name, value in values["tried"].items()},
    )


def _packed(array: FloatArray) -> dict[str, Any]:
    return {"shape": list(array.shape), "float32": base64.b64encode(array.astype("<f4").tobytes()).decode("ascii")}


def _unpacked(values: Mapping[str, Any]) -> FloatArray:
    flat = np.frombuffer(base64.b64decode(values["float32"], validate=True), dtype="<f4").astype(np.float32)
    array = flat.reshape([int(size) for size in values["shape"]])
    if not np.isfinite(array).all():
        raise ValueError("some of its numbers are not finite")
    return array


def _number(value: object) -> float | None:
    return None if value is None else _float(value)


def _float(value: object) -> float:
    number = float(cast("float", value))
    if not abs(number) < _BEYOND:
        message = f"{number} is no score"
        raise ValueError(message)
    return number
