"""Row rules asked of rows while the next ones are still being copied.

A large plain delivery is copied in stretches. As soon as one stands, its rows are asked on a connection of
their own: the server copies with one processor and judges with another, and what is left to do when the last
row has come is one stretch. Rules that compare rows with each other wait for all of them.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

import psycopg
from psycopg import sql

from citybrain.ingest.bad_lines import WORK_MEM, Test, key_tests, rule_tests, select_bad, type_tests
from citybrain.ingest.manifest import Batch
from citybrain.ingest.stage_tables import Staged, learn_keys, stage_table
from citybrain.quality import Expectations, row_predicates
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

STATEMENT_TIMEOUT = timedelta(hours=1)
EXTENDED_BY = 64  # pages that COPY may have added for more rows than came; the next one fills them

Found = TypeVar("Found")


@contextmanager
def early_checks(
    settings: Settings, claimant: str, batch: Batch, expectations: Expectations
) -> Iterator["EarlyChecks"]:
    """Raises psycopg.OperationalError when there is no connection to be had."""
    name = f"{claimant} rules"
    with connect(settings, DatabaseRole.LOADER, name, STATEMENT_TIMEOUT, autocommit=True) as connection:
        connection.execute(sql.SQL("SET work_mem = {}").format(sql.Literal(WORK_MEM)))
        checks = EarlyChecks(connection, batch, expectations)
        try:
            yield checks
        finally:
            checks.close()


class EarlyChecks:
    """The onlooker of one delivery: fills its table of bad lines as rows arrive."""

    def __init__(self, connection: psycopg.Connection, batch: Batch, expectations: Expectations) -> None:
        self._connection = connection
        dataset = expectations.dataset
        predicates = row_predicates(dataset, expectations, stage_table(batch.batch_id), as_of=batch.landed_at)
        rules = rule_tests([found for found in predicates if found.repeats_sql is None])
        keys = key_tests(dataset, expectations)
        self._tests = [*rules, *keys]
        self._tests_of_doubtful = [*rules, *type_tests(dataset, expectations), *keys]
        self._thread = ThreadPoolExecutor(1, "early-checks")
        self._jobs: list[Future[None]] = []
        self._first_lines: list[int] = []
        self._first_pages: list[int] = []
        self._next_page = 0

    def rows_stand(self, staged: Staged, lines: range, pages: int) -> None:
        """See `Onlooker`."""
        self._jobs.append(self._thread.submit(self._ask, staged, lines, self._next_page))
        self._first_lines.append(lines.start)
        self._first_pages.append(self._next_page)
        self._next_page = max(0, pages - EXTENDED_BY)
        if len(self._jobs) == 1:
            self._jobs.append(self._thread.submit(self._learn_keys, staged))

    def all_stand(self, staged: Staged) -> None:
        """See `Onlooker`."""
        self._jobs.append(self._thread.submit(self._ask_those_above, staged))

    def wait(self) -> None:
        """See `Onlooker`."""
        for job in self._jobs:
            job.result()

    def forget(self) -> None:
        """See `Onlooker`."""
        for job in self._jobs:
            job.cancel()
        wait(self._jobs)

    def finish(self, staged: Staged) -> None:
        """Ask the rows that got a second look too: then the bad lines are complete, but for those of rules
        that compare rows."""
        self.wait()
        self._fill(staged, _standing(staged.doubtful), self._tests_of_doubtful)

    def start(self, job: Callable[[psycopg.Connection], Found]) -> Future[Found]:
        """Something else for the second connection, after what was begun."""
        return self._thread.submit(job, self._connection)

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _ask(self, staged: Staged, lines: range, page: int) -> None:
        """Ask the rows of a stretch that stand from a page on."""
        place = sql.SQL("s.ctid >= {}::tid AND s._line BETWEEN {} AND {}").format(
            sql.Literal(f"({page},0)"), sql.Literal(lines.start), sql.Literal(lines.stop - 1)
        )
        self._fill(staged, place, self._tests)

    def _ask_those_above(self, staged: Staged) -> None:
        """Ask the rows that stand above the first page of their stretch: COPY fills gaps as well."""
        above = [
            sql.SQL(
                "SELECT ctid::text FROM {} WHERE ctid >= {}::tid AND ctid < {}::tid AND _line >= {}"
            ).format(staged.typed, f"({page},0)", f"({beyond},0)", line)
            for (page, beyond), line in zip(pairwise(self._first_pages), self._first_lines[1:], strict=True)
        ]
        if above:
            rows = self._connection.execute(sql.SQL(" UNION ALL ").join(above)).fetchall()
            self._fill(staged, _standing(place for (place,) in rows), self._tests)

    def _fill(self, staged: Staged, place: sql.Composable, tests: list[Test]) -> None:
        self._connection.execute(
            sql.SQL("INSERT INTO {} {}").format(staged.bad, select_bad(staged, tests, place))
        )

    def _learn_keys(self, staged: Staged) -> None:
        self._connection.execute(learn_keys(staged))


def _standing(places: Iterable[str]) -> sql.Composed:
    return sql.SQL("s.ctid = ANY ({}::tid[])").format(sql.Literal(list(places)))
