"""What the demo city sends, when, and that it sends the same again from the same seed."""

import csv
import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from citybrain.catalogue import load_datasets
from citybrain.catalogue.mqtt_topic import MqttTopic
from citybrain.lake import download, list_objects
from citybrain.settings import SOURCE_TREE, Settings
from citybrain.simulate import CityReport, SimulationError, plan_city, read_ledger, write_city

from .conftest import STARTED, WrittenCity, settings_of_city
from .deliveries import Row, read_rows, truth_of

pytestmark = pytest.mark.integration


@dataclass(frozen=True)
class Advanced:
    settings: Settings
    reports: list[CityReport]
    feeds: list[list[Row]]


def fingerprint(settings: Settings, scratch: Path) -> dict[str, str]:
    """The hash of every file dropped, served or kept as truth, and of every object of the inbox."""
    hashes = {}
    for root in (settings.drops, settings.feeds_dir, settings.data_dir / "truth"):
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.name not in (".lock", "ledger.json"):
                hashes[str(path.relative_to(settings.home))] = hashlib.sha256(path.read_bytes()).hexdigest()
    for place, stored in enumerate(list_objects(settings, "inbox", "")):
        hashes[stored.key] = download(settings, "inbox", stored.key, scratch / str(place)).sha256
    return hashes


def test_another_seed_gives_other_firms(city: WrittenCity, settings: Settings, tmp_path: Path) -> None:
    other = settings_of_city(settings, tmp_path, "other-").model_copy(update={"demo_seed": 7})
    names = {delivery.name: delivery for delivery in plan_city(other, STARTED)}
    content, _, _ = names["enterprise_register_20260318.csv"].make()
    sent = (city.settings.drops / "enterprise_register" / "enterprise_register_20260318.csv").read_bytes()
    assert content != sent


def test_every_active_dataset_is_sent_with_the_columns_its_file_names(city: WrittenCity) -> None:
    datasets = load_datasets(Settings(project=SOURCE_TREE))
    sent = {delivery.dataset for delivery in city.report.sent}
    assert sent == {
        name
        for name, dataset in datasets.items()
        if dataset.enabled and not isinstance(dataset.connector, MqttTopic)  # devices publish on their own
    }
    for name in sent:
        rows = read_rows(city.settings, name)
        assert rows, name
        owners = {
            header: column.name for column in datasets[name].columns for header in column.accepted_headers
        }
        headers = set(rows[0]) - set(datasets[name].ignored_headers)
        assert headers <= set(owners)
        assert {owners[header] for header in headers} == {column.name for column in datasets[name].columns}


def test_divisions_are_complete(city: WrittenCity) -> None:
    counts = {
        name: len(read_rows(city.settings, name))
        for name in ("division_county", "division_township", "division_village", "county_boundary")
    }
    assert counts == {
        "division_county": 4,
        "division_township": 96,
        "division_village": 1360,
        "county_boundary": 4,
    }
    townships = {row["code"] for row in read_rows(city.settings, "division_township")}
    assert {row["streetCode"] for row in read_rows(city.settings, "division_village")} == townships


def test_the_report_counts_what_is_in_the_files(city: WrittenCity) -> None:
    for dataset in {delivery.dataset for delivery in city.report.sent}:
        group = [delivery for delivery in city.report.sent if delivery.dataset == dataset]
        assert sum(delivery.rows for delivery in group) == len(read_rows(city.settings, dataset))
        truth = [
            planted
            for planted in truth_of(city.settings, dataset)
            if not planted["kind"].startswith("legal_")
        ]
        assert sum(delivery.planted for delivery in group) == len(truth)


