"""Every indicator of the 24 display scenarios is given by metrics that are defined once."""

import pytest

from citybrain.bi.content import load_dashboards
from citybrain.catalogue import DisplayScenario, load_scenarios
from citybrain.settings import SOURCE_TREE, Settings


@pytest.fixture(scope="module")
def metrics() -> set[str]:
    return set(load_dashboards(Settings(project=SOURCE_TREE)).metrics)


def test_there_are_110_indicators_in_24_scenarios() -> None:
    scenarios = load_scenarios().display
    assert (len(scenarios), sum(len(scenario.indicators) for scenario in scenarios)) == (24, 110)


@pytest.mark.parametrize("scenario", load_scenarios().display, ids=lambda scenario: scenario.id)
def test_every_indicator_has_its_metrics(scenario: DisplayScenario, metrics: set[str]) -> None:
    bare = [indicator.en for indicator in scenario.indicators if not indicator.metrics]
    assert bare == []
    named = {name for indicator in scenario.indicators for name in indicator.metrics}
    assert named - metrics == set()
