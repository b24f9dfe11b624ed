"""The quarantine of the running city against the truth the demo city kept: every dataset, every kind."""

import json

import pytest
from whole_city import RunningCity

pytestmark = pytest.mark.integration


def test_the_gate_caught_what_was_planted_and_held_nothing_good(running_city: RunningCity) -> None:
    printed = running_city.citybrain("simulate", "score", "--json")
    assert printed.returncode == 0, printed.stderr
    score = json.loads(printed.stdout)
    judged = [dataset for dataset in score["datasets"] if dataset["deliveries"]]
    assert len(judged) > 65
    assert {kind["dataset"] for kind in score["kinds"]} > {
        "enterprise_register",
        "sensor_reading",
        "hotline_ticket",
    }
    assert score["planted"] > 1_000
    missed = [
        kind for kind in score["kinds"] if kind["planted"] > kind["caught"] and "legal" not in kind["kind"]
    ]
    assert sum(kind["planted"] - kind["caught"] for kind in missed) <= score["planted"] / 100, missed
    assert score["good_rows_held"] <= sum(dataset["good"] for dataset in score["datasets"]) / 1_000