def test_the_second_call_for_the_same_time_sends_nothing(city: WrittenCity, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    before = fingerprint(city.settings, tmp_path / "a")
    assert write_city(city.settings, STARTED).sent == []
    assert fingerprint(city.settings, tmp_path / "b") == before


@pytest.fixture(scope="module")
def advanced(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Advanced:
    """A city written at the start, nine hours later and a day later, with what the feed held each time."""
    own = settings_of_city(settings, tmp_path_factory.mktemp("advanced"), "advanced-")
    own = own.model_copy(update={"demo_enterprises": 8_000})
    reports, feeds = [], []
    for hours in (0, 9, 24):
        reports.append(write_city(own, STARTED + timedelta(hours=hours)))
        feeds.append(read_rows(own, "air_quality_hour"))
    return Advanced(own, reports, feeds)


def test_later_calls_send_only_what_is_new(advanced: Advanced) -> None:
    assert [{(sent.dataset, sent.name) for sent in report.sent} for report in advanced.reports[1:]] == [
        {
            ("air_quality_hour", "latest_20260318T19.geojson"),
            ("hotline_ticket", "hotline_ticket_20260318T1007_20260318T1907.jsonl"),
            ("water_stage", "water_stage_20260318T1005_20260318T1905.parquet"),
            ("satellite_hotspot", "viirs_20260317_20260317.csv"),
            ("sensor_reading", "sensor_reading_20260318T0800_20260318T1900.parquet"),
            ("road_section_index", "road_section_index_20260318T10_20260318T18.parquet"),
            ("parking_lot_hour", "parking_lot_hour_20260318T10_20260318T18.parquet"),
            ("vehicle_track", "vehicle_track_20260318T1007_20260318T1907.parquet"),
        },
        {
            ("enterprise_register", "enterprise_register_20260319.csv"),
            ("enterprise_licence", "enterprise_licence_20260319"),
            ("air_quality_hour", "latest_20260319T10.geojson"),
            ("herb_market_price_day", "herb_market_price_20260317_20260318.parquet"),
            ("weather_day", "weather_day_20260318.csv"),
            ("weather_forecast", "weather_forecast_20260319.jsonl"),
            ("public_opinion_day", "public_opinion_20260318_20260318.parquet"),
            ("hotline_ticket", "hotline_ticket_20260318T1907_20260319T1007.jsonl"),
            ("water_stage", "water_stage_20260318T1905_20260319T1005.parquet"),
            ("sensor_reading", "sensor_reading_20260318T1700_20260319T1000.parquet"),
            ("gov_service_record", "gov_service_record_20260318_20260318.parquet"),
            ("capability_call_day", "capability_call_day_20260318_20260318.parquet"),
            ("hospital_day", "hospital_day_20260318_20260318.parquet"),
            ("duty_roster", "duty_roster_20260319.csv"),
            ("traffic_accident", "traffic_accident_20260318_20260318.csv"),
            ("bus_trip_day", "bus_trip_day_20260318_20260318.csv"),
            ("road_section_index", "road_section_index_20260318T19_20260319T09.parquet"),
            ("parking_lot_hour", "parking_lot_hour_20260318T19_20260319T09.parquet"),
            ("vehicle_track", "vehicle_track_20260318T1907_20260319T1007.parquet"),
        },
    ]


def test_the_register_of_the_next_day_differs_a_little(advanced: Advanced) -> None:
    def register(day: str) -> dict[str, dict[str, str]]:
        path = advanced.settings.drops / "enterprise_register" / f"enterprise_register_{day}.csv"
        with path.open(encoding="gb18030", newline="") as file:
            return {row["统一社会信用代码"]: row for row in csv.DictReader(file)}

    first, second = register("20260318"), register("20260319")
    assert set(first) <= set(second)  # nobody leaves a register: the closed stay in it
    changed = [code for code in first if first[code] != second[code]]
    assert 2 <= len(changed) <= 40
    assert set(second) - set(first)


def test_the_feed_holds_a_day_and_repeats_its_hours(advanced: Advanced) -> None:
    def by_hour(rows: list[Row]) -> dict[tuple[str, str], Row]:
        return {(row["stationcode"], row["timepoint"]): row for row in rows}

    first, second, third = (by_hour(feed) for feed in advanced.feeds)
    times = sorted({time for _, time in third if time < "2027"})
    assert (times[0], times[-1], len(times)) == ("2026-03-18T11:00:00", "2026-03-19T10:00:00", 24)
    for earlier, later, hours in ((first, second, 15), (second, third, 9)):
        shared = set(earlier) & set(later)
        assert len({time for _, time in shared if time < "2027"}) == hours
        assert {key for key in shared if earlier[key] != later[key]} == set()


def test_the_same_seed_gives_the_same_bytes_even_after_a_kill(
    city: WrittenCity, settings: Settings, tmp_path: Path
) -> None:
    own = settings_of_city(settings, tmp_path / "home", "killed-")

    class KilledError(Exception):
        pass

    def dies_at_the_ninth(_delivery: object, place: int, _total: int) -> None:
        if place == 9:
            raise KilledError

    with pytest.raises(KilledError):
        write_city(own, STARTED, dies_at_the_ninth)
    ledger = read_ledger(own)
    assert ledger is not None
    assert len(ledger.sent) == 8
    assert ledger.reached is None
    report = write_city(own, STARTED)
    assert len(report.sent) == len(city.report.sent) - 8
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert fingerprint(own, tmp_path / "a") == fingerprint(city.settings, tmp_path / "b")


def test_going_back_or_changing_the_seed_is_refused(city: WrittenCity) -> None:
    with pytest.raises(SimulationError, match="cannot go back"):
        write_city(city.settings, STARTED - timedelta(minutes=1))
    with pytest.raises(SimulationError, match="CITYBRAIN_DEMO_SEED is 5, but"):
        plan_city(city.settings.model_copy(update={"demo_seed": 5}), STARTED)
    with pytest.raises(SimulationError, match="CITYBRAIN_DEMO_ENTERPRISES is 500"):
        plan_city(city.settings.model_copy(update={"demo_enterprises": 500}), STARTED)


def test_the_plan_writes_nothing(settings: Settings, tmp_path: Path) -> None:
    own = settings_of_city(settings, tmp_path, "plan-")
    deliveries = plan_city(own, STARTED)
    assert len({(sent.dataset, sent.name) for sent in deliveries}) == len(deliveries) > 40
    assert [path.name for path in tmp_path.iterdir()] == ["secrets"]


def test_stories_name_where_to_look(city: WrittenCity) -> None:
    stories = json.loads((city.settings.data_dir / "truth" / "stories.json").read_bytes())
    assert {story["story"] for story in stories} >= {"failing_firm", "dust_episode", "dark_station", "storm"}
    assert {story["story"] for story in stories} >= {"water_cut", "rising_topic", "repeat_place"}
