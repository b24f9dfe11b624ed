"""Attacks on row security with real logins: one for each county, one for the city, one without any scope."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from dbt_city import GUOYANG, LIXIN, LOADED_LATER, MENGCHENG, QIAOCHENG
from psycopg import sql

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.transform import TransformReport, build_warehouse

pytestmark = pytest.mark.integration

COUNTIES = (QIAOCHENG, GUOYANG, MENGCHENG, LIXIN)
PASSWORD = "only-for-this-test"
Login = Callable[[str], psycopg.Connection]


def _admin(settings: Settings) -> psycopg.Connection:
    return psycopg.connect(settings.admin_url, dbname="city", autocommit=True)


@pytest.fixture(scope="module")
def logins(city: Settings, built: TransformReport) -> Iterator[Login]:
    """Opens a session as `test_<scope>`: a county code, city, or none (selects from marts, no scope)."""
    scopes = (*COUNTIES, "city", "none")
    with _admin(city) as admin, ExitStack() as sessions:
        for scope in scopes:
            name = sql.Identifier(f"test_{scope}")
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(PASSWORD)))
            admin.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE city TO {}").format(name))
            if scope == "none":
                admin.execute(sql.SQL("GRANT USAGE ON SCHEMA marts TO {}").format(name))
                admin.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA marts TO {}").format(name))
            else:
                admin.execute(
                    sql.SQL("GRANT {} TO {}").format(sql.Identifier(f"citybrain_scope_{scope}"), name)
                )

        def login(scope: str) -> psycopg.Connection:
            server = urlsplit(city.dsn(DatabaseRole.BI_READER))
            dsn = f"postgresql://test_{scope}:{quote(PASSWORD)}@{server.hostname}:{server.port}/city"
            return sessions.enter_context(psycopg.connect(dsn, autocommit=True))

        yield login
        sessions.close()
        for scope in scopes:
            name = sql.Identifier(f"test_{scope}")
            admin.execute(sql.SQL("DROP OWNED BY {}").format(name))
            admin.execute(sql.SQL("DROP ROLE {}").format(name))


def served(connection: psycopg.Connection) -> dict[str, bool]:
    """Every table of schema marts, and whether its rows belong to counties."""
    found = connection.execute(
        "SELECT c.relname, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname"
        " = 'county_code')"
        " FROM pg_class c WHERE c.relnamespace = 'marts'::regnamespace AND c.relkind = 'r'"
    ).fetchall()
    return dict(found)


def count(connection: psycopg.Connection, table: str, where: str = "true") -> int:
    row = connection.execute(
        sql.SQL("SELECT count(*) FROM {} WHERE " + where).format(sql.Identifier("marts", table))  # type: ignore[arg-type]
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_county_reads_its_own_rows_of_every_table(logins: Login, transformer: psycopg.Connection) -> None:
    tables = served(transformer)
    assert len(tables) >= 17
    for county in COUNTIES:
        session = logins(county)
        for table, by_county in tables.items():
            own = f"county_code = '{county}'" if by_county else "true"
            assert count(session, table) == count(transformer, table, own), f"{county} in {table}"
    assert (
        count(logins(QIAOCHENG), "dim_area")
        == count(transformer, "dim_area", f"county_code = '{QIAOCHENG}'")
        > 0
    )


def test_the_city_reads_everything(logins: Login, transformer: psycopg.Connection) -> None:
    session = logins("city")
    counts = {table: count(session, table) for table in served(transformer)}
    assert counts == {table: count(transformer, table) for table in counts}
    assert {table for table, rows in counts.items() if rows == 0} <= LOADED_LATER


def test_the_dashboards_login_reads_everything_and_writes_nothing(
    city: Settings, built: TransformReport, transformer: psycopg.Connection
) -> None:
    with psycopg.connect(city.dsn(DatabaseRole.BI_READER), autocommit=True) as reader:
        for table in served(transformer):
            assert count(reader, table) == count(transformer, table), table
        for statement in (
            "DELETE FROM marts.dim_area",
            "UPDATE marts.dim_area SET name = ''",
            "TRUNCATE marts.mart_air_quality",
            "ALTER TABLE marts.dim_area DISABLE ROW LEVEL SECURITY",
            "CREATE TABLE marts.mine (a int)",
            "SELECT * FROM marts_build.mart_air_quality",
            "SELECT * FROM staging.stg_market_regulation__enterprise",
            "SELECT * FROM raw.enterprise_register",
            "SELECT * FROM snapshots.snap_enterprise_register",
            "SELECT * FROM meta.transform_run",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement)  # type: ignore[arg-type]  # literals above


def test_without_a_scope_nothing_shows(logins: Login, transformer: psycopg.Connection) -> None:
    session = logins("none")
    for table in served(transformer):
        assert count(session, table) == 0, table


def test_a_county_cannot_talk_its_way_out(logins: Login) -> None:
    session = logins(GUOYANG)
    for statement in (
        "SET ROLE citybrain_scope_city",
        "SET ROLE citybrain_transformer",
        f"SET ROLE citybrain_scope_{QIAOCHENG}",
        "SET SESSION AUTHORIZATION citybrain_bi_reader",
        f"GRANT citybrain_scope_{QIAOCHENG} TO test_{GUOYANG}",
        "ALTER POLICY read_in_scope ON marts.dim_enterprise USING (true)",
        "CREATE VIEW marts.mine AS SELECT * FROM marts.dim_enterprise",
        "SELECT * FROM marts_build.mart_air_quality",
    ):
        with pytest.raises(psycopg.Error):
            session.execute(statement)  # type: ignore[arg-type]  # literals above
    session.execute("SET row_security = off")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("SELECT count(*) FROM marts.dim_enterprise")


def test_a_function_in_the_where_clause_sees_no_hidden_row(logins: Login) -> None:
    session = logins(GUOYANG)
    seen: list[str] = []
    session.add_notice_handler(lambda notice: seen.append(str(notice.message_primary)))
    session.execute(
        "CREATE FUNCTION pg_temp.peek(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001"
        " AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$"
    )
    session.execute("SELECT uscc FROM marts.dim_enterprise WHERE pg_temp.peek(county_code)")
    assert seen
    assert set(seen) == {GUOYANG}


def test_the_owner_is_held_to_row_security_too(transformer: psycopg.Connection) -> None:
    with transformer.transaction(force_rollback=True):
        transformer.execute("DROP POLICY built_by ON marts.dim_enterprise")
        assert count(transformer, "dim_enterprise") == 0


def test_a_view_of_the_project_keeps_the_reader_in_scope(
    logins: Login, city: Settings, transformer: psycopg.Connection
) -> None:
    """The staging views carry security_invoker; such a view in marts shows a county its own rows only."""
    views = transformer.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relkind = 'v'"
        " AND NOT coalesce(reloptions::text ~ 'security_invoker=true', false)"
    ).fetchall()
    assert views == []
    transformer.execute(
        "CREATE VIEW marts.firms WITH (security_invoker = true) AS SELECT * FROM marts.dim_enterprise"
    )
    transformer.execute(f"GRANT SELECT ON marts.firms TO citybrain_scope_{GUOYANG}")
    try:
        assert count(logins(GUOYANG), "firms", f"county_code <> '{GUOYANG}'") == 0
        assert count(logins(GUOYANG), "firms") == 1
    finally:
        transformer.execute("DROP VIEW marts.firms")


def test_a_build_ends_red_while_anything_in_marts_is_open(
    logins: Login, transformer: psycopg.Connection
) -> None:
    transformer.execute("CREATE VIEW marts.leak AS SELECT * FROM marts.dim_enterprise")
    transformer.execute("CREATE TABLE marts.unlocked AS SELECT 1 AS one")
    transformer.execute(f"GRANT SELECT ON marts.leak TO citybrain_scope_{GUOYANG}")
    try:
        assert (
            count(logins(GUOYANG), "leak", f"county_code <> '{GUOYANG}'") > 0
        )  # what the check is there for
        failures = " ".join(build_warehouse(select="dim_calendar").failures)
    finally:
        transformer.execute("DROP VIEW marts.leak")
        transformer.execute("DROP TABLE marts.unlocked")
    assert "marts.leak is a view without security_invoker" in failures
    assert "marts.unlocked is a table without forced row security" in failures


def test_the_matcher_reads_the_facts_of_every_county_and_no_other_mart(
    city: Settings, built: TransformReport, transformer: psycopg.Connection
) -> None:
    with psycopg.connect(city.dsn(DatabaseRole.MATCHER), autocommit=True) as matcher:
        facts = "mart_enterprise_facts"
        assert count(matcher, facts) == count(transformer, facts) > 0
        for table in ("dim_enterprise", "mart_enterprise_attention"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                count(matcher, table)
