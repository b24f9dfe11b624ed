"""The whole way of the demo city's rows: sent, landed, gated, and the quarantine held against the truth."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from citybrain.ingest import gate_landed_batches, land_file
from citybrain.lake import download
from citybrain.settings import DatabaseRole, Settings
from citybrain.simulate import score_quarantine, write_city
from citybrain.warehouse.outline import refresh_outlines

from .conftest import settings_of_city

pytestmark = pytest.mark.integration


LANDED = (
    "county_boundary",
    "division_county",
    "division_village",
    "enterprise_register",
    "enterprise_tax_year",
    "enterprise_labour_year",
    "air_quality_hour",
    "water_stage",
)


def land_newest(own: Settings, scratch: Path) -> None:
    """The newest delivery of each dataset, as the file that was sent."""
    for dataset in LANDED:
        name = max(path.stem for path in (own.data_dir / "truth" / dataset).iterdir())
        if dataset == "water_stage":
            path = scratch / name
            download(own, "inbox", f"water_stage/{name}", path)
        elif dataset == "air_quality_hour":
            path = own.feeds_dir / "air" / "latest.geojson"
        else:
            path = own.drops / dataset / name
        land_file(dataset, path)


def test_the_gate_catches_what_was_planted_and_nothing_else(clean_city: Settings, tmp_path: Path) -> None:
    own = settings_of_city(clean_city, tmp_path / "home", "score-")
    report = write_city(own, datetime.now(UTC))
    before = score_quarantine(own)
    assert (before.planted, sum(len(dataset.waiting) for dataset in before.datasets)) == (0, len(report.sent))

    scratch = tmp_path / "inbox"
    scratch.mkdir()
    land_newest(own, scratch)
    outcomes = gate_landed_batches()
    assert {outcome.state for outcome in outcomes} == {"loaded"}, [
        (outcome.dataset, outcome.reason) for outcome in outcomes if outcome.state != "loaded"
    ]
    score = score_quarantine(own)

    judged = {dataset.dataset: dataset for dataset in score.datasets if dataset.deliveries}
    assert set(judged) == set(LANDED)
    assert judged["enterprise_tax_year"].waiting == sorted(judged["enterprise_tax_year"].waiting)[:2]
    missed = [kind for kind in score.kinds if not kind.legal and kind.caught < kind.planted]
    assert missed == []
    assert score.planted > 100
    legal = [kind for kind in score.kinds if kind.legal]
    assert [(kind.kind, kind.caught) for kind in legal] == [("legal_leading_letter", 0)]
    assert legal[0].planted > 10
    assert score.good_held == 0
    loaded = sum(outcome.rows_loaded for outcome in outcomes)
    twins = sum(kind.planted for kind in score.kinds if kind.kind == "sent_twice")
    assert sum(dataset.good for dataset in score.datasets) == loaded - twins  # of a pair the gate loads one

    assert refresh_outlines(own) == 4
    assert refresh_outlines(own) == 0
    with psycopg.connect(own.dsn(DatabaseRole.TRANSFORMER)) as connection:
        rows = connection.execute(
            "SELECT area_code, src_crs, jsonb_typeof(geojson_wgs84), area_km2 > 1900"
            " FROM meta.area_outline ORDER BY area_code"
        ).fetchall()
    codes = ["341602", "341621", "341622", "341623"]
    assert rows == [(code, "GCJ-02", "object", True) for code in codes]


def test_nothing_to_draw_before_boundaries_came(clean_city: Settings) -> None:
    assert refresh_outlines(clean_city) == 0
