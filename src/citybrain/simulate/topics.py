"""The topics of the demo city: each sends deliveries of its own, and plants stories of its own."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from citybrain.simulate.air import air_deliveries, air_stories
from citybrain.simulate.case_history.stories import case_stories
from citybrain.simulate.compounds import compound_deliveries
from citybrain.simulate.delivery import Delivery
from citybrain.simulate.divisions import division_deliveries
from citybrain.simulate.economy import economy_deliveries, economy_stories
from citybrain.simulate.enterprises import enterprise_deliveries, enterprise_stories
from citybrain.simulate.hotline.tickets import hotline_deliveries, hotline_stories
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.licences import licence_deliveries
from citybrain.simulate.livelihood import livelihood_deliveries, livelihood_stories
from citybrain.simulate.meteorology import weather_deliveries
from citybrain.simulate.opinion import opinion_deliveries
from citybrain.simulate.river_chief import river_chief_deliveries, river_chief_stories
from citybrain.simulate.rivers.deliveries import river_deliveries, river_stories
from citybrain.simulate.satellite.hotspots import hotspot_deliveries, hotspot_stories
from citybrain.simulate.satellite.rivers import line_deliveries, picture_deliveries
from citybrain.simulate.satellite.scenes import scene_deliveries, scene_stories
from citybrain.simulate.sensors.deliveries import sensor_deliveries, stories_of_sensors
from citybrain.simulate.services import service_deliveries, service_stories
from citybrain.simulate.urban import urban_deliveries, urban_stories
from citybrain.simulate.water import water_deliveries, water_stories


def _no_deliveries(_ledger: Ledger, _local: datetime) -> Iterable[Delivery]:
    return ()


def _no_stories(_ledger: Ledger) -> list[dict[str, str]]:
    return []


@dataclass(frozen=True)
class Topic:
    """deliveries: all of the topic up to a moment (Asia/Shanghai); what the ledger has is left out later.

    stories: what is planted, for people and tests; each names its story, dataset, from, to and what.
    """

    deliveries: Callable[[Ledger, datetime], Iterable[Delivery]]
    stories: Callable[[Ledger], list[dict[str, str]]] = _no_stories


TOPICS: tuple[Topic, ...] = (
    Topic(division_deliveries),
    Topic(compound_deliveries),
    Topic(enterprise_deliveries, enterprise_stories),
    Topic(licence_deliveries),
    Topic(air_deliveries, lambda ledger: air_stories(ledger.local_start)),
    Topic(economy_deliveries, economy_stories),
    Topic(weather_deliveries),
    Topic(opinion_deliveries),
    Topic(hotline_deliveries, hotline_stories),
    Topic(river_chief_deliveries, river_chief_stories),
    Topic(water_deliveries, lambda ledger: water_stories(ledger.started)),
    Topic(service_deliveries, service_stories),
    Topic(livelihood_deliveries, livelihood_stories),
    Topic(urban_deliveries, urban_stories),
    Topic(sensor_deliveries, stories_of_sensors),
    Topic(river_deliveries, river_stories),
    Topic(scene_deliveries, scene_stories),
    Topic(hotspot_deliveries, hotspot_stories),
    Topic(line_deliveries),
    Topic(picture_deliveries),
    Topic(_no_deliveries, case_stories),  # the past is written as cases, nobody delivers it
)
