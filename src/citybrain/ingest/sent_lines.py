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

    def add_run(self, first_line: int, rows: int) -> None:
        """Neighbouring lines were sent, `rows` of them."""
        self._first_rows.append(self.rows)
        self._batches.append((range(first_line, first_line + rows), []))
        self.rows += rows

    @contextmanager
    def listening(self, connection: psycopg.Connection) -> Iterator[None]:
        """Within the block the server's notices of skipped rows are taken down."""
        connection.add_notice_handler(self._take_down)
        try:
            yield
        finally:
            connection.remove_notice_handler(self._take_down)

    def left_out(self, arrived: int) -> frozenset[int] | None:
        """The lines that are none of the `arrived` rows; None when that was not told completely: too many,
        or a server that words its notices in another way or sends none."""
        if not self._told or self.rows - arrived != len(self._skipped):
            return None
        return frozenset([*self._not_sent, *map(self._line, self._skipped)])

    def _take_down(self, diagnostic: Diagnostic) -> None:
        found = _SKIPPED.search(diagnostic.message_primary or "")
        if found and len(self._skipped) <= self._limit:
            self._skipped.append(int(found[1]) - 1)

    def _line(self, row: int) -> int:
        place = bisect_right(self._first_rows, row) - 1
        lines, odd = self._batches[place]
        position = row - self._first_rows[place]
        for gap in odd:
            if gap > position:
                break
            position += 1
        return lines[position]
