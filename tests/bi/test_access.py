"""Who sees what, as Superset combines our rules: closed by default, by county, by department, in common."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from citybrain.bi.access import ADMIN_ROLE, CLOSED, RowRule, all_roles, dashboard_roles, row_rules
from citybrain.bi.bundle import dataset_names
from citybrain.bi.checks import Dashboards
from citybrain.bi.content import load_dashboards
from citybrain.catalogue import ContentError
from citybrain.settings import Settings

COUNTY = '"county_code" = '
OF_FIRMS = {"uscc", "enterprise_name"}  # as the public register has them; a sole trader may bear a name


@pytest.fixture(scope="module")
def rules(content: Dashboards) -> list[RowRule]:
    return row_rules(content)


def clauses(rules: Iterable[RowRule], dataset: str, roles: set[str]) -> list[set[str]]:
    """What Superset adds to a query: groups joined by AND, the clauses of one group by OR."""
    groups: dict[str, set[str]] = defaultdict(set)
    for rule in rules:
        applies = bool(roles & set(rule.roles)) == (rule.kind == "Regular")
        if dataset in rule.datasets and applies:
            groups[rule.group].add(rule.clause)
    return list(groups.values())


def test_a_role_made_by_hand_sees_no_row(content: Dashboards, rules: list[RowRule]) -> None:
    for dataset in dataset_names(content):
        if "county_code" in content.columns(dataset):
            assert {CLOSED} in clauses(rules, dataset, {"Gamma", "Alpha", "手工角色"}), dataset


@pytest.mark.parametrize("role", [ADMIN_ROLE, "cb_analyst", "cb_whole_city"])
def test_the_whole_city_is_narrowed_nowhere(content: Dashboards, rules: list[RowRule], role: str) -> None:
    for dataset in dataset_names(content):
        assert clauses(rules, dataset, {"Gamma", role}) == [], dataset


def test_a_county_sees_its_own_rows_of_every_dataset(content: Dashboards, rules: list[RowRule]) -> None:
    for code in content.rows.counties.names:
        for dataset in dataset_names(content):
            wanted = [{f"{COUNTY}'{code}'"}] if "county_code" in content.columns(dataset) else []
            assert clauses(rules, dataset, {"Gamma", f"cb_county_{code}"}) == wanted, dataset


def test_two_counties_are_joined_and_a_department_narrows_them(rules: list[RowRule]) -> None:
    both = {"cb_county_341602", "cb_county_341621"}
    counties = {f"{COUNTY}'341602'", f"{COUNTY}'341621'"}
    mart = "mart_gov_service_performance"
    assert clauses(rules, mart, both) == [counties]
    found = clauses(rules, mart, {*both, "cb_department_taxation"})
    assert sorted(found, key=len) == [{"\"department\" = 'taxation'"}, counties]


def test_a_department_sees_its_own_dashboards_whole_and_its_rows_of_shared_ones(
    content: Dashboards, rules: list[RowRule]
) -> None:
    education = {"Gamma", "cb_department_education"}
    for tile in content.scenarios["education_security"].data_tiles:
        assert clauses(rules, tile.mart, education) == [], tile.id
    assert clauses(rules, "mart_shared_capability", education) == [{"\"department\" = 'education'"}]
    assert clauses(rules, "mart_data_quality", education) == [{"\"owner\" = 'education'"}]
    assert clauses(rules, "mart_data_quality", {"Gamma", "cb_department_data_resources"}) == []
    assert clauses(rules, "mart_health_resources", education) == [{CLOSED}]


def test_dashboards_admit_the_city_the_counties_and_their_owner(content: Dashboards) -> None:
    air = dashboard_roles(content.scenarios["air_quality"], content)
    assert {name for name in air if name.startswith("cb_department")} == {"cb_department_ecology_environment"}
    assert {"cb_analyst", "cb_whole_city", "cb_county_341623"} <= set(air)
    shared = dashboard_roles(content.scenarios["shared_capability"], content)
    assert {f"cb_department_{name}" for name in content.departments} <= set(shared)
    assert set(air) | set(shared) <= set(all_roles(content))


def test_only_analysts_of_the_whole_city_write_sql(content: Dashboards) -> None:
    may = {name for name, role in all_roles(content).items() if role.sql_lab}
    assert may == {"cb_analyst"}
    assert may <= set(content.rows.whole_city)


def test_every_rule_has_a_name_of_its_own(rules: list[RowRule]) -> None:
    names = [rule.name for rule in rules]
    assert len(set(names)) == len(names)
    assert all(name.startswith("cb_") and len(name) < 255 for name in names)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("cb_whole_city]", "cb_nobody]", "roles.yml has no role 'cb_nobody'"),
        ("column: county_code", "column: kreis", "no mart has a column 'kreis'"),
        ("shared_capability,", "shared_capabilities,", "no display scenario 'shared_capabilities'"),
        ('"341602"', '"3416"', "341"),
    ],
)
def test_a_fault_of_the_row_rules_names_its_line(
    small_room: Settings, old: str, new: str, reason: str
) -> None:
    path: Path = small_room.dashboards_dir / "rls.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ContentError, match=reason) as caught:
        load_dashboards(small_room)
    assert str(caught.value).startswith(f"{path}:")


def test_no_mart_on_a_dashboard_holds_personal_data(content: Dashboards) -> None:
    """What a dataset holds, everybody it is opened to can read: dbt says of every column what it is."""
    for scenario in content.scenarios.values():
        for name in scenario.marts:
            for column in content.marts[name].columns.values():
                low = column.personal_data == "low" and column.name in OF_FIRMS
                assert column.personal_data == "none" or low, f"{name}.{column.name}"
