"""Roles of the warehouse: the login roles, the scope roles of row-level security, and what each may touch.

Roles belong to the whole server, so the admin connection makes them; grants inside `city` are made by the
roles that own the schemas.
Everything here may run again at any time.
"""

from collections.abc import Iterable, Sequence

import psycopg
from psycopg import sql

from citybrain.settings import DatabaseRole, Settings

Connection = psycopg.Connection[tuple[object, ...]]

COUNTIES = ("341602", "341621", "341622", "341623")  # the four counties of Bozhou, GB/T 2260
SCOPE_ROLES = ("citybrain_scope_city", *(f"citybrain_scope_{county}" for county in COUNTIES))

# Who sees the rows of every county, and whether with the right to read every mart or only those a model's
# `read_by` names.
READS_WHOLE_CITY = {
    DatabaseRole.BI_READER: True,
    DatabaseRole.PUBLISHER: True,
    DatabaseRole.DESK: False,
    DatabaseRole.MATCHER: False,
    DatabaseRole.WATCHER: False,
    DatabaseRole.SENSOR: False,
}

OWNER_SCHEMAS = ("meta", "raw", "quarantine", "stage")
SERVICE_SCHEMAS = (
    "ops",
    "policy",
    "vision",
    "sensing",
    "ledger",
    "published",
)  # who may enter which is said by the migrations
TRANSFORMER_SCHEMAS = ("staging", "intermediate", "marts_build", "marts", "snapshots")

_GENERATED = 43  # characters of a secret that `Settings.secret` made
_HAS_ROUNDS = 160000  # the first PostgreSQL with `scram_iterations`


class MissingRightsError(RuntimeError):
    """The connecting role may not create what is missing. The text holds the SQL a database administrator
    has to run.
    """

    def __init__(self, role: str, missing: Sequence[str], statements: Iterable[str]) -> None:
        self.statements = tuple(statements)
        super().__init__(
            f"the role {role} of CITYBRAIN_DATABASE_URL lacks {' and '.join(missing)}. Give it these rights,"
            " or let an administrator run this SQL (passwords are SCRAM verifiers), then start again:\n\n"
            + "\n".join(self.statements)
        )


def role_statements(connection: Connection, settings: Settings) -> list[sql.Composed]:
    """The statements that create roles which are missing, on the server of `connection`. Empty when all
    are there.
    """
    present = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    statements: list[sql.Composed] = [
        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
            sql.Identifier(role.login), sql.Literal(password_verifier(connection, settings, role))
        )
        for role in DatabaseRole
        if role.login not in present
    ]
    statements += [
        sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name))
        for name in SCOPE_ROLES
        if name not in present
    ]
    members = {
        row[0]
        for row in connection.execute(
            "SELECT u.rolname FROM pg_auth_members m"
            " JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles u ON u.oid = m.member"
            " WHERE r.rolname = 'citybrain_scope_city'"
        )
    }
    statements += [
        sql.SQL("GRANT citybrain_scope_city TO {} WITH INHERIT {option}, SET {option}").format(
            sql.Identifier(role.login), option=sql.SQL("TRUE" if inherits else "FALSE")
        )
        for role, inherits in READS_WHOLE_CITY.items()
        if role.login not in members
    ]
    return statements


def password_statements(connection: Connection, settings: Settings) -> list[sql.Composed]:
    """The statements that set the passwords of roles which exist but refuse the password of `settings`."""
    return [
        sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
            sql.Identifier(role.login), sql.Literal(password_verifier(connection, settings, role))
        )
        for role in DatabaseRole
        if _refuses_password(settings, role)
    ]


def password_verifier(connection: Connection, settings: Settings, role: DatabaseRole) -> str:
    """The SCRAM verifier of a role's password: what the server keeps, so no password stands in its log or
    in our SQL.

    Rounds make guessing slow, and each connection by 4 ms. Nobody guesses a generated secret, however quick
    each guess: it gets one round. A short one that somebody chose gets the server's number of them.
    """
    password = settings.secret(f"{role.value}_password").encode()
    one_round = len(password) >= _GENERATED and connection.info.server_version >= _HAS_ROUNDS
    if one_round:
        connection.execute("SET scram_iterations = 1")
    verifier = connection.pgconn.encrypt_password(password, role.login.encode(), b"scram-sha-256").decode()
    if one_round:
        connection.execute("RESET scram_iterations")
    return verifier


def _refuses_password(settings: Settings, role: DatabaseRole) -> bool:
    try:
        psycopg.connect(settings.dsn(role), connect_timeout=5).close()
    except psycopg.OperationalError as error:
        return "password authentication failed" in str(error)
    return False


def create_schemas(settings: Settings) -> None:
    """Create the schemas of `city` and say who may enter them. Rights on single tables are the migrations'
    and dbt's.

    The owner and the transformer do it themselves: default privileges hold for what the role that set them
    creates.
    """
    loader, transformer, bi_reader = (
        sql.Identifier(role.login)
        for role in (DatabaseRole.LOADER, DatabaseRole.TRANSFORMER, DatabaseRole.BI_READER)
    )
    with psycopg.connect(settings.dsn(DatabaseRole.OWNER)) as connection:
        _lock(connection)
        for name in OWNER_SCHEMAS:
            schema = sql.Identifier(name)
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, loader))
            if name != "stage":
                connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, transformer))
        for name in SERVICE_SCHEMAS:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("GRANT CREATE ON SCHEMA stage TO {}").format(loader))
        connection.execute(sql.SQL("GRANT CREATE ON DATABASE city TO {}").format(transformer))
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER)) as connection:
        _lock(connection)
        for name in TRANSFORMER_SCHEMAS:
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(name)))
        for reader in (*(role.login for role in READS_WHOLE_CITY), *SCOPE_ROLES):
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA marts TO {}").format(sql.Identifier(reader)))
        for statement in (
            "GRANT SELECT ON ALL TABLES IN SCHEMA marts TO {}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA marts GRANT SELECT ON TABLES TO {}",
        ):
            connection.execute(sql.SQL(statement).format(bi_reader))


def _lock(connection: Connection) -> None:
    """Let one set-up run at a time: two that create one schema at once would both see it missing."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('citybrain set-up'))")
