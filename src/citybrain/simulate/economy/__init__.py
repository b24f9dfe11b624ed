"""What the city's economy sends: residents, series, investment and major projects, permits, herbs."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from citybrain.simulate.delivery import Delivery
from citybrain.simulate.economy.herbs import herb_stories, planting_deliveries, price_deliveries
from citybrain.simulate.economy.investment import investment_deliveries, investment_stories
from citybrain.simulate.economy.major import major_deliveries, major_stories
from citybrain.simulate.economy.permits import permit_deliveries
from citybrain.simulate.economy.population import population_deliveries, population_stories
from citybrain.simulate.economy.series import series_deliveries, series_stories
from citybrain.simulate.economy.tcm_output import output_deliveries
from citybrain.simulate.ledger import Ledger

__all__ = ["economy_deliveries", "economy_stories"]

SENDERS = (
    population_deliveries,
    series_deliveries,
    investment_deliveries,
    major_deliveries,
    permit_deliveries,
    price_deliveries,
    planting_deliveries,
    output_deliveries,
)
STORIES = (population_stories, series_stories, investment_stories, major_stories, herb_stories)


def economy_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """Everything the city's economy owes up to a moment (Asia/Shanghai)."""
    return chain.from_iterable(send(ledger, local) for send in SENDERS)


def economy_stories(ledger: Ledger) -> list[dict[str, str]]:
    """What is planted among it."""
    return [story for tell in STORIES for story in tell(ledger)]
