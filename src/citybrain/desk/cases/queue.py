"""The queue: what waits for the person first, then every case they may see, filtered and searched."""

from dataclasses import dataclass
from typing import Literal

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from citybrain.catalogue import load_areas, load_scenarios
from citybrain.desk.accounts.models import Organisation
from citybrain.desk.cases.duties import duty_of, most_urgent_first, overdue, queued_cases, waiting_for
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.steps import new_key
from citybrain.events.models import ENDED, Case, State
from citybrain.events.rules import load_rules

PAGE = 50
BULK = ("confirm", "file", "dispatch")
may_view = permission_required("events.view_case", raise_exception=True)

Show = Literal["mine", "open", "all"]


@dataclass(frozen=True)
class Filters:
    """What the person narrowed the queue to; empty for everything."""

    state: str
    scenario: str
    county: str
    overdue: bool
    words: str


@require_GET
@may_view
def index(request: HttpRequest) -> HttpResponse:
    """Cases as a table, with the steps that can be taken on several of them at once."""
    person = person_of(request)
    everything = queued_cases()
    waiting, still_open = everything.filter(waiting_for(person)), everything.exclude(state__in=ENDED)
    counts = {"mine": waiting.count(), "open": still_open.count(), "all": everything.count()}
    filters = _filters(request)
    show = _show(request, counts["mine"], filters)
    shown = {"mine": waiting, "open": still_open, "all": everything}[show]
    cases = most_urgent_first(_narrowed(shown, filters), person)
    page = Paginator(cases, PAGE).get_page(request.GET.get("page"))
    bulk = [step for step in load_rules().transitions if step.action in BULK]
    offered = [step for step in bulk if step.permission and person.has_perm(step.permission)]
    return render(
        request,
        "cases/queue.html",
        {
            "page": page,
            "rows": [(case, duty_of(person, case)) for case in page.object_list],
            "counts": counts,
            "overdue_count": still_open.filter(overdue()).count(),
            "show": show,
            "filters": filters,
            "filtered": filters != Filters("", "", "", False, ""),
            "states": State.choices,
            "scenarios": load_scenarios().event_handling,
            "counties": load_areas().counties,
            "bulk": offered,
            "handlers": handlers() if any(step.action == "dispatch" for step in offered) else [],
            "key": new_key(),
        },
    )


def handlers() -> list[Organisation]:
    """Whom a case may be given to: companies, communities and departments in use."""
    kinds = [Organisation.Kind.COMPANY, Organisation.Kind.COMMUNITY, Organisation.Kind.DEPARTMENT]
    found = Organisation.objects.filter(kind__in=kinds, is_active=True)
    return sorted(found, key=lambda one: (kinds.index(Organisation.Kind(one.kind)), one.code))


def _filters(request: HttpRequest) -> Filters:
    state = request.GET.get("state", "")
    return Filters(
        state=state if state in State.values else "",
        scenario=request.GET.get("scenario", "")[:48],
        county=request.GET.get("county", "")[:6],
        overdue=request.GET.get("overdue") == "yes",
        words=request.GET.get("q", "").strip()[:100],
    )


def _show(request: HttpRequest, mine: int, filters: Filters) -> Show:
    """The tab asked for; else mine while something waits, else what is open. A search looks at everything."""
    match request.GET.get("show"):
        case "mine":
            return "mine"
        case "open":
            return "open"
        case "all":
            return "all"
    if filters.words or filters.state in ENDED:
        return "all"
    return "mine" if mine else "open"


def _narrowed(cases: QuerySet[Case], filters: Filters) -> QuerySet[Case]:
    if filters.state:
        cases = cases.filter(state=filters.state)
    if filters.scenario:
        cases = cases.filter(scenario=filters.scenario)
    if filters.county:
        cases = cases.filter(area_code__startswith=filters.county)
    if filters.overdue:
        cases = cases.filter(overdue())
    if filters.words:
        words = filters.words
        cases = cases.filter(
            Q(number__icontains=words) | Q(place_name__icontains=words) | Q(title__icontains=words)
        )
    return cases
