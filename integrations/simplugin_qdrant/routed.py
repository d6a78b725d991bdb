"""A collection with one model a language: each text has the vector of its language's model, and no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NoReturn, TypeAlias

from simplugin.calibration import Calibration
from simplugin.collection import Mode
from simplugin.encoders import Encoder
from simplugin.errors import DataError, StoreError
from simplugin.evaluation.datasets.pair_sources import Labelled
from simplugin.ingestion import IngestReport, Options, Progress
from simplugin.measures import FloatArray
from simplugin.records import Alike, Hit, Metadata
from simplugin.reranking import candidates, open_reranker
from simplugin.routing import REST, Router
from simplugin.threads import long_work
from simplugin_qdrant.asked import Asked, Wanted
from simplugin_qdrant.calibrating import fit, gather
from simplugin_qdrant.collection import WINDOW, Collection
from simplugin_qdrant.filling import Filling
from simplugin_qdrant.filters import Condition
from simplugin_qdrant.merging import Ranking, are_comparable, merge
from simplugin_qdrant.registry import Registration
from simplugin_qdrant.rows import pair_rows, paths_or_documents
from simplugin_qdrant.searching import Answers
from simplugin_qdrant.space import Space
from simplugin_qdrant.stores.protocol import Scored

__all__ = ["RoutedCollection"]

_Found: TypeAlias = tuple[Asked, Answers]

LANGUAGE = "lang"
"""The metadata key under which a text may say its language; an ingest of files writes it."""


class RoutedCollection(Collection):
    """Texts and their vectors under the model of each one's language. Made by ``register`` with a router.

    The vectors of each language lie apart, under its code, and under ``"default"`` those of every other. A search asks
    all models, each with its own vector of the query, and merges by the probability of the hits: so the collection is
    to be calibrated first, unless one model alone has something to answer. A text is found by the model of *its*
    language: a question in another one is only as good as that model is in it.

    ``encoder`` and ``calibration`` are those of the model for the rest.
    """

    def __init__(
        self,
        router: Router,
        models: Mapping[str, tuple[Space, Registration]],
        *,
        mode: Mode,
        tenant: str | None,
    ) -> None:
        super().__init__(*models[REST], role=models[REST][0].vector, mode=mode, tenant=tenant)
        self.router = router
        self._parts = {
            key: Collection(*model, role=model[0].vector, mode=mode, tenant=tenant) for key, model in models.items()
        }

    def __repr__(self) -> str:
        models = ", ".join(f"{key}: {part.encoder.card.name}" for key, part in self._parts.items())
        return f"RoutedCollection({self._name!r}, {models})"

    @property
    def calibrations(self) -> dict[str, Calibration | None]:
        """What the scores of each model stand for, by the router's keys; None until ``calibrate``."""
        return {key: part.calibration for key, part in self._parts.items()}

    def add(
        self,
        texts: Iterable[str],
        *,
        ids: Iterable[str | None] | None = None,
        metadata: Iterable[Metadata] | None = None,
        keep_blank: bool = False,
        language: str | None = None,
    ) -> list[str]:
        """Store each text whole, like ``Collection.add``, by the model of its language.

        ``language`` is that of all texts; without it a text's is what its metadata has under ``"lang"``, or is
        detected.
        """
        added: list[str] = []
        rows = pair_rows(texts, ids, metadata, keep_blank=keep_blank)
        while window := list(islice(rows, WINDOW)):
            added += self._write_routed(window, language)
        self.flush()
        return added

    async def aadd(
        self,
        texts: Iterable[str],
        *,
        ids: Iterable[str | None] | None = None,
        metadata: Iterable[Metadata] | None = None,
        keep_blank: bool = False,
        language: str | None = None,
    ) -> list[str]:
        """Store like ``add``, in a thread."""
        given: dict[str, Any] = {"ids": ids, "metadata": metadata, "keep_blank": keep_blank, "language": language}
        return await long_work(self.add, texts, **given)

    def calibrate(
        self,
        data: Labelled | Mapping[str, Labelled],
        *,
        language: str | None = None,
        threshold: float = 3.0,
        scale: tuple[float, float] | None = None,
    ) -> Calibration:
        """Learn like ``Collection.calibrate``, each model from the pairs in its languages, and record it with each.

        A pair that names no language is routed by its first text. A model without any pairs keeps what it has.
        Returns the calibration of the model for the rest, or of the first that had pairs; see ``calibrations``.

        Raises ``DataError`` before anything is recorded, for too few pairs of a model too.
        """
        pairs = gather(data, language, scale)
        unnamed = iter(self.router.detect([pair.first for pair in pairs if pair.language is None]))
        named = [pair if pair.language else replace(pair, language=next(unnamed)) for pair in pairs]
        made: dict[str, Calibration] = {}
        for key, part in self._parts.items():
            own = [pair for pair in named if (self.router.key(pair.language) if pair.language else REST) == key]
            try:
                made |= {key: fit(part.encoder, own, threshold)} if own else {}
            except DataError as error:
                raise DataError(f"The pairs for the model of {key!r}: {error}") from error
        if not made:
            raise DataError("There are no labelled pairs to calibrate with.")
        for key, calibration in made.items():
            model = self._parts[key]._model
            self._parts[key]._record(calibration, model.space, model.registration)
        rest = self._parts[REST]._model
        self.become(rest.space, rest.registration)
        return made.get(REST) or next(iter(made.values()))

    def query_vector(self, query: str) -> NoReturn:
        """Raise ``StoreError``: a query has a vector of every model here."""
        raise StoreError(self._without_one("a query has no single vector"))

    async def aquery_vector(self, query: str) -> NoReturn:
        """Raise ``StoreError``, like ``query_vector``."""
        self.query_vector(query)

    def vector_of(self, encoder: Encoder) -> str | None:
        """Return None: no model made the vectors of all texts here."""
        return None

    def fill(self, progress: Callable[[Filling], None] | None = None) -> NoReturn:
        """Raise ``StoreError``: a text is meant to have the vector of its language alone."""
        raise StoreError(self._without_one("there is nothing to fill"))

    def migrate(
        self, model: Encoder | str, *, vector: str | None = None, mode: Mode | None = None, into: str | None = None
    ) -> NoReturn:
        """Raise ``StoreError``: one model of several cannot be exchanged yet."""
        raise StoreError(self._without_one("it cannot be migrated; make a new collection with a router of new models"))

    def _without_one(self, what: str) -> str:
        return f"Collection {self._name!r} has one model a language ({', '.join(self._parts)}), so {what}."

    def _write_routed(self, window: Sequence[tuple[str, str | None, Metadata]], language: str | None) -> list[str]:
        """Store texts by the models of their languages; return their ids, in order."""
        keys = self._route([text for text, _, _ in window], [data for _, _, data in window], language)
        written: list[str] = [""] * len(window)
        for key, part in self._parts.items():
            places = [place for place, each in enumerate(keys) if each == key]
            ids = part._write_documents([window[place] for place in places]) if places else []
            for place, id_ in zip(places, ids, strict=True):
                written[place] = id_
        return written

    def _route(self, texts: Sequence[str], metadata: Sequence[Metadata], language: str | None) -> list[str]:
        """Return the key of the model for each text."""
        if language is not None:
            return self.router.route(texts, language)
        said = [data.get(LANGUAGE) if isinstance(data, Mapping) else None for data in metadata]  # pyright: ignore[reportUnnecessaryIsInstance]
        named = [each if isinstance(each, str) and each.strip() else None for each in said]
        found = iter(self.router.route([text for text, tag in zip(texts, named, strict=True) if tag is None]))
        return [next(found) if tag is None else self.router.key(tag) for tag in named]

    def _find_alike(
        self,
        threshold: float,
        condition: Condition | None,
        limit: int | None,
        progress: Callable[[int, int], None] | None,
    ) -> list[Alike]:
        parts = self._parts.values()
        found = [group for part in parts for group in part._find_alike(threshold, condition, limit, progress)]
        return sorted(found, key=lambda group: -len(group.texts))[:limit]

    def _ingest(
        self,
        sources: object,
        options: Options,
        progress: Callable[[Progress], None] | None,
        ray: bool | str,
        workers: int | None,
    ) -> IngestReport:
        if ray:
            raise StoreError(self._without_one("several processes cannot share an ingest into it; leave out ray"))
        from simplugin.ingestion.routed import RoutedIngest  # seldom

        paths, documents = paths_or_documents(sources)
        run = RoutedIngest(self, self._parts, self.router, options)
        return run.take_files(paths, progress) if documents is None else run.take_documents(documents, progress)

    def _answer(self, queries: Sequence[str], vectors: FloatArray | None, wanted: Wanted) -> list[list[Hit]]:
        if self._is_by_words(vectors, wanted):
            return super()._answer(queries, None, wanted)
        found = {key: part._find(queries, None, self._of(key, wanted)) for key, part in self._parts.items()}
        return self._merge(queries, found, wanted)

    async def _aanswer(self, queries: Sequence[str], vectors: FloatArray | None, wanted: Wanted) -> list[list[Hit]]:
        if self._is_by_words(vectors, wanted):
            return await super()._aanswer(queries, None, wanted)
        parts = self._parts.items()
        found = await asyncio.gather(*(part._afind(queries, None, self._of(key, wanted)) for key, part in parts))
        return await asyncio.to_thread(self._merge, queries, dict(zip(self._parts, found, strict=True)), wanted)

    def _is_by_words(self, vectors: FloatArray | None, wanted: Wanted) -> bool:
        """Say whether words alone are compared, which are the same for all models. Raises ``StoreError``."""
        if vectors is not None:
            raise StoreError(self._without_one("it cannot be searched by a vector; search it by a text"))
        if wanted.min_score is not None:
            raise StoreError(self._without_one("no score means the same for all; give min_probability"))
        return (wanted.mode or self.mode) == "words"

    def _of(self, key: str, wanted: Wanted) -> Wanted:
        """Return what is wanted of one model."""
        limit = wanted.limit if wanted.rerank is None else candidates(wanted.limit)
        language = wanted.language if key == REST else key
        return replace(wanted, limit=limit, mode=wanted.mode or self.mode, rerank=None, language=language)

    def _merge(self, queries: Sequence[str], found: Mapping[str, _Found], wanted: Wanted) -> list[list[Hit]]:
        reranker = open_reranker(wanted.rerank) if isinstance(wanted.rerank, str) else wanted.rerank
        languages = self._languages(queries, wanted.language)
        merged: list[list[Hit]] = []
        for number, query in enumerate(queries):
            rankings = [
                self._ranking(key, replace(asked, language=languages[number]) if key == REST else asked, each[number])
                for key, (asked, each) in found.items()
            ]
            if reranker is None and not are_comparable(rankings):
                raise StoreError(self._not_comparable())
            hits = _one_a_document(merge(rankings)) if wanted.group else merge(rankings)
            merged.append(
                hits[: wanted.limit] if reranker is None else reranker.rerank(query, hits, top_n=wanted.limit)
            )
        return merged

    def _ranking(self, key: str, asked: Asked, points: Sequence[Scored]) -> Ranking:
        """Make hits of what one model found, and keep those that are probable enough."""
        least = asked.min_probability
        rows = [
            (hit, point.score - (point.score if point.similarity is None else point.similarity))
            for hit, point in zip(asked.graded(points), points, strict=True)
            if least is None or (hit.probability or 0.0) >= least
        ]
        model = self._parts[key]._model.registration.fingerprint
        return Ranking(model, [hit for hit, _ in rows], [words for _, words in rows])

    def _languages(self, queries: Sequence[str], language: str | None) -> Sequence[str | None]:
        """Return the language of each query, where it chooses among scales of the model for the rest."""
        calibration = self._parts[REST].calibration
        if language is None and calibration is not None and len(calibration.languages) > 1:
            return self.router.detect(queries)
        return [language] * len(queries)

    def _not_comparable(self) -> str:
        missing = ", ".join(repr(key) for key, calibration in self.calibrations.items() if calibration is None)
        return self._without_one(
            f"their scores cannot be compared before each is calibrated, and those of {missing} are not; call "
            "calibrate with labelled pairs in their languages, or give rerank=…"
        )


def _one_a_document(hits: Sequence[Hit]) -> list[Hit]:
    """Keep the best hit of each document: its chunks may be in several languages."""
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(hit.document_id, hit)
    return list(best.values())
