"""A red-carded delivery on the running platform: held, reviewed in Airflow, released or refused there."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row
from whole_city import RunningCity

from citybrain.settings import DatabaseRole
from citybrain.stack import airflow

pytestmark = [pytest.mark.slow, pytest.mark.integration]
DATASET = "enterprise_labour_year"
PATIENCE = 240.0  # seconds for one step of Airflow's


@dataclass(frozen=True)
class Delivery:
    """A delivery as the gate left it, and the review Airflow opened for it."""

    batch_id: int
    review: str


def signed_in(city: RunningCity, account: str) -> httpx.Client:
    client = httpx.Client(base_url=city.settings.airflow_url, timeout=30)
    password = city.settings.secret(airflow.ACCOUNTS[account][1])
    answer = client.post("/auth/token", json={"username": account, "password": password}).raise_for_status()
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return client


def query(city: RunningCity, text: str, *values: Any) -> list[dict[str, Any]]:
    with psycopg.connect(city.settings.dsn(DatabaseRole.LOADER), row_factory=dict_row) as connection:
        return connection.execute(text.encode(), values).fetchall()


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:.0f} s"
        time.sleep(1)
    return found


def deliver_and_wait(city: RunningCity, name: str, skip: int) -> Delivery:
    """Drop five rows as they stand in raw, so that no figure changes, and five whose staff is no number."""
    rows = query(
        city,
        "SELECT uscc, year, staff_count, insured_count, layoff_count, arrears_months"
        " FROM raw.enterprise_labour_year WHERE insured_count <= staff_count"
        " ORDER BY _batch_id, _line LIMIT 10 OFFSET %s",
        skip,
    )
    assert len(rows) == 10
    delivered = rows[:5] + [row | {"staff_count": "many"} for row in rows[5:]]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in delivered)
    (city.settings.drops / DATASET / name).write_text(text, encoding="utf-8")

    engineer = signed_in(city, "engineer")
    engineer.post(f"/api/v2/dags/ingest_{DATASET}/dagRuns", json={"logical_date": None}).raise_for_status()

    def held() -> list[dict[str, Any]]:
        return query(city, "SELECT batch_id FROM meta.batch WHERE source_name = %s AND state = 'held'", name)

    (batch,) = wait_for("landing wakes the gate, the gate holds the batch", held)
    review = f"/api/v2/dags/review_held_batch/dagRuns/batch_{batch['batch_id']}"

    def waiting() -> bool:
        instance = engineer.get(f"{review}/taskInstances/decide")
        return instance.is_success and instance.json()["state"] == "awaiting_input"

    wait_for("the review asks", waiting)
    return Delivery(batch["batch_id"], review)


def answer(city: RunningCity, account: str, delivery: Delivery, option: str) -> int:
    return (
        signed_in(city, account)
        .patch(
            f"{delivery.review}/taskInstances/decide/-1/hitlDetails",
            json={"chosen_options": [option], "params_input": {"note": f"{account}: {option}"}},
        )
        .status_code
    )


def wait_until_applied(city: RunningCity, delivery: Delivery) -> dict[str, Any]:
    engineer = signed_in(city, "engineer")

    def ended() -> str | None:
        state = engineer.get(delivery.review).raise_for_status().json()["state"]
        return state if state in ("success", "failed") else None

    assert wait_for("the decision is applied", ended) == "success"
    (batch,) = query(
        city,
        "SELECT state, rows_in, rows_loaded, rows_quarantined, rows_rejected, decision, decided_by, note"
        " FROM meta.batch JOIN meta.batch_decision USING (batch_id) WHERE batch_id = %s",
        delivery.batch_id,
    )
    return batch


def loaded_rows(city: RunningCity, delivery: Delivery) -> int:
    counted = query(
        city, "SELECT count(*) AS n FROM raw.enterprise_labour_year WHERE _batch_id = %s", delivery.batch_id
    )
    return counted[0]["n"]


def test_the_data_engineer_releases_and_nobody_else(running_city: RunningCity) -> None:
    delivery = deliver_and_wait(running_city, "released.jsonl", skip=0)
    detail = (
        signed_in(running_city, "viewer")
        .get(f"{delivery.review}/taskInstances/decide/-1/hitlDetails")
        .raise_for_status()
        .json()
    )
    assert detail["options"] == ["放行", "退回"]
    assert detail["defaults"] in (None, [])
    assert "released.jsonl" in detail["body"]
    assert "从业人数" in detail["body"]
    report = detail["body"].split("](", 1)[1].split(")", 1)[0]
    assert httpx.get(report, timeout=30).status_code == 200, "the link to the quality report leads somewhere"

    assert answer(running_city, "viewer", delivery, "放行") == 403
    assert loaded_rows(running_city, delivery) == 0
    assert answer(running_city, "engineer", delivery, "放行") == 200
    batch = wait_until_applied(running_city, delivery)

    assert (batch["state"], batch["rows_in"]) == ("loaded", 10)
    assert (batch["rows_loaded"], batch["rows_quarantined"], batch["rows_rejected"]) == (5, 5, 0)
    assert (batch["decision"], batch["decided_by"]) == ("release", "engineer")
    assert batch["note"] == "engineer: 放行"
    assert loaded_rows(running_city, delivery) == 5
    assert answer(running_city, "admin", delivery, "退回") == 409, "the first answer stands"


def test_a_refused_delivery_stays_out(running_city: RunningCity) -> None:
    delivery = deliver_and_wait(running_city, "refused.jsonl", skip=20)
    assert answer(running_city, "engineer", delivery, "退回") == 200
    batch = wait_until_applied(running_city, delivery)
    assert (batch["state"], batch["rows_loaded"], batch["rows_rejected"]) == ("refused", 0, 10)
    assert (batch["decision"], batch["decided_by"]) == ("refuse", "engineer")
    assert loaded_rows(running_city, delivery) == 0
