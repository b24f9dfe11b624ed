"""Row security of the desk: who tells nothing sees nothing, nobody sees past organisation or county."""

from collections.abc import Iterator

import psycopg
import pytest

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.row_scope import NOBODY, SYSTEM, RowScope, enter, row_security

ROWS = [("341602001001", 1, 2), ("341621001001", 2, 3), (None, 3, None)]


@pytest.fixture(scope="module")
def table(desk: Settings) -> Iterator[Settings]:
    """A table of `ops` under row security: area, lead and handler."""
    with connect(desk, DatabaseRole.OWNER) as owner:
        owner.execute("CREATE TABLE ops.scope_trial (area text, lead_id bigint, handler_id bigint)")
        owner.execute(row_security("scope_trial", "area", ["lead_id", "handler_id"]))
        enter(owner, SYSTEM)
        owner.cursor().executemany("INSERT INTO ops.scope_trial VALUES (%s, %s, %s)", ROWS)
    yield desk
    with connect(desk, DatabaseRole.OWNER) as owner:
        owner.execute("DROP TABLE ops.scope_trial")


def seen(settings: Settings, scope: RowScope | None, role: DatabaseRole = DatabaseRole.DESK) -> list[int]:
    with connect(settings, role) as connection:
        if scope is not None:
            enter(connection, scope)
        return [row[0] for row in connection.execute("SELECT lead_id FROM ops.scope_trial ORDER BY lead_id")]


@pytest.mark.parametrize(
    ("scope", "rows"),
    [
        (None, []),
        (NOBODY, []),
        (SYSTEM, [1, 2, 3]),
        (RowScope("city"), [1, 2, 3]),
        (RowScope("county", county_code="341602"), [1]),
        (RowScope("county", county_code=""), []),
        (RowScope("organisation", organisation_id=2), [1, 2]),
        (RowScope("organisation", organisation_id=3), [2, 3]),
        (RowScope("organisation"), []),
    ],
)
def test_each_width_sees_its_own(table: Settings, scope: RowScope | None, rows: list[int]) -> None:
    assert seen(table, scope) == rows


def test_the_scope_ends_with_its_transaction(table: Settings) -> None:
    with connect(table, DatabaseRole.DESK) as connection:
        enter(connection, RowScope("city"))
        connection.commit()
        assert connection.execute("SELECT count(*) FROM ops.scope_trial").fetchone() == (0,)


def test_the_owner_is_held_too_and_dbt_reads_all(table: Settings) -> None:
    assert seen(table, None, DatabaseRole.OWNER) == []
    assert seen(table, None, DatabaseRole.TRANSFORMER) == [1, 2, 3]


def test_a_row_cannot_be_written_into_another_county(table: Settings) -> None:
    with connect(table, DatabaseRole.DESK) as connection:
        enter(connection, RowScope("county", county_code="341602"))
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute("INSERT INTO ops.scope_trial VALUES ('341623001001', 9, 9)")
