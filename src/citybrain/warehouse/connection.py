"""Connections to the `city` database: one login role each, with a name and with time limits."""

from datetime import timedelta

import psycopg
from psycopg import sql

from citybrain.settings import DatabaseRole, Settings

LOCK_TIMEOUT = timedelta(seconds=60)
CONNECT_TIMEOUT_SECONDS = 15


def connect(
    settings: Settings,
    role: DatabaseRole,
    application: str = "citybrain",
    statement_timeout: timedelta = timedelta(minutes=30),
    autocommit: bool = False,
) -> psycopg.Connection:
    """A connection as `role`. Times are read and shown in Asia/Shanghai, dates as year-month-day only.

    `application` appears in pg_stat_activity (PostgreSQL keeps its first 63 bytes). The server notices
    within seconds when this
    process dies, even in the middle of a statement. Raises psycopg.OperationalError.
    """
    connection = psycopg.connect(
        settings.dsn(role),
        application_name=application,
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        autocommit=True,
    )
    options = {
        "timezone": "Asia/Shanghai",
        "datestyle": "ISO, YMD",
        "statement_timeout": f"{int(statement_timeout.total_seconds() * 1000)}ms",
        "lock_timeout": f"{int(LOCK_TIMEOUT.total_seconds() * 1000)}ms",
        "idle_in_transaction_session_timeout": "10min",
        "client_connection_check_interval": "2s",
    }
    for name, value in options.items():
        connection.execute(sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
    connection.autocommit = autocommit
    return connection
