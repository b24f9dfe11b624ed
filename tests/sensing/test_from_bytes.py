"""A night of two trucks from the bytes a platform hands over, through the gate, to one case."""

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from citybrain.ingest import gate_landed_batches, land_file
from citybrain.sensing.rule_file import load_rule_files
from citybrain.sensing.sweep import sweep_city
from citybrain.settings import DatabaseRole, Settings
from standing_in import standing_in

pytestmark = pytest.mark.integration
CHEAT, HONEST = "MUCK_TRUCK90001", "MUCK_TRUCK90002"
NIGHT = datetime(2026, 3, 2, 2, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
LINE = '{"type": "LineString", "coordinates": [[115.78, 33.85], [115.80, 33.85]]}'
DUMP = '{"type": "Point", "coordinates": [115.80, 33.85]}'
MARTS = {
    "dim_vehicle": "(vehicle_code text, fleet text, company text, plate_masked text, county_code text,"
    " corridor_code text, permitted_from time, permitted_until time, speed_limit_kmh integer)",
    "dim_corridor": "(corridor_code text, corridor_kind text, geojson text)",
}


def track() -> bytes:
    """One truck drives a kilometre north of its corridor and stands there; the other keeps to it by day."""
    rows = []
    for minute in range(30):
        away = min(minute, 10) * 0.001  # degrees of latitude: 111 m a minute
        speed = 7.0 if minute < 10 else 0.0
        rows.append((CHEAT, NIGHT + timedelta(minutes=minute), 115.79, 33.85 + away, speed))
        day = NIGHT + timedelta(hours=8, minutes=minute)
        rows.append((HONEST, day, 115.78 + 0.0006 * minute, 33.85, 40.0))
        if minute < 5:  # a receiver without a sky
            rows.append((HONEST, NIGHT + timedelta(minutes=minute), 0.0, 0.0, 0.0))
    names = ("vehicle_code", "observed_at", "longitude", "latitude", "speed_kmh")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    table = pa.table(
        {**{name: list(values) for name, values in columns.items()}, "engine_on": [True] * len(rows)}
    )
    content = io.BytesIO()
    pq.write_table(table, content)
    return content.getvalue()


@pytest.fixture
def streets(offices: Settings) -> Iterator[Settings]:
    with standing_in(offices, MARTS, [DatabaseRole.SENSOR]) as dbt:
        for code in (CHEAT, HONEST):
            dbt.execute(
                "INSERT INTO marts.dim_vehicle VALUES (%s, '渣土车', '某公司', '皖S·**001', '341602', 'L1',"
                " '09:00', '23:00', 60)",
                (code,),
            )
        dbt.execute(
            "INSERT INTO marts.dim_corridor VALUES ('L1', 'corridor', %s), ('D1', 'dump', %s)", (LINE, DUMP)
        )
        yield offices
    with psycopg.connect(offices.dsn(DatabaseRole.LOADER)) as loader:
        loader.execute("DELETE FROM sensing.track_point")
        loader.execute("DELETE FROM sensing.measured_batch")


@pytest.mark.slow  # the gate's library alone takes seconds to load
def test_a_truck_that_leaves_its_corridor_by_night_is_a_case(streets: Settings, tmp_path: Path) -> None:
    from citybrain.events.intake import take_in
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    path = tmp_path / "night.parquet"
    path.write_bytes(track())
    land_file("vehicle_track", path)
    (outcome,) = gate_landed_batches()
    assert (outcome.rows_loaded, outcome.rows_quarantined) == (60, 5)
    take_in()
    file = load_rule_files(streets)["multi_vehicle_supervision"]
    swept = {one.rule: one for one in sweep_city(streets, [file])}
    told = {(signal.subject, signal.class_code) for one in swept.values() for signal in one.signals}
    assert told == {(CHEAT, name) for name in ("off_corridor", "outside_hours", "unapproved_stop", "silent")}
    assert [one.state for one in sweep_city(streets, [file])] == ["unchanged"] * len(file.rules)
    assert take_in()["opened"] == 1
    with as_system():
        (case,) = Case.objects.filter(scenario="multi_vehicle_supervision", source_id__in=[CHEAT, HONEST])
    assert case.source_id == CHEAT and "某公司" in case.place_name
    assert case.lat is not None and float(case.lat) > 33.85
