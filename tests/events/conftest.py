"""The desk with the demo city's roles, one company, one community, and a compound of theirs."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fire_lane import COMPANY, COMPOUND, COUNTY, VILLAGE, Spot

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse.row_scope import RowScope, enter
from standing_in import standing_in

_compounds = itertools.count(100)


@pytest.fixture(scope="session")
def city(desk: Settings) -> Iterator[Settings]:
    """A desk with a compound whose company handles its cases; a mart of dbt stands aside meanwhile."""
    columns = (
        "(compound_id text, compound_name text, area_code text, county_code text, community_name text,"
        " property_company_id text, property_company_name text)"
    )
    with standing_in(desk, {"dim_compound": columns}, [DatabaseRole.DESK]) as dbt:
        dbt.execute(
            "INSERT INTO marts.dim_compound VALUES (%s, '合欢苑', %s, %s, %s, %s, %s)",
            (COMPOUND, VILLAGE, COUNTY, "花戏楼社区", COMPANY, "安居物业(示范)"),
        )
        dbt.execute(  # one for each test: a place with many cases is told of
            "INSERT INTO marts.dim_compound SELECT '341602C' || number, '合欢苑', %s, %s, %s, %s, %s"
            " FROM generate_series(100, 998) AS number",
            (VILLAGE, COUNTY, "花戏楼社区", COMPANY, "安居物业(示范)"),
        )
        from citybrain.desk.accounts.sync import sync

        sync(desk)
        yield desk


@pytest.fixture
def people(city: Settings) -> "Callable[[str], Any]":
    """An account of the demo city by its user name."""
    from citybrain.desk.accounts.models import User

    def named(username: str) -> Any:
        return User.objects.select_related("organisation").get(username=username)

    return named


@pytest.fixture
def asked_by(city: Settings) -> "Callable[[Any], Any]":
    """What the desk does around a request: a transaction that knows who asks."""
    from contextlib import contextmanager

    from django.db import connection, transaction

    @contextmanager
    def scope(person: Any) -> Iterator[None]:
        seen = person if isinstance(person, RowScope) else person.row_scope
        with transaction.atomic(), connection.cursor() as cursor:
            enter(cursor, seen)
            yield

    return scope


@pytest.fixture
def spot(city: Settings) -> Spot:
    return Spot(city, f"F{uuid.uuid4().hex[:10]}", place_id=f"341602C{next(_compounds)}")
