"""Devices and rivers through the gate: the planted defects are caught, the good rows pass."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from citybrain.ingest import gate_landed_batches, land_file
from citybrain.lake import download
from citybrain.settings import Settings
from citybrain.simulate import plan, score_quarantine, write_city
from citybrain.simulate.divisions import division_deliveries
from citybrain.simulate.rivers.deliveries import river_deliveries
from citybrain.simulate.sensors import deliveries
from citybrain.simulate.sensors.deliveries import sensor_deliveries
from citybrain.simulate.topics import Topic

from .conftest import settings_of_city

pytestmark = pytest.mark.integration

DROPPED = (
    "device_register",
    "flood_point",
    "monitored_site",
    "water_section_month",
    "river_outlet",
    "gauge_register",
)
INBOX = ("sensor_reading", "sensor_reading_day")


@pytest.mark.slow  # the whole small city goes through the gate in tests/e2e/test_planted.py
def test_the_gate_catches_what_was_planted_among_devices_and_rivers(
    clean_city: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = tuple(map(Topic, (division_deliveries, sensor_deliveries, river_deliveries)))
    monkeypatch.setattr(plan, "TOPICS", topics)
    monkeypatch.setattr(deliveries, "HISTORY", timedelta(days=4))  # kinds of a fixed number fill days fast
    own = settings_of_city(clean_city, tmp_path / "home", "devices-").model_copy(
        update={"demo_enterprises": 400}
    )
    write_city(own, datetime.now(UTC))
    scratch = tmp_path / "inbox"
    scratch.mkdir()
    for dataset in ("division_county", "division_township", "division_village", *DROPPED, *INBOX):
        name = max(path.stem for path in (own.data_dir / "truth" / dataset).iterdir())
        path = own.drops / dataset / name
        if dataset in INBOX:
            path = scratch / name
            download(own, "inbox", f"{dataset}/{name}", path)
        land_file(dataset, path)
    outcomes = gate_landed_batches()
    assert {outcome.state for outcome in outcomes} == {"loaded"}, [
        (outcome.dataset, outcome.reason) for outcome in outcomes if outcome.state != "loaded"
    ]

    score = score_quarantine(own)
    judged = {dataset.dataset for dataset in score.datasets if dataset.deliveries}
    assert judged >= {*DROPPED, *INBOX}
    assert [kind for kind in score.kinds if kind.caught < kind.planted] == []
    planted = {kind.dataset: 0 for kind in score.kinds}
    for kind in score.kinds:
        planted[kind.dataset] += kind.planted
    assert planted["sensor_reading"] > 30
    assert min(planted[name] for name in ("sensor_reading_day", "river_outlet", "water_section_month")) > 0
    assert score.good_held == 0
