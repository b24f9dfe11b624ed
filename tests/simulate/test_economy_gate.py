"""The economy's deliveries through landing and gate: what was planted is held, what is sound is loaded."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain.ingest import gate_landed_batches, land_file
from citybrain.lake import download
from citybrain.settings import Settings
from citybrain.simulate import score_quarantine, write_city

from .conftest import settings_of_city

pytestmark = [pytest.mark.integration, pytest.mark.slow]

DIVISIONS = ("division_county", "division_township")
DATASETS = (
    "population_county_year",
    "economy_series",
    "investment_project",
    "major_project",
    "major_project_milestone",
    "major_project_progress",
    "building_permit",
    "herb_market_price_day",
    "herb_planting_year",
    "tcm_output_month",
)


def test_the_gate_holds_what_was_planted_in_the_economy(clean_city: Settings, tmp_path: Path) -> None:
    own = settings_of_city(clean_city, tmp_path / "home", "economy-")
    own = own.model_copy(update={"demo_enterprises": 300})
    report = write_city(own, datetime.now(UTC))
    for sent in report.sent:
        if sent.dataset not in (*DIVISIONS, *DATASETS):
            continue
        path = own.drops / sent.dataset / sent.name
        if sent.dataset == "herb_market_price_day":
            path = tmp_path / sent.name
            download(own, "inbox", f"{sent.dataset}/{sent.name}", path)
        land_file(sent.dataset, path)
    outcomes = gate_landed_batches()
    assert {outcome.state for outcome in outcomes} == {"loaded"}, [
        (outcome.dataset, outcome.reason) for outcome in outcomes if outcome.state != "loaded"
    ]
    score = score_quarantine(own)
    judged = {dataset.dataset: dataset for dataset in score.datasets if dataset.dataset in DATASETS}
    assert judged.keys() == set(DATASETS)
    assert all(dataset.deliveries and not dataset.waiting for dataset in judged.values())
    kinds = [kind for kind in score.kinds if kind.dataset in DATASETS]
    assert [kind for kind in kinds if kind.caught < kind.planted] == []
    assert sum(kind.planted for kind in kinds) > 200
    assert {kind.dataset for kind in kinds} == set(DATASETS)
    assert [dataset for dataset in judged.values() if dataset.good_held] == []
