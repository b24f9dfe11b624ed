"""The desk's tables, and a connection of the sensor."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect


@pytest.fixture(scope="session")
def sensor(desk: Settings) -> Iterator[psycopg.Connection[Any]]:
    with connect(desk, DatabaseRole.SENSOR, autocommit=True) as connection:
        yield connection
