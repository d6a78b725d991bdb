"""Payload indexes for the client's emulator, which has none: a filtered scroll of it looks at every point.

Only what a collection has indexed is answered here, and only conditions that all must hold; anything else is left to
the emulator.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import Any

from qdrant_client import QdrantClient, models

__all__ = ["Indexed"]


class Indexed:
    """The indexes of one collection of the emulator, brought up to date by ``update`` after every write."""

    def __init__(self, client: QdrantClient, collection: str) -> None:
        emulator: Any = client._client  # the client has no other way to it
        self._points = emulator.collections[collection]
        self._points.payload = self._payloads = _Watched(self._points.payload)
        self._places: dict[str, dict[Any, set[int]]] = {}
        self._known: dict[tuple[str, int], Any] = {}
        self._order: tuple[Any, list[tuple[str, int]]] = (None, [])

    def add(self, key: str) -> None:
        self._places.setdefault(key, defaultdict(set))
        self._payloads.changed.update(range(len(self._payloads)))

    def scroll(
        self, condition: models.Filter | None, *, limit: int = 10, offset: Any = None, **given: Any
    ) -> tuple[list[Any], Any] | None:
        """Answer like the emulator, or with None where the conditions are not all about what is indexed."""
        if condition is None or not condition.must or condition.should or condition.must_not or condition.min_should:
            return None
        wanted = [self._matching(each) for each in _listed(condition.must)]
        if any(places is None for places in wanted):
            return None
        found = self._in_order(condition, [places for places in wanted if places is not None])
        start = 0 if offset is None else bisect_left(found, self._points._universal_id(str(offset)))
        rows: list[str] = []
        while start < len(found) and len(rows) <= limit:
            id_ = found[start][0]
            rows += [] if self._points.deleted[self._points.ids[id_]] else [id_]
            start += 1
        after = rows.pop() if len(rows) > limit else None
        keys = given.get("with_payload")
        if isinstance(keys, list) and not given.get("with_vectors"):  # a quarter of the emulator's time
            payloads, places = self._payloads, self._points.ids
            return [{"id": id_, "payload": _part(payloads[places[id_]], keys)} for id_ in rows], after
        return self._points.retrieve(rows, **given), after

    def update(self) -> None:
        changed, self._payloads.changed = self._payloads.changed, set()
        if changed:
            self._order = (None, [])
        for place in changed:
            for key, places in self._places.items():
                before = self._known.pop((key, place), None)
                if before is not None:
                    places[before].discard(place)
                value = _value(self._payloads[place], key)
                if value is not None:
                    places[value].add(place)
                    self._known[key, place] = value

    def _matching(self, condition: Any) -> set[int] | None:
        if not isinstance(condition, models.FieldCondition) or condition.key not in self._places:
            return None
        places = self._places[condition.key]
        match = condition.match
        if isinstance(match, models.MatchValue):
            return places.get(match.value, set())
        if isinstance(match, models.MatchAny):
            return {place for value in match.any for place in places.get(value, ())}
        span = condition.range
        if isinstance(span, models.Range) and span.gte is not None and span.gte == span.lte:
            return places.get(int(span.gte), set())
        return None

    def _in_order(self, condition: models.Filter, wanted: list[set[int]]) -> list[tuple[str, int]]:
        if self._order[0] != condition:
            ids, smallest = self._points.ids_inv, min(wanted, key=len)
            found = [place for place in smallest if all(place in places for places in wanted)]
            self._order = (condition, sorted(self._points._universal_id(ids[place]) for place in found))
        return self._order[1]


class _Watched(list[Any]):
    """The payloads of the emulator, which notes the places that changed; it never changes one in place."""

    def __init__(self, payloads: list[Any]) -> None:
        super().__init__(payloads)
        self.changed = set(range(len(payloads)))

    def append(self, payload: Any) -> None:
        self.changed.add(len(self))
        super().append(payload)

    def __setitem__(self, place: Any, payload: Any) -> None:
        self.changed.add(place)
        super().__setitem__(place, payload)


def _listed(conditions: Any) -> list[Any]:
    return conditions if isinstance(conditions, list) else [conditions]


def _part(payload: dict[str, Any], paths: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in paths:
        *above, last = path.split(".")
        source, target = payload, found
        for key in above:
            source, target = source.get(key) or {}, target.setdefault(key, {})
        if last in source:
            target[last] = source[last]
    return found


def _value(payload: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(payload, dict):
            return None
        payload = payload.get(key)
    return payload if isinstance(payload, str | int) else None
