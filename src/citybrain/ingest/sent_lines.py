"""Which lines of a delivery stay out of the typed pass, told while it runs.

The client knows what it did not send; of a row that does not parse the server tells the place among those
that were sent. Kept in a few numbers a batch, whatever the size of the delivery.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg.errors import Diagnostic

from citybrain.ingest.readers import RecordBatch

_SKIPPED = re.compile(r"\bat line ([0-9]+)\b")


@contextmanager
def skipped_places(connection: psycopg.Connection, limit: int) -> Iterator[list[int]]:
    """Within the block the places of rows that COPY skips are taken down, from 1 on: as the server tells
    them, and no more than one over `limit`."""
    places: list[int] = []

    def take_down(diagnostic: Diagnostic) -> None:
        found = _SKIPPED.search(diagnostic.message_primary or "")
        if found and len(places) <= limit:
            places.append(int(found[1]))

    connection.add_notice_handler(take_down)
    try:
        yield places
    finally:
        connection.remove_notice_handler(take_down)


class SentLines:
    """Rows sent to COPY, counted from 0, and the lines they came from. At most `limit` lines are kept."""

    def __init__(self, limit: int) -> None:
        self.rows = 0
        self._limit = limit
        self._first_rows: list[int] = []
        self._batches: list[tuple[range, list[int]]] = []
        self._not_sent: list[int] = []
        self._skipped: list[int] = []
        self._told = True

    def add(self, batch: RecordBatch, sent: Sequence[int]) -> None:
        """Some lines of a batch were sent; the others, up to its last one, are odd."""
        self._not_sent += [fault.line for fault in batch.faults]
        if batch.lines:
            span = range(batch.lines[0], batch.lines[-1] + 1)
            odd = sorted(set(span).difference(sent)) if len(sent) < len(span) else []
            self._not_sent += odd
            self._first_rows.append(self.rows)
            self._batches.append((span, [line - span.start for line in odd]))
            self.rows += len(sent)
        if len(self._not_sent) > self._limit:
            self._told = False
            self._not_sent, self._batches = [], []

    @contextmanager
    def listening(self, connection: psycopg.Connection) -> Iterator[None]:
        """Within the block the server's notices of skipped rows are taken down."""
        with skipped_places(connection, self._limit) as self._skipped:
            yield

    def left_out(self, arrived: int) -> frozenset[int] | None:
        """The lines that are none of the `arrived` rows; None when that was not told completely: too many,
        or a server that words its notices in another way or sends none."""
        if not self._told or self.rows - arrived != len(self._skipped):
            return None
        return frozenset([*self._not_sent, *(self._line(place - 1) for place in self._skipped)])

    def _line(self, row: int) -> int:
        place = bisect_right(self._first_rows, row) - 1
        lines, odd = self._batches[place]
        position = row - self._first_rows[place]
        for gap in odd:
            if gap > position:
                break
            position += 1
        return lines[position]
