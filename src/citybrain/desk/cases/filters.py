"""What a person narrowed the cases to. The queue, the map, the export and kept views read it the same way."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest

from citybrain.catalogue import load_areas, load_scenarios
from citybrain.desk.accounts.models import User
from citybrain.desk.cases.duties import OPEN, cases_of, overdue, waiting_for
from citybrain.events.models import ENDED, Case, State

Show = Literal["mine", "open", "all"]
_CAN_MATCH = "SELECT case_id FROM ops.case_words WHERE pairs @> ops.letter_pairs(%s)"
MOST_COUNTED = 10_000  # beyond it a count costs more than it tells


@dataclass(frozen=True)
class Filters:
    """Empty for everything. `show` is the tab that was asked for, empty for the one that fits."""

    show: Show | Literal[""] = ""
    state: str = ""
    scenario: str = ""
    county: str = ""
    overdue: bool = False
    words: str = ""

    @property
    def narrow(self) -> bool:
        return self != Filters(show=self.show)

    @property
    def query(self) -> str:
        """As an address carries it."""
        told = {
            "show": self.show,
            "state": self.state,
            "scenario": self.scenario,
            "county": self.county,
            "overdue": "yes" if self.overdue else "",
            "q": self.words,
        }
        return urlencode({name: value for name, value in told.items() if value})


@dataclass(frozen=True)
class Tabs:
    """The cases that a person may see, by tab, before they are narrowed."""

    all: QuerySet[Case]
    waiting: Q  # what of it waits for the person

    @property
    def mine(self) -> QuerySet[Case]:
        return self.all.filter(self.waiting)

    @property
    def open(self) -> QuerySet[Case]:
        return self.all.filter(state__in=OPEN)

    def counts(self) -> dict[str, int]:
        """By tab, and how many open ones are late; of all there are, none is counted beyond `MOST_COUNTED`.

        The first three come out of one look at the open cases and those with a petition.
        """
        at_work = Q(state__in=OPEN)
        return {
            **self.all.filter(at_work | self.waiting).aggregate(
                mine=Count("pk", filter=self.waiting),
                open=Count("pk", filter=at_work),
                overdue=Count("pk", filter=at_work & overdue()),
            ),
            "all": counted(self.all),
        }

    def of(self, show: Show) -> QuerySet[Case]:
        return {"mine": self.mine, "open": self.open, "all": self.all}[show]


def tabs_of(person: User) -> Tabs:
    return Tabs(cases_of(person), waiting_for(person))


def filters_of(request: HttpRequest) -> Filters:
    state, show = request.GET.get("state", ""), request.GET.get("show", "")
    return Filters(
        show="mine" if show == "mine" else "open" if show == "open" else "all" if show == "all" else "",
        state=state if state in State.values else "",
        scenario=request.GET.get("scenario", "")[:48],
        county=request.GET.get("county", "")[:6],
        overdue=request.GET.get("overdue") == "yes",
        words=request.GET.get("q", "").strip().replace("\0", "")[:100],
    )


def tab_for(filters: Filters, mine: int) -> Show:
    """The tab asked for; else mine while something waits, else what is open. A search looks at everything."""
    if filters.show:
        return filters.show
    if filters.words or filters.state in ENDED:
        return "all"
    return "mine" if mine else "open"


def narrowed(cases: QuerySet[Case], filters: Filters) -> QuerySet[Case]:
    """The cases that the filters leave."""
    if filters.state:
        cases = cases.filter(state=filters.state)
    if filters.scenario:
        cases = cases.filter(scenario=filters.scenario)
    if filters.county:
        cases = cases.filter(area_code__startswith=filters.county)
    if filters.overdue:
        cases = cases.filter(overdue())
    return cases.filter(saying(filters.words)) if filters.words else cases


def saying(words: str) -> Q:
    """The cases with the words in their number, place or title. Of two letters and more, an index names those
    that can match (`ops.case_words`); of one, all that the person may see are read.
    """
    said = Q(number__icontains=words) | Q(place_name__icontains=words) | Q(title__icontains=words)
    if len(words) < 2:
        return said
    return Q(pk__in=RawSQL(_CAN_MATCH, [words])) & said  # noqa: S611 - the words are a parameter


def counted(cases: QuerySet[Case]) -> int:
    """How many there are, `MOST_COUNTED` and one more for any number beyond."""
    return cases.order_by().values("pk")[: MOST_COUNTED + 1].count()


def said(count: int) -> str:
    """A count as it is shown."""
    return f"{MOST_COUNTED} 以上" if count > MOST_COUNTED else str(count)


def choices() -> dict[str, object]:
    """What the form of filters offers."""
    return {
        "states": State.choices,
        "scenarios": load_scenarios().event_handling,
        "counties": load_areas().counties,
    }
