"""The street's datasets on their way: sent, landed, gated, and the quarantine held against the truth."""

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain.ingest import gate_landed_batches, land_file
from citybrain.lake import download
from citybrain.settings import Settings
from citybrain.simulate import score_quarantine, write_city
from citybrain.simulate.delivery import SHANGHAI, Place
from citybrain.simulate.ledger import Ledger, read_ledger
from citybrain.simulate.topics import TOPICS, Topic
from citybrain.simulate.urban import urban_deliveries

from .conftest import settings_of_city

pytestmark = pytest.mark.integration

DIVISIONS = ("division_county", "division_township", "division_village")
SMALL = {
    "emergency_team",
    "emergency_shelter",
    "emergency_store",
    "fleet_corridor",
    "fleet_vehicle",
    "parking_lot",
}


def street_topics() -> tuple[Topic, ...]:
    """The street and what its rules refer to."""
    return tuple(
        topic for topic in TOPICS if topic.deliveries.__name__ in ("division_deliveries", "urban_deliveries")
    )


def land_street(own: Settings, now: datetime, scratch: Path) -> set[str]:
    """Everything that was sent, as the files that were sent. Returns the datasets of the street."""
    ledger = read_ledger(own)
    assert ledger is not None
    for dataset in DIVISIONS:
        for path in (own.drops / dataset).iterdir():
            land_file(dataset, path)
    datasets = set()
    fresh = Ledger(seed=ledger.seed, enterprises=ledger.enterprises, started=ledger.started)
    for delivery in urban_deliveries(fresh, now.astimezone(SHANGHAI)):
        datasets.add(delivery.dataset)
        path = own.drops / delivery.path
        if delivery.place is Place.INBOX:
            path = scratch / delivery.name
            download(own, "inbox", delivery.path, path)
        land_file(delivery.dataset, path)
    return datasets


@pytest.mark.slow  # the whole small city goes through the gate in tests/e2e/test_planted.py
def test_the_gate_catches_what_was_planted_on_the_street(
    clean_city: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citybrain.simulate.plan.TOPICS", street_topics())
    own = settings_of_city(clean_city, tmp_path / "home", "street-")
    now = datetime.now(UTC)
    write_city(own, now)
    scratch = tmp_path / "inbox"
    scratch.mkdir()
    datasets = land_street(own, now, scratch)
    assert len(datasets) == 16
    outcomes = gate_landed_batches()
    assert {outcome.state for outcome in outcomes} == {"loaded"}, [
        (outcome.dataset, outcome.reason) for outcome in outcomes if outcome.state != "loaded"
    ]

    score = score_quarantine(own)
    judged = {each.dataset: each for each in score.datasets if each.deliveries}
    assert datasets <= set(judged)
    missed = [
        (kind.dataset, kind.kind, kind.caught, kind.planted)
        for kind in score.kinds
        if kind.caught < kind.planted
    ]
    assert missed == []
    assert {name: each.good_held for name, each in judged.items() if each.good_held} == {}
    planted: dict[str, int] = defaultdict(int)
    for kind in score.kinds:
        planted[kind.dataset] += kind.planted
    assert [name for name in datasets - SMALL if planted[name] == 0] == []
    assert score.planted > 150
