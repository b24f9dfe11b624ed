"""The databases and their roles, from nothing, on the embedded or on an outside PostgreSQL."""

import psycopg
from psycopg import sql

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.roles import (
    Connection,
    MissingRightsError,
    create_schemas,
    password_statements,
    role_statements,
)

DATABASES = {
    "city": DatabaseRole.OWNER,
    "airflow": DatabaseRole.AIRFLOW,
    "superset": DatabaseRole.SUPERSET,
    "exchange": DatabaseRole.EXCHANGE,
}
CITY_ROLES = (
    DatabaseRole.LOADER,
    DatabaseRole.TRANSFORMER,
    DatabaseRole.BI_READER,
    DatabaseRole.DESK,
    DatabaseRole.MATCHER,
    DatabaseRole.WATCHER,
    DatabaseRole.SENSOR,
    DatabaseRole.PUBLISHER,
)


def prepare(settings: Settings) -> None:
    """Create what is missing: login and scope roles, the databases, schemas and grants.

    Needs a role with CREATEROLE and CREATEDB only when something is missing. Raises MissingRightsError
    with the SQL to run
    when the connecting role may not create it. Running it again changes nothing.
    """
    with psycopg.connect(settings.admin_url, autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(hashtext('citybrain set-up'))")
        statements = (
            role_statements(admin, settings)
            + _database_statements(admin)
            + password_statements(admin, settings)
        )
        _require_rights(admin, statements)
        for statement in statements:
            admin.execute(statement)
    _close_to_others(settings)
    create_schemas(settings)


def _database_statements(admin: Connection) -> list[sql.Composed]:
    present = {row[0] for row in admin.execute("SELECT datname FROM pg_database")}
    statements: list[sql.Composed] = []
    for database, owner in DATABASES.items():
        if database in present:
            continue
        name, role = sql.Identifier(database), sql.Identifier(owner.login)
        # Only a member of the owning role may give a database to it; a superuser is one of every role
        # already.
        statements.append(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
        statements.append(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'").format(name, role)
        )
    return statements


def _require_rights(admin: Connection, statements: list[sql.Composed]) -> None:
    """Raise MissingRightsError when `statements` need rights the connected role lacks."""
    row = admin.execute(
        "SELECT current_user, rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if row is None or row[1] or not statements:
        return
    role, _, may_create_role, may_create_database = row
    missing = [
        right
        for right, held in (("CREATEROLE", may_create_role), ("CREATEDB", may_create_database))
        if not held
    ]
    if missing:
        raise MissingRightsError(str(role), missing, (f"{line.as_string(admin)};" for line in statements))


def _close_to_others(settings: Settings) -> None:
    """Let only the platform's own roles connect to its databases; each owner closes its own."""
    for database, owner in DATABASES.items():
        name = sql.Identifier(database)
        with psycopg.connect(settings.dsn(owner)) as connection:
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
            if database == "exchange":
                _let_read(connection, name)
            if database != "city":
                continue
            for role in CITY_ROLES:
                connection.execute(
                    sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
                        name, sql.Identifier(role.login)
                    )
                )
            # Business days are Asia/Shanghai's, whatever zone the server runs in.
            connection.execute(sql.SQL("ALTER DATABASE {} SET timezone TO 'Asia/Shanghai'").format(name))


def _let_read(connection: Connection, database: sql.Identifier) -> None:
    """The platform may enter the exchange and read what departments put there, now and later."""
    reader = sql.Identifier(DatabaseRole.EXCHANGE_READER.login)
    for statement in (
        "GRANT CONNECT ON DATABASE {database} TO {reader}",
        "ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO {reader}",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {reader}",
    ):
        connection.execute(sql.SQL(statement).format(database=database, reader=reader))
