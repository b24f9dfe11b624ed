"""The chain holds after honest work, and names the entry that somebody touched."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from citybrain.ledger import append, verify
from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect

Connection = psycopg.Connection


@pytest.fixture
def desk(settings: Settings) -> Iterator[Connection]:
    """A connection of the desk whose entries are rolled back."""
    with connect(settings, DatabaseRole.DESK) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def owner(settings: Settings) -> Iterator[Connection]:
    """Somebody who can switch the guard off, as a database administrator could."""
    with connect(settings, DatabaseRole.OWNER) as connection:
        for number in range(5):
            append(connection, "case_transition", f"case:{number}", {"to": "closed", "by": "物业"})
        yield connection
        connection.rollback()


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            TEXT,
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(payload=st.dictionaries(TEXT, JSON, max_size=4))
def test_whatever_is_recorded_verifies(desk: Connection, payload: dict[str, object]) -> None:
    number = append(desk, "evidence", "case:1", payload)
    found = verify(desk)
    assert found.holds and found.entries == number and len(found.head) == 64
    row = desk.execute("SELECT payload FROM ledger.entry WHERE entry_id = %s", (number,)).fetchone()
    assert row is not None and row[0] == payload


def test_the_desk_cannot_change_or_remove(desk: Connection) -> None:
    append(desk, "grant_decision", "grant:1", {})
    for statement in (
        "UPDATE ledger.entry SET subject = 'x'",
        "DELETE FROM ledger.entry",
        "TRUNCATE ledger.entry",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), desk.transaction():
            desk.execute(statement)


def test_the_guard_stops_the_owner_too(owner: Connection) -> None:
    for statement in (
        "UPDATE ledger.entry SET subject = 'x'",
        "DELETE FROM ledger.entry",
        "TRUNCATE ledger.entry",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"), owner.transaction():
            owner.execute(statement)


@pytest.mark.parametrize(
    ("forgery", "at", "reason"),
    [
        (
            'UPDATE ledger.entry SET payload = \'{"to": "voided"}\' WHERE entry_id = %s',
            0,
            "fields were changed",
        ),
        (
            "UPDATE ledger.entry SET recorded_at = recorded_at - interval '1 us' WHERE entry_id = %s",
            0,
            "fields",
        ),
        ("DELETE FROM ledger.entry WHERE entry_id = %s", 1, "is missing"),
        (
            "UPDATE ledger.entry SET subject = 'case:9', hash = ledger.entry_hash(entry_id, recorded_at,"
            " kind, 'case:9', payload, previous_hash) WHERE entry_id = %s",
            1,
            "does not follow",
        ),
    ],
)
def test_a_forgery_is_found_where_it_stands(owner: Connection, forgery: str, at: int, reason: str) -> None:
    last = verify(owner)
    assert last.holds
    target = last.entries - 2
    owner.execute("ALTER TABLE ledger.entry DISABLE TRIGGER append_only")
    owner.execute(forgery, (target,))  # type: ignore[arg-type]
    found = verify(owner)
    assert not found.holds
    assert found.breaks[0].entry_id == target + at
    assert any(reason in text for text in found.breaks[0].reasons), found.breaks[0]


def test_writers_at_once_make_one_chain(settings: Settings) -> None:
    def write(writer: int) -> None:
        for number in range(10):
            with connect(settings, DatabaseRole.DESK) as connection:
                append(connection, "race", f"writer:{writer}", {"number": number})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with connect(settings, DatabaseRole.DESK) as connection:
        found = verify(connection)
        written = connection.execute("SELECT count(*) FROM ledger.entry WHERE kind = 'race'").fetchone()
    assert found.holds and written == (40,)
