"""Databases and roles: idempotent, least privilege, and the SQL for people without the rights."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from citybrain.settings import DatabaseRole, Settings
from citybrain.stack import postgres
from citybrain.warehouse.databases import prepare
from citybrain.warehouse.migrations import upgrade
from citybrain.warehouse.roles import SCOPE_ROLES, MissingRightsError, password_verifier

pytestmark = pytest.mark.integration
MakeSettings = Callable[..., Settings]

RIGHTS = """
SELECT 'schema ' || nspname, nspacl::text FROM pg_namespace WHERE nspname !~ '^pg_'
UNION ALL SELECT concat('table ', relnamespace::regnamespace, '.', relname), relacl::text FROM pg_class
    WHERE relkind IN ('r', 'v') AND relnamespace::regnamespace::text IN ('meta', 'raw', 'quarantine', 'marts')
UNION ALL SELECT concat('default ', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype),
    defaclacl::text FROM pg_default_acl
UNION ALL SELECT 'database ' || datname, datacl::text FROM pg_database WHERE datname = current_database()
ORDER BY 1
"""


def rights(settings: Settings) -> list[tuple[str, str]]:
    with psycopg.connect(settings.dsn(DatabaseRole.OWNER)) as connection:
        return connection.execute(RIGHTS).fetchall()


@pytest.fixture
def outside(own_settings: MakeSettings) -> Iterator[Settings]:
    """A second server with a role `clerk` that may log in and nothing else; yields the server's own
    settings.
    """
    settings = own_settings()
    server = postgres.start(settings, {"fsync": "off"})
    try:
        with psycopg.connect(settings.admin_url, autocommit=True) as admin:
            admin.execute("CREATE ROLE clerk LOGIN PASSWORD 'clerk'")
        yield settings
    finally:
        postgres.stop(server)


def test_preparing_again_changes_no_right(settings: Settings) -> None:
    before = rights(settings)
    prepare(settings)
    upgrade(settings)
    assert rights(settings) == before


def test_only_a_generated_password_does_without_rounds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(settings.admin_url) as admin:
        for role in DatabaseRole:
            assert password_verifier(admin, settings, role).startswith("SCRAM-SHA-256$1:")
        monkeypatch.setenv("CITYBRAIN_LOADER_PASSWORD", "one that somebody chose")
        assert password_verifier(admin, settings, DatabaseRole.LOADER).startswith("SCRAM-SHA-256$4096:")


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (DatabaseRole.LOADER, "CREATE TABLE raw.mine (a int)"),
        (DatabaseRole.LOADER, "DELETE FROM meta.batch"),
        (DatabaseRole.LOADER, "DELETE FROM quarantine.rejected_row"),
        (DatabaseRole.LOADER, "CREATE TABLE marts.mine (a int)"),
        (DatabaseRole.TRANSFORMER, "INSERT INTO meta.batch_decision VALUES (1, 'release', 'x')"),
        (DatabaseRole.TRANSFORMER, "CREATE TABLE meta.mine (a int)"),
        (DatabaseRole.BI_READER, "SELECT * FROM meta.batch"),
        (DatabaseRole.BI_READER, "CREATE TABLE marts.mine (a int)"),
        (DatabaseRole.OWNER, "CREATE ROLE mine"),
    ],
)
def test_a_role_may_not_do_anothers_work(settings: Settings, role: DatabaseRole, statement: str) -> None:
    with (
        psycopg.connect(settings.dsn(role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_a_role_of_one_database_may_not_enter_another(settings: Settings) -> None:
    city = settings.dsn(DatabaseRole.SUPERSET).removesuffix("/superset") + "/city"
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(city)


def test_without_rights_the_sql_is_printed_and_works(outside: Settings, own_settings: MakeSettings) -> None:
    port = outside.postgres_port
    settings = own_settings(database_url=f"postgresql://clerk:clerk@127.0.0.1:{port}/postgres")
    with pytest.raises(MissingRightsError) as refused:
        prepare(settings)
    text = str(refused.value)
    assert "CITYBRAIN_DATABASE_URL" in text
    assert "CREATEROLE and CREATEDB" in text
    assert 'CREATE DATABASE "city"' in text
    for role in DatabaseRole:
        assert settings.secret(f"{role.value}_password") not in text

    with psycopg.connect(outside.admin_url, autocommit=True) as admin:
        for statement in refused.value.statements:
            admin.execute(statement.encode())
    prepare(settings)
    for role in DatabaseRole:
        psycopg.connect(settings.dsn(role)).close()


def test_an_outside_server_is_prepared_by_a_role_that_is_no_superuser(
    outside: Settings, own_settings: MakeSettings
) -> None:
    with psycopg.connect(outside.admin_url, autocommit=True) as admin:
        admin.execute("ALTER ROLE clerk CREATEDB CREATEROLE")
    port = outside.postgres_port
    settings = own_settings(database_url=f"postgresql://clerk:clerk@127.0.0.1:{port}/postgres")
    prepare(settings)
    upgrade(settings)
    prepare(settings)
    with psycopg.connect(settings.dsn(DatabaseRole.LOADER)) as connection:
        assert connection.execute("SELECT count(*) FROM meta.batch").fetchone() == (0,)
        assert connection.execute("SHOW timezone").fetchone() == ("Asia/Shanghai",)
    with psycopg.connect(outside.admin_url) as admin:
        names = {
            row[0] for row in admin.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '^citybrain_'")
        }
    assert names == {role.login for role in DatabaseRole} | set(SCOPE_ROLES)


def test_a_changed_password_is_set_again(outside: Settings, own_settings: MakeSettings) -> None:
    prepare(outside)
    with psycopg.connect(outside.admin_url, autocommit=True) as admin:
        login = sql.Identifier(DatabaseRole.LOADER.login)
        admin.execute(sql.SQL("ALTER ROLE {} PASSWORD 'another'").format(login))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(outside.dsn(DatabaseRole.LOADER))
    prepare(outside)
    psycopg.connect(outside.dsn(DatabaseRole.LOADER)).close()
