"""People of every role on a prepared desk; Django is loaded."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bureau import Bureau
from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.row_scope import SYSTEM, enter

Person = Any  # citybrain.desk.accounts.models.User: importable only once Django is loaded
_numbers = itertools.count(1)


@dataclass(frozen=True)
class People:
    """One person a role, and `make` for more."""

    officer: Person
    checker: Person
    treasury: Person
    make: Callable[..., Person]


@pytest.fixture(scope="session")
def nothing_granted(desk: Settings) -> None:
    """No match run and no list of another room's tests."""
    with psycopg.connect(desk.admin_url, dbname="city", autocommit=True) as admin:
        admin.execute("SET session_replication_role = replica")  # histories refuse to be emptied
        tables = admin.execute(
            "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables"
            " WHERE schemaname = 'policy' OR (schemaname = 'ops' AND tablename LIKE 'grant%')"
        ).fetchone()
        assert tables is not None
        admin.execute(f"TRUNCATE {tables[0]} RESTART IDENTITY CASCADE".encode())


@pytest.fixture(scope="session")
def people(desk: Settings, nothing_granted: None) -> People:
    from citybrain.desk.accounts.sync import sync

    sync(desk)

    def make(*roles: str) -> Person:
        from django.contrib.auth.models import Group

        from citybrain.desk.accounts.models import Organisation, User

        number = next(_numbers)
        user = User.objects.create(
            username=f"trial_{number}",
            display_name=f"{'、'.join(roles)} {number}",
            organisation=Organisation.objects.get(code="human_resources"),
        )
        user.groups.set(Group.objects.filter(name__in=roles))
        return user

    return People(make("policy_officer"), make("policy_checker"), make("treasury"), make)


@pytest.fixture
def bureau(desk: Settings, nothing_granted: None, tmp_path: Path) -> Iterator[Bureau]:
    """Item files of human resources that are really published and matched; no facts table yet."""
    project = tmp_path / "project"
    (project / "policies").mkdir(parents=True)
    for name in ("facts.yml", "anomalies.yml"):
        shutil.copy(SOURCE_TREE / "policies" / name, project / "policies")
    own = desk.model_copy(update={"project": project})
    with psycopg.connect(desk.dsn(DatabaseRole.TRANSFORMER), autocommit=True) as transformer:
        yield Bureau(own, transformer, "human_resources")
        transformer.execute("DROP TABLE IF EXISTS marts.mart_enterprise_facts")


@pytest.fixture
def browse(desk: Settings) -> Callable[[Any], Any]:
    """A browser without scripts for a person, or for nobody."""
    from django.test import Client

    def sign_in(person: Any) -> Client:
        client = Client(headers={"host": "127.0.0.1"})
        if person is not None:
            client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


@pytest.fixture
def past_notice(desk: Settings) -> Callable[[int], None]:
    """Moves a list's notice ten days back, as only the owner of the tables can."""

    def move(list_id: int) -> None:
        with connect(desk, DatabaseRole.OWNER) as owner:
            enter(owner, SYSTEM)
            owner.execute(
                "UPDATE ops.grant_notice SET opened_at = opened_at - interval '10 days',"
                " closes_at = least(closes_at - interval '10 days', now()) WHERE list_id = %s",
                (list_id,),
            )

    return move
