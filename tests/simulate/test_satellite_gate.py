"""Scenes, hot spots, lines and pictures through the gate: planted rows stay out, good rows come in."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from citybrain.ingest import gate_landed_batches, land_file
from citybrain.lake import download
from citybrain.settings import DatabaseRole, Settings
from citybrain.simulate import city as city_module
from citybrain.simulate import plan as plan_module
from citybrain.simulate import score_quarantine, write_city
from citybrain.simulate.satellite.scenes import SWAPPED, WRONG_ZONE, scenes
from citybrain.simulate.topics import TOPICS

from .conftest import settings_of_city

pytestmark = pytest.mark.integration
DATASETS = ("satellite_scene", "satellite_hotspot", "management_line", "drone_picture")


@pytest.mark.slow  # the whole small city goes through the gate in tests/e2e/test_planted.py
def test_what_was_planted_stays_out(
    clean_city: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = settings_of_city(clean_city, tmp_path / "home", "above-")
    above = tuple(topic for topic in TOPICS if ".satellite." in topic.deliveries.__module__)
    for module in (city_module, plan_module):
        monkeypatch.setattr(module, "TOPICS", above)
    now = datetime.now(UTC)
    sent = write_city(own, now).sent
    assert {delivery.dataset for delivery in sent} == set(DATASETS)

    taken = {scene.place: scene.scene_id for scene in scenes(now, now)}
    wrong = [taken[SWAPPED], taken[WRONG_ZONE]]
    wanted = [*(f"{name}{again}.tif" for name in wrong for again in ("", "_r2")), f"{taken['T1QC', 7]}.tif"]
    for delivery in sent:
        if delivery.dataset == "satellite_scene" and delivery.name not in wanted:
            continue
        path = own.drops / delivery.dataset / delivery.name
        if not path.exists():
            path = tmp_path / delivery.name
            download(own, "inbox", f"{delivery.dataset}/{delivery.name}", path)
        land_file(delivery.dataset, path)
    whole = (tmp_path / wanted[-1]).read_bytes()
    for name, content in {"cut.tif": whole[:90_000], "photo.tif": b"\xff\xd8\xff\xe0" + whole}.items():
        (tmp_path / name).write_bytes(content)
        land_file("satellite_scene", tmp_path / name)

    outcomes = gate_landed_batches()
    rejected = [outcome.reason or "" for outcome in outcomes if outcome.state == "rejected"]
    assert len(rejected) == 2
    assert "cut off" in rejected[0]
    assert "not a TIFF" in rejected[1]
    assert {outcome.state for outcome in outcomes} == {"loaded", "rejected"}, outcomes

    score = score_quarantine(own)
    assert [kind for kind in score.kinds if kind.caught < kind.planted] == []
    assert {kind.kind for kind in score.kinds} >= {
        *("bands_swapped", "wrong_utm_zone", "line_for_polygon", "hash_cut_short", "position_swapped"),
        *("brightness_impossible", "confidence_unknown", "position_missing", "time_unreadable", "sent_twice"),
    }
    assert score.good_held == 0
    good = {dataset.dataset: dataset.good for dataset in score.datasets}
    assert (good["satellite_scene"], good["management_line"], good["drone_picture"]) == (3, 8, 11)
    with psycopg.connect(own.dsn(DatabaseRole.TRANSFORMER)) as connection:
        rows = connection.execute(
            "SELECT scene_id, west, ndvi_mean > 0, object_key FROM raw.satellite_scene"
            " JOIN meta.batch ON _batch_id = batch_id ORDER BY 1"
        ).fetchall()
    assert [row[0] for row in rows] == sorted([*wrong, taken["T1QC", 7]])
    assert all(115 < west < 117 and is_green for _, west, is_green, _ in rows)
    assert all(key.endswith(".tif") for *_, key in rows)
