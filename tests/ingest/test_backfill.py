"""Past logical dates gone over again: rules that changed, batches that were held, days asked for anew."""

import json
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import psycopg
import pytest
from typer.testing import CliRunner

from citybrain.cli import app
from citybrain.ingest import (
    decide_held_batch,
    gate_landed_batches,
    land_dataset,
    plan_backfill,
    quarantine_of,
    run_backfill,
)
from citybrain.ingest.landing import today
from citybrain.settings import DatabaseRole
from citybrain.warehouse.connection import connect
from citybrain.warehouse.refresh_need import LOADED
from trial_city import City, assert_accounted_for, credit_code

pytestmark = pytest.mark.integration
HEADER = "统一社会信用代码,名称,人数,资本,成立\n"
DAY = date(2026, 3, 10)


def lines(*staff: str) -> bytes:
    rows = [
        f"{credit_code(number)},第{number}公司,{text},1.5,2001-02-03\n" for number, text in enumerate(staff)
    ]
    return (HEADER + "".join(rows)).encode()


def deliver(city: City, content: bytes, day: date = DAY, name: str = "a.csv") -> int:
    city.drop("trial_back", name, content)
    (batch,) = land_dataset("trial_back", day).landed
    return batch


def allow_staff(city: City, highest: int) -> None:
    path = city.settings.expectations_dir / "trial_back.yml"
    text = path.read_text(encoding="utf-8")
    before, after = text.split("column: staff, min: 0, max: ")
    path.write_text(
        f"{before}column: staff, min: 0, max: {highest},{after.split(',', 1)[1]}", encoding="utf-8"
    )


@pytest.fixture
def trial(city: City) -> City:
    city.add_dataset("trial_back", delivers="increment")
    return city


def test_quarantined_rows_get_another_chance(trial: City) -> None:
    allow_staff(trial, 100)
    batch = deliver(trial, lines("1", "200", "3", "x", "300", *["7"] * 10))
    gate_landed_batches()
    assert (trial.batch(batch)["rows_loaded"], trial.batch(batch)["rows_quarantined"]) == (12, 3)
    before = trial.raw("trial_back")
    news = trial.rows(LOADED)

    allow_staff(trial, 250)
    (step,) = plan_backfill("trial_back", DAY, DAY)
    assert (step.kind, step.batch_id, step.state, step.rows_quarantined) == ("judge", batch, "loaded", 3)
    assert trial.batch(batch)["rows_quarantined"] == 3  # a plan changes nothing
    (outcome,) = run_backfill("trial_back", DAY, DAY).outcomes
    assert (outcome.rows_loaded, outcome.rows_quarantined) == (13, 2)
    after = trial.raw("trial_back")
    assert [row["staff"] for row in after] == [1, 200, 3, *[7] * 10]
    assert [row for row in after if row["_line"] != 3] == before
    assert len(trial.rows("SELECT * FROM quarantine.past_row")) == 3
    assert [row["line"] for row in trial.quarantined(batch)] == [5, 6]
    assert quarantine_of("trial_back").rows == 2
    assert trial.rows(LOADED) != news  # something to build from
    assert_accounted_for(trial)

    allow_staff(trial, 0)  # stricter than ever: what was loaded stays
    (outcome,) = run_backfill("trial_back", DAY, DAY).outcomes
    assert (outcome.rows_loaded, outcome.rows_quarantined) == (13, 2)
    assert trial.raw("trial_back") == after
    revision = trial.batch(batch)["revision"]
    run_backfill("trial_back", DAY, DAY)
    assert trial.batch(batch)["revision"] == revision == 1
    assert_accounted_for(trial)


def test_a_key_that_is_loaded_already_stays_single(trial: City) -> None:
    allow_staff(trial, 100)
    code = credit_code(1)
    batch = deliver(trial, (HEADER + f"{code},甲,200,1,2001-01-01\n{code},甲,50,1,2001-01-01\n").encode())
    gate_landed_batches()
    assert [row["staff"] for row in trial.raw("trial_back")] == [50]
    allow_staff(trial, 250)
    run_backfill("trial_back", DAY, DAY)
    assert [row["staff"] for row in trial.raw("trial_back")] == [50]
    (row,) = trial.quarantined(batch)
    assert "主键已入库" in row["reasons"][0]
    assert row["record"]["staff"] == "200"
    assert_accounted_for(trial)


