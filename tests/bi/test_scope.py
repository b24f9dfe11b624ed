"""Rows are shown by county: a mart on a dashboard carries its county, or is for everybody."""

from citybrain.bi.checks import Dashboards

FOR_EVERYBODY = {
    "mart_data_freshness",  # when which dataset arrived
    "mart_rule_score",  # how well the rules of a scenario tell what the demo city planted
    "mart_policy_finds_enterprise_item",  # policy items in force, which are published
}


def test_every_mart_on_a_dashboard_is_scoped_by_county(content: Dashboards) -> None:
    on_boards = {mart for scenario in content.scenarios.values() for mart in scenario.marts}
    assert {name for name in on_boards if "county_code" not in content.marts[name].columns} == FOR_EVERYBODY


def test_a_county_sees_every_map_and_list_of_its_own(content: Dashboards) -> None:
    """A map joins on the county's code: its rows are kept by the same column that row security asks."""
    for name, view in content.maps.maps.items():
        assert view.key == "county_code", name
