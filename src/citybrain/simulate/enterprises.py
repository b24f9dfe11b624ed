"""What departments send about enterprises: the register, yearly facts and monthly lists."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import cache, partial

from citybrain.simulate.delivery import SHANGHAI, Content, Delivery, dropped
from citybrain.simulate.dishonest import dishonest_delivery
from citybrain.simulate.firms import Firms, firm_stories, firms_until
from citybrain.simulate.insurance import insurance_delivery
from citybrain.simulate.labour import labour_delivery
from citybrain.simulate.ledger import Ledger
from citybrain.simulate.policy_indicators import indicator_delivery
from citybrain.simulate.register import register_delivery
from citybrain.simulate.tax import tax_delivery
from citybrain.simulate.titles import title_delivery
from citybrain.simulate.upgrades import upgrade_delivery
from citybrain.simulate.yearly import year_of

FACT_YEARS = 3

# Lists of enterprises that departments export once a month
MONTHLY_LISTS: dict[str, Callable[[int, Firms, date], Content]] = {
    "enterprise_title": title_delivery,
    "dishonest_enterprise": dishonest_delivery,
    "tech_upgrade_project": upgrade_delivery,
    "policy_indicator": indicator_delivery,
}


def enterprise_deliveries(ledger: Ledger, local: datetime) -> Iterator[Delivery]:
    """The register of the day, the years that are over, and the lists of the month."""
    seed, today = ledger.seed, local.date()
    first_day = ledger.started.astimezone(SHANGHAI).date()

    @cache
    def firms() -> Firms:
        return firms_until(seed, ledger.enterprises, first_day, today)

    yield dropped(
        "enterprise_register",
        f"enterprise_register_{today:%Y%m%d}.csv",
        local,
        2,
        lambda: register_delivery(seed, firms(), today),
    )
    for year in range(first_day.year - FACT_YEARS, today.year):
        yield dropped(
            "enterprise_tax_year",
            f"enterprise_tax_{year}.xlsx",
            local,
            2,
            partial(_tax, seed, firms, year, first_day, local),
        )
        yield dropped(
            "enterprise_labour_year",
            f"enterprise_labour_{year}.jsonl",
            local,
            1,
            partial(_labour, seed, firms, year, first_day),
        )
        yield dropped(
            "unemployment_insurance_year",
            f"unemployment_insurance_{year}.jsonl",
            local,
            1,
            partial(_insurance, seed, firms, year, first_day),
        )
    for dataset, delivery in MONTHLY_LISTS.items():
        yield dropped(
            dataset,
            f"{dataset}_{today:%Y%m}.csv",
            local,
            2,
            partial(_list, delivery, seed, firms, today),
        )


def _tax(seed: int, firms: Callable[[], Firms], year: int, first_day: date, moment: datetime) -> Content:
    return tax_delivery(seed, year_of(seed, firms(), year, first_day), moment)


def _labour(seed: int, firms: Callable[[], Firms], year: int, first_day: date) -> Content:
    return labour_delivery(seed, year_of(seed, firms(), year, first_day))


def _insurance(seed: int, firms: Callable[[], Firms], year: int, first_day: date) -> Content:
    return insurance_delivery(seed, year_of(seed, firms(), year, first_day))


def _list(
    delivery: Callable[[int, Firms, date], Content], seed: int, firms: Callable[[], Firms], day: date
) -> Content:
    return delivery(seed, firms(), day)


def enterprise_stories(ledger: Ledger) -> list[dict[str, str]]:
    """The firm that goes under."""
    return firm_stories(ledger.seed, ledger.enterprises, ledger.started.astimezone(SHANGHAI).date())
