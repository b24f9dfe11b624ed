"""Data work orders: opened by the delivery that breaks a rule, closed by the one that keeps it."""

import json

import pytest
from typer.testing import CliRunner

from citybrain.cli import app
from citybrain.ingest import data_orders, decide_held_batch, gate_landed_batches, land_dataset
from trial_city import City, credit_code

pytestmark = pytest.mark.integration

HEADER = "统一社会信用代码,名称,人数,资本,成立\n"


def deliver(city: City, name: str, rows: list[str]) -> str:
    """Land and gate one delivery; the state it ended in."""
    city.drop("trial_firms", name, (HEADER + "".join(rows)).encode())
    land_dataset("trial_firms")
    (outcome,) = gate_landed_batches()
    return outcome.state


def good(count: int, first: int = 0) -> list[str]:
    return [f"{credit_code(first + number)},甲公司,1,1,2000-01-01\n" for number in range(count)]


def broken() -> dict[str, tuple[str, int | None]]:
    return {order.rule_id: (order.card, order.unexpected_rows) for order in data_orders()}


def test_an_order_stands_until_a_delivery_keeps_the_rule(city: City) -> None:
    city.add_dataset("trial_firms")
    deliver(city, "1.csv", [*good(20), "91110000600037341M,乙公司,3,1,2001-01-01\n"])
    (first,) = data_orders()
    assert (first.rule_id, first.card, first.unexpected_rows, first.owner) == (
        "code",
        "yellow",
        1,
        "市场监督管理局",
    )

    wrong = ["91110000600037341M,乙公司,3,1,2001-01-01\n", "91110000600037341A,丙公司,3,1,2001-01-01\n"]
    deliver(city, "2.csv", [*good(20, 100), *wrong])
    (kept_up,) = data_orders()
    assert (kept_up.data_order_id, kept_up.unexpected_rows) == (first.data_order_id, 2)
    assert kept_up.last_batch > first.last_batch

    deliver(city, "3.csv", good(20, 200))
    assert data_orders() == []
    (closed,) = data_orders(with_closed=True)
    assert closed.closed_at is not None and closed.closed_at >= closed.opened_at

    deliver(city, "4.csv", [*good(20, 300), wrong[0]])
    assert [order.data_order_id > first.data_order_id for order in data_orders()] == [True]


def test_a_delivery_that_cannot_be_used_is_an_order_until_one_can(city: City) -> None:
    city.add_dataset("trial_firms")
    assert deliver(city, "1.csv", []) == "rejected"
    assert broken() == {"delivery": ("red", 0)}
    assert deliver(city, "2.csv", good(5)) == "loaded"
    assert broken() == {}


def test_a_release_keeps_the_order_open(city: City) -> None:
    city.add_dataset("trial_firms")
    rows = [*good(2), *(f"9111000060003734{letter},乙公司,3,1,2001-01-01\n" for letter in "1ABCDE")]
    assert deliver(city, "1.csv", rows) == "held"
    before = broken()
    assert before["code"][0] == "red"
    (batch,) = city.rows("SELECT batch_id FROM meta.batch")
    decide_held_batch(batch["batch_id"], "release", "tester", "known")
    assert broken() == before


def test_the_command_lists_a_departments_orders(city: City) -> None:
    city.add_dataset("trial_firms")
    deliver(city, "1.csv", [*good(20), "91110000600037341M,乙公司,3,1,2001-01-01\n"])
    run = CliRunner().invoke
    found = json.loads(run(app, ["orders", "--department", "market_regulation", "--json"]).stdout)
    assert [(order["dataset"], order["rule_id"]) for order in found] == [("trial_firms", "code")]
    assert json.loads(run(app, ["orders", "--department", "taxation", "--json"]).stdout) == []
    assert "nobody" in run(app, ["orders", "--department", "nobody"]).output
