"""A large delivery becomes a table of its own in raw: the same rows, reasons and counts as row by row, and
nothing of it before it is judged."""

import os
import random
from collections.abc import Callable
from datetime import date, timedelta
from importlib import import_module

import psycopg
import pytest
from psycopg import sql

from citybrain.catalogue import load_datasets
from citybrain.ingest import (
    apply_retention,
    decide_held_batch,
    gate_landed_batches,
    land_dataset,
    run_backfill,
    stage,
)
from citybrain.ingest.readers import text_lines
from citybrain.ingest.stage_tables import Staged, drop_stage, stage_table
from citybrain.settings import DatabaseRole, get_settings
from citybrain.warehouse.connection import connect
from citybrain.warehouse.raw_tables import prepare_raw_table
from trial_city import City, assert_accounted_for, credit_code

pytestmark = pytest.mark.integration
HEADER = "统一社会信用代码,名称,人数,资本,成立"
DAY = date(2026, 3, 10)
UNIQUE = "  - {id: once, kind: unique, columns: [uscc], why: {zh: 试, en: Try}, red_above: 0.5}\n"


@pytest.fixture
def own_tables(city: City, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Says whether deliveries become tables of their own, however small; they are copied in short stretches
    then."""

    def choose(own: bool) -> None:
        monkeypatch.setenv("CITYBRAIN_OWN_TABLE_MB", "0" if own else "32")
        get_settings.cache_clear()

    monkeypatch.setattr(stage, "STRETCH", 50)
    monkeypatch.setattr(text_lines, "CHUNK_BYTES", 900)
    monkeypatch.setattr(import_module("citybrain.lake.arriving"), "CHUNK", 900)
    choose(True)
    return choose


def good(number: int) -> str:
    return f"{credit_code(number)},第{number}公司,{number % 90},1.5,2001-02-03"


def dirty(seed: int, rows: int, repeats: bool) -> str:
    """Mostly good rows; what is wrong with others only the pattern sees, only the server, or only a rule."""
    dice = random.Random(seed)
    spoil: list[Callable[[str], str]] = [
        lambda row: row.replace("2001-02-03", "2001-02-30"),
        lambda row: row.replace("2001-02-03", "today"),
        lambda row: row.replace("2001-02-03", "2190-01-01"),
        lambda row: row.replace("1.5", "一点五"),
        lambda row: row.replace("91", "19", 1),
        lambda row: row.replace("公司", "公司,多余"),
        lambda row: row.replace(row.split(",")[1], ""),
        lambda row: "",
        lambda row: ",,,,",
    ]
    lines = []
    for number in range(rows):
        again = repeats and dice.random() < 0.05
        row = good(dice.randrange(number + 1) if again else number)
        lines.append(dice.choice(spoil)(row) if dice.random() < 0.1 else row)
    return "\n".join([HEADER, *lines]) + "\n"


def load(city: City, dataset: str, text: str, day: date = DAY) -> int:
    city.drop(dataset, f"{len(text)}_{day}.csv", text.encode())
    (batch,) = land_dataset(dataset, day).landed
    (outcome,) = gate_landed_batches()
    assert outcome.state == "loaded", outcome
    return batch


def table_of(city: City, batch: int) -> list[str]:
    """The raw tables that the delivery's own table is a part of; empty when it has none."""
    found = city.rows(
        "SELECT inhparent::regclass::text AS parent FROM pg_inherits WHERE inhrelid = to_regclass(%s)",
        f"delivered.batch_{batch}",
    )
    return [row["parent"] for row in found]


def told(city: City, dataset: str, batch: int) -> tuple[list[dict[str, object]], list[object]]:
    """What stands in raw and in the quarantine, but for what differs between two deliveries."""
    rows = city.rows(f"SELECT * FROM raw.{dataset} WHERE _batch_id = %s ORDER BY _line", batch)
    apart = [(row["line"], row["reasons"], row["record"]) for row in city.quarantined(batch)]
    return [{k: v for k, v in row.items() if k not in ("_batch_id", "_loaded_at")} for row in rows], apart


@pytest.mark.parametrize("case", ["no repeats", "repeats", "repeats a rule keeps out", "quotes", "clean"])
def test_both_ways_end_in_the_same(city: City, own_tables: Callable[[bool], None], case: str) -> None:
    found = []
    text = dirty(len(case), 600, "repeats" in case)
    if case == "quotes":
        text = text.replace("第7公司", '"第7公司"')
    elif case == "clean":
        text = "\n".join([HEADER, *map(good, range(300))])
    for dataset, own in (("trial_own", True), ("trial_rows", False)):
        city.add_dataset(dataset)
        if "rule" in case:
            with (city.settings.expectations_dir / f"{dataset}.yml").open("a", encoding="utf-8") as file:
                file.write(UNIQUE)
        own_tables(own)
        batch = load(city, dataset, text)
        assert table_of(city, batch) == ([f"raw.{dataset}"] if own else [])
        assert city.rows(f"SELECT count(*) AS n FROM ONLY raw.{dataset}")[0]["n"] == (
            0 if own else city.batch(batch)["rows_loaded"]
        )
        found.append(told(city, dataset, batch))
    assert found[0] == found[1]
    assert bool(found[0][1]) == (case != "clean")
    assert_accounted_for(city)


def test_rows_that_stand_above_their_stretch_are_asked_too(
    city: City, own_tables: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if COPY put every row into a page that it had before."""
    monkeypatch.setattr(stage, "_pages", lambda connection, staged: 10_000)
    city.add_dataset("trial_own")
    batch = load(city, "trial_own", dirty(3, 600, False))
    monkeypatch.undo()
    city.add_dataset("trial_rows")
    own_tables(False)
    other = load(city, "trial_rows", dirty(3, 600, False))
    assert told(city, "trial_own", batch) == told(city, "trial_rows", other)


def test_many_lines_that_the_server_cannot_read_are_read_with_care(
    city: City, own_tables: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is the delivery's, not each stretch's."""
    monkeypatch.setattr(stage, "MOST_GAPS", 9)
    city.add_dataset("trial_own")
    with connect(city.settings, DatabaseRole.LOADER, autocommit=True) as loader:
        path = city.settings.drops / "many.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [good(n).replace("02-03", "02-30") if n % 20 == 7 else good(n) for n in range(400)]
        path.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
        dataset = load_datasets(city.settings)["trial_own"]
        staged = stage.stage_delivery(loader, dataset, 900_017, path, onlooker=Nobody())
        drop_stage(loader, 900_017)
    assert (staged.plain, staged.rows_in, staged.mistyped, staged.doubtful) == (False, 400, 20, ())


class Nobody:
    """An onlooker that looks at nothing: the delivery is copied in stretches for it."""

    def rows_stand(self, staged: Staged, lines: range, pages: int) -> None: ...
    def all_stand(self, staged: Staged) -> None: ...
    def wait(self) -> None: ...
    def forget(self) -> None: ...


def test_the_loader_has_no_right_in_what_was_taken_in(city: City, own_tables: Callable[[bool], None]) -> None:
    city.add_dataset("trial_own")
    batch = load(city, "trial_own", f"{HEADER}\n{good(1)}\n")
    own = f"delivered.batch_{batch}"
    with connect(city.settings, DatabaseRole.LOADER, autocommit=True) as loader:
        for statement in (
            f"SELECT * FROM {own}",
            f"DELETE FROM {own}",
            f"INSERT INTO {own} (_line) VALUES (9)",
            f"DROP TABLE {own}",
            "DELETE FROM raw.trial_own",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                loader.execute(statement.encode())
        for function in ("raw.take_in(%s)", "stage.make_table(%s, 1)"):
            with pytest.raises(psycopg.errors.NoDataFound):  # it is loaded: nothing is to be taken in
                loader.execute(f"SELECT {function}".encode(), (batch,))
        assert loader.execute("SELECT name FROM raw.trial_own").fetchall() == [("第1公司",)]
    with connect(city.settings, DatabaseRole.TRANSFORMER) as transformer:
        assert transformer.execute("SELECT count(*) FROM raw.trial_own").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            transformer.execute("SELECT raw.take_in(1)")


def test_a_red_card_holds_all_of_it(city: City, own_tables: Callable[[bool], None]) -> None:
    city.add_dataset("trial_own")
    wrong = [good(number).replace("1.5", "一") for number in range(9)]
    city.drop("trial_own", "a.csv", "\n".join([HEADER, *wrong, *map(good, range(20, 30))]).encode())
    (batch,) = land_dataset("trial_own").landed
    (outcome,) = gate_landed_batches()
    assert (outcome.state, city.raw("trial_own"), table_of(city, batch)) == ("held", [], [])
    assert_accounted_for(city)
    assert decide_held_batch(batch, "release", "li").rows_loaded == 10
    assert table_of(city, batch) == ["raw.trial_own"]
    assert_accounted_for(city)


def test_judged_again_it_gains_the_rows_that_are_good_by_now(
    city: City, own_tables: Callable[[bool], None]
) -> None:
    city.add_dataset("trial_own")
    path = city.settings.expectations_dir / "trial_own.yml"
    strict = path.read_text(encoding="utf-8")
    path.write_text(strict.replace("max: 99999", "max: 50"), encoding="utf-8")
    batch = load(city, "trial_own", "\n".join([HEADER, *map(good, range(90))]))
    assert city.batch(batch)["rows_loaded"] == 51
    path.write_text(strict, encoding="utf-8")
    run_backfill("trial_own", DAY, DAY)
    assert city.batch(batch)["rows_loaded"] == 90
    assert [row["_line"] for row in city.raw("trial_own")] == list(range(2, 92))
    assert_accounted_for(city)


def test_a_column_comes_later(city: City, own_tables: Callable[[bool], None]) -> None:
    city.add_dataset("trial_own")
    load(city, "trial_own", f"{HEADER}\n{good(1)}\n")
    path = city.settings.sources_dir / "trial_own.yml"
    more = "  - {name: rank, type: integer, required: false, label: {zh: 级, en: Rank}}\n"
    path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    load(city, "trial_own", f"{HEADER},rank\n{good(2)},7\n", DAY + timedelta(days=1))
    assert [row["rank"] for row in city.raw("trial_own")] == [None, 7]


def test_what_is_over_goes_with_its_table(city: City, own_tables: Callable[[bool], None]) -> None:
    city.add_dataset("trial_own", delivers="increment")
    path = city.settings.sources_dir / "trial_own.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("personal_data: none", "personal_data: high"), encoding="utf-8")
    old = load(city, "trial_own", f"{HEADER}\n{good(1)}\n")
    young = load(city, "trial_own", f"{HEADER}\n{good(2)}\n", DAY + timedelta(days=9000))
    apply_retention(city.settings, DAY + timedelta(days=9000))
    assert [row["_batch_id"] for row in city.raw("trial_own")] == [young]
    assert (table_of(city, old), table_of(city, young)) == ([], ["raw.trial_own"])


def test_it_counts_with_its_raw_table(city: City, own_tables: Callable[[bool], None]) -> None:
    city.add_dataset("trial_own")
    for day in range(2):
        rows = map(good, range(day * 900, day * 900 + 900))
        load(city, "trial_own", "\n".join([HEADER, *rows]), DAY + timedelta(days=day))
    [own] = city.rows(
        "SELECT sum(pg_total_relation_size(inhrelid)) AS bytes FROM pg_inherits"
        " WHERE inhparent = 'raw.trial_own'::regclass"
    )
    [told] = city.rows("SELECT * FROM meta.warehouse_table WHERE table_name = 'trial_own'")
    assert told["rows_estimated"] == 1800
    assert told["bytes"] > own["bytes"] > 0


def test_its_rows_are_found_by_batch_and_line(city: City, own_tables: Callable[[bool], None]) -> None:
    city.add_dataset("trial_own")
    batch = load(city, "trial_own", "\n".join([HEADER, *map(good, range(3))]))
    index = city.rows(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'delivered' AND tablename = %s", f"batch_{batch}"
    )
    assert [row["indexdef"].split(" USING ")[1].split(" WITH")[0] for row in index] == [
        "brin (_batch_id, _line)"
    ]


def test_a_gate_that_goes_away_leaves_nothing_in_raw(
    city: City, own_tables: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between staging and the end: what stands in stage is dropped by the next try."""
    city.add_dataset("trial_own")
    prepare_raw_table(city.settings, load_datasets(city.settings)["trial_own"])
    city.drop("trial_own", "a.csv", "\n".join([HEADER, *map(good, range(200))]).encode())
    (batch,) = land_dataset("trial_own").landed
    with connect(city.settings, DatabaseRole.LOADER, autocommit=True) as loader:
        loader.execute("SELECT stage.make_table(%s, 2)", (batch,))
        loader.execute(
            sql.SQL("INSERT INTO {} (uscc) VALUES ('half')").format(
                sql.Identifier("stage", stage_table(batch))
            )
        )
    assert city.raw("trial_own") == []
    (outcome,) = gate_landed_batches()
    assert (outcome.state, outcome.rows_loaded) == ("loaded", 200)
    assert os.environ["CITYBRAIN_OWN_TABLE_MB"] == "0"
    assert_accounted_for(city)
