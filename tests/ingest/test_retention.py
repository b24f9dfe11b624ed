"""Data whose time is over: rows, quarantined records and every version of the object go, the rest stays."""

import json
from datetime import date, timedelta

import pytest
from minio import Minio
from typer.testing import CliRunner

from citybrain.catalogue.retention import load_retention
from citybrain.cli import app
from citybrain.ingest import apply_retention, expired_batches, gate_landed_batches, land_dataset, retention
from citybrain.lake import LakeError
from citybrain.settings import Settings
from trial_city import City, credit_code

pytestmark = pytest.mark.integration

HEADER = "统一社会信用代码,名称,人数,资本,成立\n"
TODAY = date(2026, 11, 26)
HIGH = load_retention().classes["high"]
OLD = TODAY - HIGH - timedelta(days=1) if HIGH else TODAY


def add_personal(city: City, dataset: str, delivers: str, personal: str = "high") -> None:
    city.add_dataset(dataset, delivers=delivers)
    file = city.settings.sources_dir / f"{dataset}.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("personal_data: none", f"personal_data: {personal}"), encoding="utf-8")


def content(first: int) -> bytes:
    rows = [f"{credit_code(first + number)},甲公司,1,1,2000-01-01\n" for number in range(10)]
    return (HEADER + "".join([*rows, "9,乙公司,1,1,2000-01-01\n"])).encode()


def deliver(city: City, dataset: str, name: str, first: int, day: date) -> int:
    """One loaded delivery of ten good rows and a bad one that speaks of `day`; its batch."""
    city.drop(dataset, name, content(first))
    land_dataset(dataset, day)
    (outcome,) = gate_landed_batches()
    assert (outcome.state, outcome.rows_quarantined) == ("loaded", 1)
    return outcome.batch_id


def versions(settings: Settings, key: str) -> int:
    access, secret = settings.s3_access
    client = Minio(settings.s3_address, access_key=access, secret_key=secret, secure=False)
    found = client.list_objects(settings.bucket("landing"), prefix=key, include_version=True)
    return sum(1 for _ in found)


def test_only_what_is_over_goes_and_all_of_it(city: City) -> None:
    add_personal(city, "trial_calls", "increment")
    old = deliver(city, "trial_calls", "old.csv", 0, OLD)
    young = deliver(city, "trial_calls", "young.csv", 100, OLD + timedelta(days=2))
    keys = {number: city.batch(number)["object_key"] for number in (old, young)}
    assert [batch.batch_id for batch in expired_batches(city.settings, TODAY)] == [old]

    (gone,) = apply_retention(city.settings, TODAY)
    assert (gone.batch_id, gone.rows) == (old, 11)
    assert {row["_batch_id"] for row in city.raw("trial_calls")} == {young}
    assert (city.quarantined(old), len(city.quarantined(young))) == ([], 1)
    assert (versions(city.settings, keys[old]), versions(city.settings, keys[young])) == (0, 1)
    assert city.batch(old)["object_removed_at"] is not None
    assert apply_retention(city.settings, TODAY) == []

    # The same bytes again: the manifest knows them, and they stay out.
    city.drop("trial_calls", "old.csv", content(0))
    land_dataset("trial_calls", TODAY)
    assert gate_landed_batches() == []


def test_the_newest_snapshot_and_data_without_a_limit_stay(city: City) -> None:
    add_personal(city, "trial_register", "snapshot")
    add_personal(city, "trial_open", "increment", personal="none")
    older = deliver(city, "trial_register", "1.csv", 0, OLD - timedelta(days=9))
    newest = deliver(city, "trial_register", "2.csv", 50, OLD)
    deliver(city, "trial_open", "3.csv", 100, OLD)
    assert [batch.batch_id for batch in apply_retention(city.settings, TODAY)] == [older]
    assert {row["_batch_id"] for row in city.raw("trial_register")} == {newest}
    assert len(city.raw("trial_open")) == 10


def test_a_register_that_came_again_is_the_newest(city: City) -> None:
    add_personal(city, "trial_register", "snapshot")
    first = deliver(city, "trial_register", "1.csv", 0, OLD - timedelta(days=9))
    overtaken = deliver(city, "trial_register", "2.csv", 50, OLD - timedelta(days=5))
    city.drop("trial_register", "1.csv", content(0))
    land_dataset("trial_register", OLD)
    assert [batch.batch_id for batch in apply_retention(city.settings, TODAY)] == [overtaken]
    assert {row["_batch_id"] for row in city.raw("trial_register")} == {first}


def test_a_lake_that_is_away_is_made_up_for(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    add_personal(city, "trial_calls", "increment")
    old = deliver(city, "trial_calls", "old.csv", 0, OLD)

    def away(*_arguments: object) -> int:
        raise LakeError("away")

    with monkeypatch.context() as broken:
        broken.setattr(retention, "remove_all_versions", away)
        with pytest.raises(LakeError):
            apply_retention(city.settings, TODAY)
    assert city.raw("trial_calls") == []
    apply_retention(city.settings, TODAY)
    assert versions(city.settings, city.batch(old)["object_key"]) == 0


def test_the_command_says_what_would_go(city: City) -> None:
    add_personal(city, "trial_calls", "increment")
    old = deliver(city, "trial_calls", "old.csv", 0, date(2001, 1, 1))
    found = json.loads(CliRunner().invoke(app, ["retention", "--dry-run", "--json"]).stdout)
    assert [batch["batch_id"] for batch in found] == [old]
    assert len(city.raw("trial_calls")) == 10
