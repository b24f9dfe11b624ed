"""A small city of its own for each test: datasets, their expectations, and a drop folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from citybrain.settings import DatabaseRole, Settings, get_settings
from citybrain.warehouse.connection import connect

SOURCE = """\
id: {id}
code: 2026UN9001
title: {{zh: 试验数据, en: Trial data}}
description: One row per firm, for tests.
owner: market_regulation
family: government
origin: synthetic
source_note: written by the tests
personal_data: none
connector: {connector}
format: {format}
delivers: {delivers}
key: [uscc]
ignored_headers: [备注]
geometry_column: {geometry}
columns:
  - {{name: uscc, type: text, headers: [统一社会信用代码, uscc], label: {{zh: 信用代码, en: Credit code}}}}
  - {{name: name, type: text, headers: [名称, name], label: {{zh: 名称, en: Name}}}}
  - {{name: staff, type: integer, headers: [人数, staff], label: {{zh: 人数, en: Staff}}}}
  - {{name: capital, type: numeric, headers: [资本, capital], label: {{zh: 资本, en: Capital}}}}
  - {{name: opened_on, type: date, headers: [成立, opened_on], label: {{zh: 成立, en: Opened on}}}}
  - {{name: place, type: text, required: false, label: {{zh: 位置, en: Place}}}}
"""

EXPECTATIONS = """\
dataset: {id}
owner: market_regulation
runbook: 联系报送部门重新导出。
rules:
  - {{id: code, kind: valid_uscc, column: uscc, why: {{zh: 试验, en: Trial}}, red_above: 0.5}}
  - {{id: named, kind: not_null, column: name, why: {{zh: 试验, en: Trial}}, red_above: 0.5}}
  - {{id: staff, kind: between, column: staff, min: 0, max: 99999, why: {{zh: 试, en: Try}}, red_above: 0.5}}
  - {{id: opened, kind: not_in_future, column: opened_on, why: {{zh: 试验, en: Trial}}, red_above: 0.5}}
"""


@dataclass(frozen=True)
class City:
    """Settings over the trial project, with short ways to look at the result."""

    settings: Settings
    owner: psycopg.Connection

    def add_dataset(
        self,
        dataset: str,
        kind: str = "csv",
        options: str = "",
        delivers: str = "snapshot",
        connector: str = "",
        geometry: str = "null",
    ) -> None:
        connector = connector or f"{{kind: drop_folder, path: {dataset}}}"
        text = SOURCE.format(
            id=dataset,
            connector=connector,
            format=f"{{kind: {kind}{options}}}",
            delivers=delivers,
            geometry=geometry,
        )
        (self.settings.sources_dir / f"{dataset}.yml").write_text(text, encoding="utf-8")
        (self.settings.expectations_dir / f"{dataset}.yml").write_text(
            EXPECTATIONS.format(id=dataset), encoding="utf-8"
        )

    def drop(self, dataset: str, name: str, content: bytes) -> Path:
        folder = self.settings.drops / dataset
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_bytes(content)
        return path

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        cursor: psycopg.Cursor[dict[str, Any]] = self.owner.cursor(row_factory=dict_row)
        return cursor.execute(sql.SQL(query), parameters or None).fetchall()  # type: ignore[arg-type]

    def batch(self, batch_id: int) -> dict[str, Any]:
        (row,) = self.rows("SELECT * FROM meta.batch WHERE batch_id = %s", batch_id)
        return row

    def raw(self, dataset: str) -> list[dict[str, Any]]:
        return self.rows(f"SELECT * FROM raw.{dataset} ORDER BY _batch_id, _line")

    def quarantined(self, batch_id: int) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM quarantine.rejected_row WHERE batch_id = %s ORDER BY line", batch_id)


def assert_accounted_for(city: City) -> None:
    """Each row of each settled object is loaded, quarantined with reasons, or rejected; no stage stays."""
    for batch in city.rows("SELECT * FROM meta.batch"):
        exists = city.rows("SELECT to_regclass(%s) AS found", f"raw.{batch['dataset']}")[0]["found"]
        raw = (
            city.rows(
                f"SELECT count(*) AS n FROM raw.{batch['dataset']} WHERE _batch_id = %s", batch["batch_id"]
            )[0]["n"]
            if exists
            else 0
        )
        kept_out = city.quarantined(batch["batch_id"])
        assert raw == batch["rows_loaded"], batch
        assert len(kept_out) == batch["rows_quarantined"], batch
        assert all(row["reasons"] for row in kept_out), batch
        if batch["state"] in ("loaded", "refused", "rejected"):
            settled = batch["rows_loaded"] + batch["rows_quarantined"] + batch["rows_rejected"]
            assert batch["rows_in"] == settled, batch
        assert batch["claimed_by"] is None or batch["state"] == "landed", batch
    assert city.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'stage'") == []


def drop_tables_of_batches(owner: psycopg.Connection) -> None:
    """Large deliveries, and what a gate that was killed has left in stage."""
    tables = owner.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('delivered', 'stage')"
    ).fetchall()
    for schema, table in tables:
        owner.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(schema, table)))


def wipe(settings: Settings) -> None:
    """Empty the manifest, the quarantine and the raw tables, for fixtures that outlive one test."""
    with connect(settings, DatabaseRole.OWNER) as connection:
        drop_tables_of_batches(connection)
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname IN ('meta', 'raw', 'quarantine') AND tablename <> 'alembic_version'"
        ).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(schema, table) for schema, table in tables)
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))


@contextmanager
def trial_city(settings: Settings, folder: Path) -> Iterator[City]:
    """An empty trial project over the session's servers, for `get_settings()` here and in child processes."""
    project = folder / "project"
    (project / "dags" / "sources").mkdir(parents=True)
    (project / "expectations").mkdir()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CITYBRAIN_PROJECT", str(project))
        environment.setenv("CITYBRAIN_DROP_FOLDER", str(folder / "drop"))
        get_settings.cache_clear()
        with connect(settings, DatabaseRole.OWNER) as connection:
            tables = connection.execute(
                "SELECT schemaname, tablename FROM pg_tables"
                " WHERE schemaname = 'raw' AND tablename LIKE 'trial%'"
            ).fetchall()
            for schema, table in tables:
                connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(schema, table)))
        with connect(settings, DatabaseRole.OWNER, autocommit=True) as owner:
            yield City(get_settings(), owner)
    get_settings.cache_clear()


@pytest.fixture
def city(clean_city: Settings, tmp_path: Path) -> Iterator[City]:
    with trial_city(clean_city, tmp_path) as trial:
        yield trial


ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def with_check_character(first17: str) -> str:
    """A valid credit code from its first 17 characters (GB 32100-2015)."""
    total = sum(ALPHABET.index(character) * pow(3, i, 31) for i, character in enumerate(first17))
    return first17 + ALPHABET[-total % 31]


def credit_code(number: int) -> str:
    """One valid credit code for each number below ten million."""
    return with_check_character(f"91341602MA{number:07d}")