def test_held_and_rejected_batches_go_through_the_gate_again(trial: City) -> None:
    allow_staff(trial, 100)
    held = deliver(trial, lines("200", "300", "1"))
    refused = deliver(trial, lines("400", "500", "1"), name="b.csv")
    outside = deliver(trial, lines("600", "700", "1"), DAY + timedelta(days=1), "c.csv")
    rejected = deliver(trial, "别的,表头\n1,2\n".encode(), name="d.csv")
    gate_landed_batches()
    decide_held_batch(refused, "refuse", "tester")
    states = {row["batch_id"]: row["state"] for row in trial.rows("SELECT * FROM meta.batch")}
    assert states == {held: "held", refused: "refused", outside: "held", rejected: "rejected"}
    waiting = deliver(trial, lines("5"), name="e.csv")

    allow_staff(trial, 1000)
    report = run_backfill("trial_back", DAY, DAY)
    assert report.failures == {}
    states = {row["batch_id"]: row["state"] for row in trial.rows("SELECT * FROM meta.batch")}
    assert states == {
        held: "loaded",
        refused: "refused",
        outside: "held",
        rejected: "rejected",
        waiting: "loaded",
    }
    assert {outcome.batch_id for outcome in report.outcomes} == {held, rejected, waiting}
    assert_accounted_for(trial)


def test_what_breaks_down_leaves_the_rest(trial: City) -> None:
    allow_staff(trial, 100)
    loaded = deliver(trial, lines("1", "2", "3", "200"))
    gate_landed_batches()
    waiting = deliver(trial, lines("4"), name="b.csv")
    rules = trial.settings.expectations_dir / "trial_back.yml"
    text = rules.read_text(encoding="utf-8")
    rules.unlink()
    report = run_backfill("trial_back", DAY, DAY)
    assert set(report.failures) == {f"batch {loaded}", f"batch {waiting}"}
    assert trial.batch(loaded)["state"] == "loaded"
    assert trial.batch(loaded)["claimed_by"] is None
    rules.write_text(text, encoding="utf-8")
    assert run_backfill("trial_back", DAY, DAY).failures == {}
    assert_accounted_for(trial)


def test_a_kill_in_between_is_made_up_for(trial: City, monkeypatch: pytest.MonkeyPatch) -> None:
    allow_staff(trial, 100)
    batch = deliver(trial, lines("1", "200"))
    gate_landed_batches()
    allow_staff(trial, 250)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("citybrain.ingest.settle._write_results", die)
        with pytest.raises(KeyboardInterrupt):
            run_backfill("trial_back", DAY, DAY)
    assert (trial.batch(batch)["rows_loaded"], len(trial.raw("trial_back"))) == (0, 0) or (
        trial.batch(batch)["rows_loaded"] == len(trial.raw("trial_back"))
    )
    run_backfill("trial_back", DAY, DAY)
    assert [row["staff"] for row in trial.raw("trial_back")] == [1, 200]
    assert_accounted_for(trial)


def test_the_loader_may_set_aside_and_not_delete(trial: City) -> None:
    with connect(trial.settings, DatabaseRole.LOADER) as loader:
        loader.execute("SELECT quarantine.set_aside(0)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            loader.execute("DELETE FROM quarantine.past_row")
    with (
        connect(trial.settings, DatabaseRole.TRANSFORMER) as other,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        other.execute("SELECT quarantine.set_aside(0)")


def test_a_window_must_be_one_that_was(trial: City) -> None:
    with pytest.raises(ValueError, match="before it begins"):
        plan_backfill("trial_back", DAY, DAY - timedelta(days=1))
    with pytest.raises(ValueError, match="still to come"):
        plan_backfill("trial_back", DAY, today() + timedelta(days=1))


@pytest.mark.parametrize("room", ["ingest", "reading", "simulate"])
def test_a_room_gives_no_module_under_a_name_of_its_own(room: str) -> None:
    """Names that are found when asked for: a module of the same name would hide one once it is imported."""
    package = import_module(f"citybrain.{room}")
    modules = {module.name for module in iter_modules(package.__path__)}
    assert not modules & set(package.__all__)


def test_the_command_says_what_it_would_do_and_does_it(trial: City, tmp_path: Path) -> None:
    allow_staff(trial, 100)
    deliver(trial, lines("1", "200"))
    gate_landed_batches()
    allow_staff(trial, 250)
    runner = CliRunner()
    asked = ["backfill", "trial_back", "--from", "2026-03-01", "--to", "2026-03-31"]
    (step,) = json.loads(runner.invoke(app, [*asked, "--dry-run", "--json"]).stdout)
    assert (step["kind"], step["logical_date"]) == ("judge", "2026-03-10")
    assert "补数计划" in runner.invoke(app, [*asked, "--dry-run"]).stdout
    result = runner.invoke(app, [*asked, "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert [outcome["rows_loaded"] for outcome in report["outcomes"]] == [2]
    assert runner.invoke(app, ["backfill", "nothing", *asked[2:]]).exit_code == 2
    assert runner.invoke(app, [*asked[:2], "--from", "2026-04-01", "--to", "2026-03-01"]).exit_code == 2
