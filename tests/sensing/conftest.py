"""The desk's tables and people, and a connection of the sensor."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from standing_in import standing_in

COMPOUNDS = (
    "(compound_id text, compound_name text, area_code text, county_code text, community_name text,"
    " property_company_id text, property_company_name text)"
)


@pytest.fixture(scope="session")
def sensor(desk: Settings) -> Iterator[psycopg.Connection[Any]]:
    with connect(desk, DatabaseRole.SENSOR, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def offices(desk: Settings) -> Iterator[Settings]:
    """The desk with the demo city's departments, so that a case finds who leads it."""
    with standing_in(desk, {"dim_compound": COMPOUNDS}, [DatabaseRole.DESK]):
        from citybrain.desk.accounts.sync import sync

        sync(desk)
        yield desk
