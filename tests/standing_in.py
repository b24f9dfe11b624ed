"""Marts of a test's own where dbt's would stand; whatever stood there stands aside meanwhile."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from citybrain.settings import DatabaseRole, Settings


@contextmanager
def standing_in(
    settings: Settings, marts: Mapping[str, str], readers: Sequence[DatabaseRole]
) -> Iterator[psycopg.Connection]:
    """Tables of `marts` (name: what follows its name in CREATE TABLE), readable by `readers`; yields a
    connection of dbt's role. One may stand in for another: each restores what it found.
    """
    mark = uuid.uuid4().hex[:8]
    roles = sql.SQL(", ").join(sql.Identifier(role.login) for role in readers)
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER), autocommit=True) as dbt:
        for table, definition in marts.items():
            name, aside = sql.Identifier("marts", table), sql.Identifier(f"{table}_{mark}")
            dbt.execute(sql.SQL("ALTER TABLE IF EXISTS {} RENAME TO {}").format(name, aside))
            dbt.execute(sql.SQL("CREATE TABLE {} {}").format(name, sql.SQL(definition)))
            dbt.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(name, roles))
        try:
            yield dbt
        finally:
            for table in marts:
                name, aside = sql.Identifier("marts", table), sql.Identifier("marts", f"{table}_{mark}")
                dbt.execute(sql.SQL("DROP TABLE {}").format(name))
                dbt.execute(
                    sql.SQL("ALTER TABLE IF EXISTS {} RENAME TO {}").format(aside, sql.Identifier(table))
                )
