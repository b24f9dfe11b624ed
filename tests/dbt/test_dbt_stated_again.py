"""Known bytes that come again count again, in whatever order things arrive; and what was known when."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from citybrain.ingest.manifest import NewBatch, batch_of_content, note_delivery, register, state_again
from citybrain.settings import Settings
from citybrain.warehouse.dbt_process import environment, target_dir
from citybrain.warehouse.transform import TransformReport

pytestmark = pytest.mark.integration

CODE = "91341602MA00RESTAX"
BASE = datetime(2027, 1, 1, tzinfo=UTC)
MOMENT = "current_setting('trial.moment')::timestamptz"
KNOWN = {
    "division_county": "['civil_affairs', 'division_county'], none",
    "enterprise_tax_year": "['taxation', 'enterprise_tax_year'], ['uscc', 'tax_year']",
}


class Arrival(NamedTuple):
    """One delivery: which content it holds, the day it stands for, its place among the source's versions."""

    content: int
    day: int
    version: int

    @property
    def logical_date(self) -> date:
        return date(2027, 1, 1) + timedelta(days=self.day)

    @property
    def source_version(self) -> str:
        return f"2027-01-{1 + self.version:02d}T00:00:00.000000Z"


# No two deliveries of different content share day and version: their order would be that of their hashes.
ARRIVALS = st.lists(
    st.builds(Arrival, st.integers(0, 3), st.integers(0, 2), st.integers(0, 20)),
    min_size=1,
    max_size=9,
    unique_by=lambda arrival: arrival.version,
)
many = effort(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
A, B = 0, 1


@pytest.fixture(scope="module")
def known(city: Settings, built: TransformReport) -> dict[str, str]:
    """The macro's SQL for a snapshot and an increment dataset, at a moment that a setting names."""
    calls = {dataset: f'{{{{ as_known_at({of}, "{MOMENT}") }}}}' for dataset, of in KNOWN.items()}
    return {dataset: compiled(city, call) for dataset, call in calls.items()}


def compiled(settings: Settings, text: str) -> str:
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", "compile", "--inline", text]
    command += ["--project-dir", str(settings.dbt_dir), "--profiles-dir", str(settings.dbt_dir)]
    command += ["--target-path", str(target_dir(settings)), "--log-path", str(settings.log_dir / "dbt")]
    done = subprocess.run(command, env=environment(settings), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def scratch(city: Settings, built: TransformReport) -> Iterator[psycopg.Connection]:
    """A set-up connection whose transaction is rolled back."""
    with psycopg.connect(city.admin_url, dbname="city") as connection:
        yield connection
        connection.rollback()


class Feed:
    """Deliveries of one dataset, landed through the manifest; a new content's one row is loaded at once."""

    def __init__(self, connection: psycopg.Connection, dataset: str, sql: str) -> None:
        self.connection, self.dataset, self.sql = connection, dataset, sql
        self.by_day = dataset == "division_county"

    def deliver(self, arrival: Arrival, place: int) -> None:
        moment = BASE + timedelta(minutes=place)
        sha256 = f"{arrival.content + 1:064x}"
        new = NewBatch(self.dataset, sha256, sha256, 1, "x", arrival.source_version, arrival.logical_date)
        batch = register(self.connection, new)
        if batch is None:
            batch = batch_of_content(self.connection, self.dataset, sha256)
            assert batch is not None
            state_again(self.connection, batch, arrival.logical_date, arrival.source_version, self.by_day)
        else:
            self._load(batch, arrival, moment)
        note_delivery(
            self.connection,
            self.dataset,
            "x",
            "landed",
            batch,
            arrival.logical_date,
            arrival.source_version,
        )
        self.connection.execute(
            "UPDATE meta.delivery SET delivered_at = %s WHERE delivery_id ="
            " (SELECT max(delivery_id) FROM meta.delivery)",
            (moment,),
        )

    def _load(self, batch: int, arrival: Arrival, moment: datetime) -> None:
        lineage = (batch, arrival.logical_date, moment)
        self.connection.execute(
            "UPDATE meta.batch SET state = 'loaded', rows_in = 1, rows_loaded = 1, settled_at = now()"
            " WHERE batch_id = %s",
            (batch,),
        )
        if self.by_day:
            self.connection.execute(
                "INSERT INTO raw.division_county (code, name, city_code, province_code, _batch_id, _line,"
                " _logical_date, _loaded_at) VALUES ('341602', %s, '3416', '34', %s, 1, %s, %s)",
                (str(arrival.content), *lineage),
            )
        else:
            self.connection.execute(
                "INSERT INTO raw.enterprise_tax_year (uscc, tax_year, revenue_wan, _batch_id, _line,"
                " _logical_date, _loaded_at) VALUES (%s, 2025, %s, %s, 1, %s, %s)",
                (CODE, arrival.content, *lineage),
            )

    def shown(self) -> list[int]:
        """The content that staging shows now."""
        query = (
            "SELECT name::int FROM staging.stg_civil_affairs__county WHERE area_code = '341602'"
            if self.by_day
            else f"SELECT revenue_wan::int FROM staging.stg_taxation__enterprise_tax WHERE uscc = '{CODE}'"
        )
        return [content for (content,) in self.connection.execute(query.encode()).fetchall()]

    def known_after(self, place: int) -> list[int]:
        """The content that was known once the `place`-th delivery had come."""
        moment = BASE + timedelta(minutes=place, seconds=1)
        self.connection.execute("SELECT set_config('trial.moment', %s, true)", (moment.isoformat(),))
        column, where = ("name", "code = '341602'") if self.by_day else ("revenue_wan", f"uscc = '{CODE}'")
        query = f"SELECT {column}::int FROM ({self.sql}) AS known WHERE {where}"
        return [content for (content,) in self.connection.execute(query.encode()).fetchall()]

    def newest(self, arrivals: list[Arrival]) -> int:
        """What the rule says: the newest day, then the newest version; of increments the version alone."""
        return max(
            arrivals, key=lambda one: (one.day if self.by_day else 0, one.version, one.content)
        ).content


@pytest.mark.parametrize("dataset", list(KNOWN))
@given(arrivals=ARRIVALS)
@example(arrivals=[Arrival(A, 0, 1), Arrival(B, 0, 2), Arrival(A, 0, 3)])
@example(arrivals=[Arrival(A, 0, 1), Arrival(B, 1, 2), Arrival(A, 2, 3), Arrival(B, 2, 4)])
@example(arrivals=[Arrival(A, 0, 1), Arrival(A, 0, 3), Arrival(B, 0, 2)])
@example(arrivals=[Arrival(A, 0, 3), Arrival(B, 0, 2), Arrival(A, 0, 1)])
@many
def test_the_newest_delivery_counts_in_every_order(
    scratch: psycopg.Connection, known: dict[str, str], dataset: str, arrivals: list[Arrival]
) -> None:
    feed = Feed(scratch, dataset, known[dataset])
    scratch.execute("SAVEPOINT before")
    for place, arrival in enumerate(arrivals):
        feed.deliver(arrival, place)
        assert feed.shown() == [feed.newest(arrivals[: place + 1])]
    for place in range(len(arrivals)):
        assert feed.known_after(place) == [feed.newest(arrivals[: place + 1])]
    table = (
        b"raw.division_county WHERE _loaded_at >= '2027-01-01'"
        if feed.by_day
        else (f"raw.enterprise_tax_year WHERE uscc = '{CODE}'".encode())
    )
    rows = scratch.execute(b"SELECT count(*) FROM " + table).fetchone()
    assert rows == (len({arrival.content for arrival in arrivals}),)
    scratch.execute("ROLLBACK TO before")


def test_what_became_current_again_says_since_when(
    scratch: psycopg.Connection, known: dict[str, str]
) -> None:
    feed = Feed(scratch, "division_county", known["division_county"])
    for place, arrival in enumerate([Arrival(A, 0, 1), Arrival(A, 0, 2), Arrival(B, 1, 3), Arrival(A, 2, 4)]):
        feed.deliver(arrival, place)
    batches = scratch.execute(
        "SELECT source_version, newest_version, newest_logical_date, revision, restated_at IS NOT NULL"
        " FROM meta.batch WHERE dataset = 'division_county' AND logical_date >= '2027-01-01' ORDER BY 1"
    ).fetchall()
    first, _, third, last = (Arrival(A, day, version) for day, version in ((0, 1), (0, 2), (1, 3), (2, 4)))
    assert batches == [
        (first.source_version, last.source_version, last.logical_date, 1, True),
        (third.source_version, None, None, 0, False),
    ]


def test_licences_in_force(transformer: psycopg.Connection) -> None:
    rows = transformer.execute(
        "SELECT licence_no, is_registered, county_code, is_in_force, days_left > 10000"
        " FROM marts.fct_enterprise_licence ORDER BY licence_no"
    ).fetchall()
    assert rows == [
        ("JY002", True, "341602", False, None),
        ("JY003", True, "341602", False, None),
        ("SC001", True, "341602", True, True),
        ("XK004", False, None, True, True),
    ]
