"""A home built by an older release: the next build brings incremental tables to the new shape by itself."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from citybrain.settings import DatabaseRole, Settings
from citybrain.warehouse import transform
from citybrain.warehouse.dbt_process import target_dir
from citybrain.warehouse.transform import TransformReport, build_warehouse

pytestmark = [pytest.mark.integration, pytest.mark.slow]

REBUILT = "marts.fct_traffic_accident"
KEPT = "marts.fct_gov_service_record"
CASES = (
    "marts.fct_case",
    "marts.fct_case_transition",
    "intermediate.int_case__limit",
    "intermediate.int_case__stage",
)


@pytest.fixture
def release(
    city: Settings, built: TransformReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str, str], None]]:
    """A copy of the project in which a test replaces text, as a release would; the real one follows."""
    shutil.copytree(city.dbt_dir, tmp_path / "dbt_project")
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "sources").symlink_to(city.sources_dir)
    elsewhere = city.model_copy(update={"project": tmp_path})

    def change(path: str, old: str, new: str) -> None:
        file = tmp_path / "dbt_project" / "models" / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    with monkeypatch.context() as patch:
        patch.setattr(transform, "get_settings", lambda: elsewhere)
        yield change
    # dbt compares files by their time of change, and those of the real project are the older ones
    (target_dir(city) / "partial_parse.msgpack").unlink()
    assert build_warehouse().failures == []


def oids(connection: psycopg.Connection, *tables: str) -> list[object]:
    return [connection.execute("SELECT %s::regclass::oid", (table,)).fetchone() for table in tables]


def marks(connection: psycopg.Connection, table: str) -> list[str]:
    rows = connection.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND conname LIKE 'shape%%'", (table,)
    )
    return [name for (name,) in rows]


def test_shapes(
    city: Settings, release: Callable[[str, str, str], None], transformer: psycopg.Connection
) -> None:
    tables = (REBUILT, KEPT, *CASES)
    before = oids(transformer, *tables)
    accidents = transformer.execute(f"SELECT count(*) FROM {REBUILT}").fetchone()
    kept = transformer.execute(f"SELECT count(*) FROM {KEPT}").fetchone()
    names = " ".join(table.split(".")[1] for table in tables)

    # nothing changed: every table stays the one it was
    assert build_warehouse(select=names).failures == []
    assert oids(transformer, *tables) == before
    assert all(len(marks(transformer, table)) == 1 for table in tables)

    # case tables made before tables were marked, with a column fewer
    for table in CASES:
        transformer.execute(f"ALTER TABLE {table} DROP CONSTRAINT {marks(transformer, table)[0]}")
    transformer.execute("ALTER TABLE marts.fct_case DROP COLUMN is_urgent")
    # a column and a rule of the release after; rows of the fact that is kept have left raw meanwhile
    release(
        "marts/core/fct_traffic_accident.sql",
        "        loss_yuan::numeric(18, 4) as loss_yuan,\n",
        "        loss_yuan::numeric(18, 4) as loss_yuan,\n        injured is not null as is_injured_told,\n",
    )
    yml = "marts/core/_core_street.yml"
    text = (city.dbt_dir / "models" / yml).read_text(encoding="utf-8")
    column = text[text.index("- name: loss_yuan") :].split("\n      - name: ")[0]
    added = column.replace("loss_yuan", "is_injured_told").replace("numeric(18, 4)", "boolean")
    added = "\n".join(line for line in added.split("\n") if "constraints:" not in line)
    release(yml, column, f"{column}\n      {added}")
    release(
        "marts/core/_core_services.yml",
        "channel in ('窗口', '网上大厅', '手机端', '自助终端')",
        "channel in ('窗口', '网上大厅', '手机端', '自助终端', '村级代办')",
    )
    with psycopg.connect(city.dsn(DatabaseRole.OWNER), autocommit=True) as owner:
        owner.execute("CREATE TABLE stage.kept_rows AS TABLE raw.gov_service_record")
        owner.execute("DELETE FROM raw.gov_service_record")
        try:
            assert build_warehouse(select=names).failures == []
        finally:
            owner.execute("INSERT INTO raw.gov_service_record TABLE stage.kept_rows")
            owner.execute("DROP TABLE stage.kept_rows")

    after = oids(transformer, *tables)
    assert [old == new for old, new in zip(before, after, strict=True)] == [
        False,
        True,
        False,
        False,
        False,
        False,
    ]
    told = transformer.execute(f"SELECT count(is_injured_told) FROM {REBUILT}").fetchone()
    assert told == accidents  # old rows too
    assert transformer.execute(f"SELECT count(*) FROM {KEPT}").fetchone() == kept != (0,)
    rules = transformer.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'",
        (KEPT,),
    ).fetchall()
    assert any("村级代办" in rule for (rule,) in rules)
    assert transformer.execute("SELECT count(is_urgent) > 0 FROM marts.fct_case").fetchone() == (True,)
    assert build_warehouse(select=names).failures == []
    assert oids(transformer, *tables) == after
