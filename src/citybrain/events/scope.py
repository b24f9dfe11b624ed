"""The platform's own part of a step: it may touch rows that the person who asks may not see."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from citybrain.warehouse.row_scope import RowScope, enter

_SETTINGS = ("citybrain.scope", "citybrain.user", "citybrain.organisation", "citybrain.county")


@contextmanager
def as_system(user_id: int | None = None) -> Iterator[None]:
    """A transaction, or a part of one, that sees every row; what held before holds again after it.

    `user_id` is who the part works for: the database takes a step in nobody else's name; None is the
    platform.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(current_setting(name, true), '') FROM unnest(%s::text[]) AS name",
            [list(_SETTINGS)],
        )
        before = [row[0] for row in cursor.fetchall()]
        enter(cursor, RowScope("system", user_id))
        yield
        for name, value in zip(_SETTINGS, before, strict=True):
            cursor.execute("SELECT set_config(%s, %s, true)", [name, value])
