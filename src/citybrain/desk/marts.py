"""Whether the warehouse has built what a page reads of it; a new city has not."""

from django.db import connection

_STANDING = """
SELECT bool_and(coalesce(has_table_privilege(to_regclass('marts.' || name)::oid, 'SELECT'), false))
FROM unnest(%s::text[]) AS name
"""


def there_are(*marts: str) -> bool:
    """Whether every one of these tables of schema `marts` stands, and is ours to read."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [list(marts)])
        return bool(cursor.fetchone()[0])
