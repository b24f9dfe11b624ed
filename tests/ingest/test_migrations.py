"""The manifest's own promises: table checks, check characters of credit codes, what each role may not do."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from stdnum.cn import uscc

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse import migrations
from citybrain.warehouse.connection import connect
from citybrain.warehouse.migrations import upgrade
from trial_city import ALPHABET, with_check_character

pytestmark = pytest.mark.integration

BATCH = (
    "INSERT INTO meta.batch (dataset, object_key, sha256, bytes, source_name, source_version, logical_date)"
    " VALUES ('d', 'k', %s, 1, 'n', 'v', '2026-01-01') RETURNING batch_id"
)
SHA = "0" * 64


def test_upgrade_twice_changes_nothing(settings: Settings) -> None:
    upgrade(settings)
    with connect(settings, DatabaseRole.OWNER) as connection:
        assert connection.execute("SELECT count(*) FROM meta.alembic_version").fetchone() == (1,)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (uscc.format("91110000600037341L"), True),
        ("91110000600037341M", False),
        (
            with_check_character("N2341602MA2ABCDEF"),
            True,
        ),  # a farmers' cooperative: the first character is a letter
        (with_check_character("A1341602MA2ABCDEF"), True),
        (with_check_character("91341602MA2ABCDEF").lower(), False),
        ("91341602MA2ABCDEI0", False),  # I is not in the alphabet
        (with_check_character("91341602MA2ABCDEF") + "\n", False),
        ("\\" * 18, False),  # a backslash is not read as an escape
        ("91341602MA2ABC\\101", False),
        ("企" * 6, False),  # eighteen bytes, six characters
        ("é" * 9, False),
        ("", False),
        (None, False),
    ],
)
def test_uscc(settings: Settings, code: str | None, expected: bool) -> None:
    with connect(settings, DatabaseRole.LOADER) as connection:
        assert connection.execute("SELECT meta.uscc_is_valid(meta.uscc_bytes(%s))", (code,)).fetchone() == (
            expected,
        )


def test_uscc_rejects_every_single_character_error(settings: Settings) -> None:
    good = with_check_character("91341602MA2ABCDEF")
    wrong = [good[:i] + other + good[i + 1 :] for i in range(18) for other in ALPHABET if other != good[i]]
    with connect(settings, DatabaseRole.LOADER) as connection:
        (passed,) = connection.execute(
            "SELECT count(*) FROM unnest(%s::text[]) AS code WHERE meta.uscc_is_valid(meta.uscc_bytes(code))",
            (wrong,),
        ).fetchone() or (None,)
    assert len(wrong) == 18 * 30
    assert passed == 0


def test_a_settled_batch_accounts_for_every_row(clean_city: Settings) -> None:
    with connect(clean_city, DatabaseRole.LOADER) as connection:
        (batch,) = connection.execute(BATCH, (SHA,)).fetchone() or (None,)
        with pytest.raises(psycopg.errors.CheckViolation, match="every_row_accounted_for"):
            connection.execute(
                "UPDATE meta.batch SET state = 'loaded', rows_in = 3, rows_loaded = 2, settled_at = now()"
                " WHERE batch_id = %s",
                (batch,),
            )


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (DatabaseRole.LOADER, "DELETE FROM quarantine.rejected_row"),
        (DatabaseRole.LOADER, "UPDATE meta.batch_decision SET note = 'x'"),
        (DatabaseRole.LOADER, "DELETE FROM meta.gate_result"),
        (DatabaseRole.LOADER, "CREATE TABLE raw.mine (x int)"),
        (DatabaseRole.LOADER, "CREATE TABLE public.mine (x int)"),
        (DatabaseRole.TRANSFORMER, "UPDATE meta.batch SET state = 'loaded'"),
        (DatabaseRole.TRANSFORMER, "CREATE TABLE raw.mine (x int)"),
        (DatabaseRole.BI_READER, "SELECT * FROM meta.batch"),
        (DatabaseRole.BI_READER, "SELECT * FROM quarantine.rejected_row"),
        (DatabaseRole.BI_READER, "SELECT meta.uscc_is_valid('x')"),
    ],
)
def test_roles_are_held_to_their_own(settings: Settings, role: DatabaseRole, statement: str) -> None:
    with connect(settings, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(sql.SQL(statement))  # type: ignore[arg-type]


def test_raw_tables_of_an_older_city_give_up_their_unique_index(settings: Settings) -> None:
    [path] = (Path(migrations.__file__).parent / "versions").glob("*_cheap_load.py")
    spec = spec_from_file_location("cheap_load", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    with connect(settings, DatabaseRole.OWNER) as connection:
        for name, key in (("trial_old", "_batch_id, _line"), ("trial_other", "x")):
            connection.execute(
                f"CREATE TABLE raw.{name} (x integer, _batch_id bigint, _line bigint,"
                f" PRIMARY KEY ({key}))".encode()
            )
        connection.execute(module.RAW_INDEXES)
        indexes = connection.execute(
            "SELECT tablename, split_part(indexdef, ' USING ', 2) FROM pg_indexes"
            " WHERE schemaname = 'raw' AND tablename LIKE 'trial\\_o%' ORDER BY 1"
        ).fetchall()
        connection.rollback()
    assert indexes == [
        ("trial_old", "brin (_batch_id, _line) WITH (pages_per_range='32', autosummarize='on')"),
        ("trial_other", "btree (x)"),
    ]
