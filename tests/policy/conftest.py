"""A session of role `matcher` over made-up facts, and the policies of the project over a small city."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from rules_and_rows import create_facts_table

from citybrain.settings import DatabaseRole, Settings


@pytest.fixture(scope="session")
def trial(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """Role `matcher` with a temporary facts table of the made-up facts."""
    with psycopg.connect(settings.dsn(DatabaseRole.MATCHER), autocommit=True) as connection:
        connection.execute("SET search_path = pg_temp, pg_catalog")
        create_facts_table(connection)
        yield connection
