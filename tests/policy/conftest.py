"""A session of role `matcher` over made-up facts, and the policies of the project over a small city."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rules_and_rows import create_facts_table

from bureau import Bureau
from citybrain.settings import SOURCE_TREE, DatabaseRole, Settings


@pytest.fixture(scope="session")
def trial(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """Role `matcher` with a temporary facts table of the made-up facts."""
    with psycopg.connect(settings.dsn(DatabaseRole.MATCHER), autocommit=True) as connection:
        connection.execute("SET search_path = pg_temp, pg_catalog")
        create_facts_table(connection)
        yield connection


@pytest.fixture
def bureau(settings: Settings, tmp_path: Path) -> Iterator[Bureau]:
    """A project with the real facts and no items, empty policy tables, and no facts table yet."""
    project = tmp_path / "project"
    (project / "policies").mkdir(parents=True)
    for name in ("facts.yml", "anomalies.yml"):
        shutil.copy(SOURCE_TREE / "policies" / name, project / "policies")
    own = settings.model_copy(update={"project": project})
    with psycopg.connect(settings.dsn(DatabaseRole.OWNER)) as owner:
        owner.execute(
            "TRUNCATE policy.document_text, policy.item_words, policy.document, policy.item,"
            " policy.item_version, policy.criterion, policy.match_run,"
            " policy.match_run_item, policy.match_row, policy.proposal_row, policy.award, policy.plan,"
            " policy.publication, policy.facts_seen RESTART IDENTITY"
        )
    with psycopg.connect(settings.dsn(DatabaseRole.TRANSFORMER), autocommit=True) as transformer:
        yield Bureau(own, transformer)
        transformer.execute("DROP TABLE IF EXISTS marts.mart_enterprise_facts")
