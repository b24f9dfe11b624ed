"""Whether the warehouse has built what a page reads of it; a new city has not."""

from django.db import connection


def there_are(*marts: str) -> bool:
    """Whether every one of these tables of schema `marts` stands."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_and(to_regclass('marts.' || name) IS NOT NULL) FROM unnest(%s) AS name",
            [list(marts)],
        )
        return bool(cursor.fetchone()[0])
