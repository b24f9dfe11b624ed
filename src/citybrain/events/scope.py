"""The platform's own part of a step: it may touch rows that the person who asks may not see."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from citybrain.warehouse.row_scope import RowScope, enter

_SETTINGS = ("citybrain.scope", "citybrain.user", "citybrain.organisation", "citybrain.county")
_READ = "SELECT " + ", ".join(f"coalesce(current_setting('{name}', true), '')" for name in _SETTINGS)
_RESTORE = "SELECT " + ", ".join(f"set_config('{name}', %s, true)" for name in _SETTINGS)


@contextmanager
def as_system(user_id: int | None = None) -> Iterator[None]:
    """A transaction, or a part of one, that sees every row; what held before holds again after it.

    `user_id` is who the part works for: the database takes a step in nobody else's name; None is the
    platform.
    """
    with seen_as(RowScope("system", user_id)):
        yield


@contextmanager
def seen_as(scope: RowScope) -> Iterator[None]:
    """A transaction, or a part of one, under another view; what held before holds again after it."""
    wanted = [
        scope.width,
        *("" if one is None else str(one) for one in (scope.user_id, scope.organisation_id)),
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_READ)
        before = list(cursor.fetchone())
        if before == [*wanted, scope.county_code]:
            yield
            return
        enter(cursor, scope)
        yield
        cursor.execute(_RESTORE, before)
