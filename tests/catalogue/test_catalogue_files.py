"""The catalogue as shipped, and what `check` says of a catalogue that is wrong."""

from collections import Counter
from pathlib import Path

import pytest

from citybrain.catalogue import (
    ContentError,
    TimeUnit,
    check,
    load_areas,
    load_datasets,
    load_departments,
    load_scenarios,
)
from citybrain.catalogue.area import AREAS_FILE
from citybrain.catalogue.department import DEPARTMENTS_FILE
from citybrain.catalogue.scenario import SCENARIOS_FILE
from citybrain.settings import SOURCE_TREE, Settings


@pytest.fixture
def checkout() -> Settings:
    return Settings(project=SOURCE_TREE)


def test_the_shipped_catalogue_has_no_fault(checkout: Settings) -> None:
    assert check(checkout) == []


def test_forty_scenarios_in_seven_domains() -> None:
    scenarios = load_scenarios()
    assert (len(scenarios.event_handling), len(scenarios.display), len(scenarios.domains)) == (16, 24, 7)
    assert {scenario.domain for scenario in scenarios.all} == set(scenarios.domains)
    assert set(Counter(scenario.provenance for scenario in scenarios.all)) == {
        "source",
        "public",
        "completion",
    }


def test_limits_keep_their_units() -> None:
    scenarios = load_scenarios()
    street = next(event for event in scenarios.event_handling if event.id == "street_order")
    limits = {limit.case: (limit.value, limit.unit) for limit in street.limits}
    assert len(limits) == 6
    assert limits["exposed_rubbish"] == (4, TimeUnit.WORKING_HOUR)
    assert limits["piled_material"] == (1, TimeUnit.WORKING_DAY)
    fire = next(event for event in scenarios.event_handling if event.id == "fire_lane_occupancy")
    assert [(limit.case, limit.value, limit.unit) for limit in fire.limits] == [
        ("all", 0.5, TimeUnit.URGENT_HOUR)
    ]


def test_every_department_owns_a_dataset_or_leads_a_scenario(checkout: Settings) -> None:
    used = {dataset.owner for dataset in load_datasets(checkout).values()}
    used |= {lead for event in load_scenarios().event_handling for lead in event.lead}
    assert used == set(load_departments())


def test_areas_answer_for_codes_of_every_level() -> None:
    areas = load_areas()
    assert [county.code for county in areas.counties] == ["341602", "341621", "341622", "341623"]
    assert areas.county("341621108203").zh == "涡阳县"
    assert [areas.level(code) for code in ("341602", "341602100", "341602100001", "341602100001007")] == [
        "county",
        "township",
        "village",
        "grid",
    ]
    with pytest.raises(KeyError):
        areas.county("340104")
    with pytest.raises(KeyError):
        areas.level("34160２")  # a full-width digit is no digit of a code


def changed(path: Path, folder: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    copy = folder / path.name
    copy.write_text(text.replace(old, new, 1), encoding="utf-8")
    return copy


def line_with(path: Path, text: str) -> int:
    return next(
        number for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if text in line
    )


def test_unknown_lead_and_domain_are_named_with_their_lines(checkout: Settings, tmp_path: Path) -> None:
    path = changed(SCENARIOS_FILE, tmp_path, "lead: [fire_rescue]", "lead: [fire_brigde]")
    path = changed(path, tmp_path, "domain: panorama", "domain: pano")
    found = {(fault.line, fault.reason) for fault in check(checkout, scenarios=path)}
    assert found == {
        (
            line_with(path, "fire_brigde"),
            "fire_lane_occupancy: no department is called 'fire_brigde'",
        ),
        (line_with(path, "domain: pano"), "city_overview: no domain is called 'pano'"),
    }


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("unit: urgent_hour", "unit: hours", "urgent_hour"),
        ("  - id: street_order", "  - id: fire_lane_occupancy", "named twice: fire_lane_occupancy"),
        ("case: drying_along_street", "case: exposed_rubbish", "a case is limited twice"),
        ("case: drying_along_street", "case: all", "`all` stands alone"),
        ("feeds: [video, government]", "feeds: [rumour]", "feeds"),
        ("    provenance: source", "    provenance: hearsay", "provenance"),
    ],
)
def test_a_wrong_scenario_file_names_the_reason(tmp_path: Path, old: str, new: str, reason: str) -> None:
    with pytest.raises(ContentError, match=reason):
        load_scenarios(changed(SCENARIOS_FILE, tmp_path, old, new))


def test_a_missing_scenario_is_noticed(tmp_path: Path) -> None:
    text = SCENARIOS_FILE.read_text(encoding="utf-8")
    path = tmp_path / "scenarios.yml"
    path.write_text(text[: text.index("  - id: education_security")], encoding="utf-8")
    with pytest.raises(ContentError, match="24 display scenarios are needed, found \\(7, 16, 23\\)"):
        load_scenarios(path)


def test_an_owner_that_is_no_department_is_named_with_its_line(checkout: Settings, tmp_path: Path) -> None:
    sources = tmp_path / "dags" / "sources"
    sources.mkdir(parents=True)
    original = checkout.sources_dir / "water_stage.yml"
    path = changed(original, sources, "owner: water_affairs", "owner: water_board")
    faults = check(Settings(project=tmp_path))
    assert [str(fault) for fault in faults] == [
        f"{path}:{line_with(path, 'water_board')}: no department is called 'water_board'"
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        (DEPARTMENTS_FILE, "id: taxation", "id: civil_affairs", "named twice: civil_affairs"),
        (DEPARTMENTS_FILE, "level: community", "level: street", "level"),
        (AREAS_FILE, 'code: "341623"', 'code: "340123"', "outside 341600: 340123"),
        (AREAS_FILE, 'code: "341623"', 'code: "341622"', "share a code"),
        (AREAS_FILE, "digits: 12", "digits: 9", "shortest code to the longest"),
    ],
)
def test_wrong_departments_and_areas(tmp_path: Path, file: Path, old: str, new: str, reason: str) -> None:
    path = changed(file, tmp_path, old, new)
    load = load_departments if file == DEPARTMENTS_FILE else load_areas
    with pytest.raises(ContentError, match=reason):
        load(path)
