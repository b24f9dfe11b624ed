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


def land_everything(own: Settings, scratch: Path) -> None:
    """Every delivery of the city, each as the file that was sent."""
    for path in sorted(own.drops.rglob("*.*")):
        land_file(path.parent.name, path)
    land_file("air_quality_hour", own.feeds_dir / "air" / "latest.geojson")
    for truth in sorted((own.data_dir / "truth" / "water_stage").iterdir()):
        path = scratch / truth.stem
        download(own, "inbox", f"water_stage/{path.name}", path)
        land_file("water_stage", path)


def test_the_gate_catches_what_was_planted_and_nothing_else(clean_city: Settings, tmp_path: Path) -> None:
    own = settings_of_city(clean_city, tmp_path / "home", "score-")
    report = write_city(own, datetime.now(UTC))
    before = score_quarantine(own)
    assert (before.planted, sum(len(dataset.waiting) for dataset in before.datasets)) == (0, len(report.sent))

    scratch = tmp_path / "inbox"
    scratch.mkdir()
    land_everything(own, scratch)
    outcomes = gate_landed_batches()
    assert {outcome.state for outcome in outcomes} == {"loaded"}, [
        (outcome.dataset, outcome.reason) for outcome in outcomes if outcome.state != "loaded"
    ]
    score = score_quarantine(own)

    assert [dataset.waiting for dataset in score.datasets if dataset.waiting] == []
    assert {(kind.dataset, kind.kind): kind.share for kind in score.kinds if not kind.legal} == {
        (kind.dataset, kind.kind): 1.0 for kind in score.kinds if not kind.legal
    }
    assert score.planted == score.caught > 300
    legal = [kind for kind in score.kinds if kind.legal]
    assert [(kind.kind, kind.caught) for kind in legal] == [("legal_leading_letter", 0)]
    assert legal[0].planted > 10
    assert score.good_held == 0
    good = sum(dataset.good for dataset in score.datasets)
    assert good == report.rows - sum(outcome.rows_quarantined for outcome in outcomes) - twins(own)

    assert refresh_outlines(own) == 4
    assert refresh_outlines(own) == 0
    with psycopg.connect(own.dsn(DatabaseRole.TRANSFORMER)) as connection:
        rows = connection.execute(
            "SELECT area_code, src_crs, jsonb_typeof(geojson_wgs84), area_km2 > 1900"
            " FROM meta.area_outline ORDER BY area_code"
        ).fetchall()
    codes = ["341602", "341621", "341622", "341623"]
    assert rows == [(code, "GCJ-02", "object", True) for code in codes]


def twins(own: Settings) -> int:
    """First copies of rows sent twice: the gate loads them, the score leaves them out of the good rows."""
    lines = b"".join(path.read_bytes() for path in (own.data_dir / "truth").rglob("*.jsonl"))
    return lines.count(b'"kind":"sent_twice"') // 2


def test_nothing_to_draw_before_boundaries_came(clean_city: Settings) -> None:
    assert refresh_outlines(clean_city) == 0
