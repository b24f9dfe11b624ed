"""The cases on a map, narrowed as the queue is. Clusters are made in the browser, boundaries are our own."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from citybrain.desk.accounts.models import SavedView
from citybrain.desk.answered import unchanged_or_json
from citybrain.desk.cases.duties import OpenFirst
from citybrain.desk.cases.filters import choices, counted, filters_of, narrowed, said, tab_for, tabs_of
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.queue import may_view
from citybrain.desk.cases.time_left import time_left, urgency
from citybrain.desk.map_pages import draws_a_map
from citybrain.events.models import ENDED, Case, State

MOST = 3000  # of one map: what needs attention first


@require_GET
@may_view
@draws_a_map
def page(request: HttpRequest) -> HttpResponse:
    """The map with the queue's filters; the points come after it."""
    person, filters = person_of(request), filters_of(request)
    counts = tabs_of(person).counts()
    return render(
        request,
        "cases/map.html",
        {
            "filters": filters,
            "filtered": filters.narrow,
            "show": tab_for(filters, counts["mine"]),
            "counts": {name: said(count) for name, count in counts.items()},
            "kept_views": list(SavedView.objects.filter(person=person)),
            **choices(),
        },
    )


@require_GET
@may_view
def points(request: HttpRequest) -> HttpResponse:
    """The cases as JSON: `cases` as `points_of` tells them, how many are `left_out` beyond `MOST`, and how
    many have no position (`nowhere`).
    """
    person, filters, tabs = person_of(request), filters_of(request), tabs_of(person_of(request))
    show = tab_for(filters, int(tabs.mine.exists()))
    cases = narrowed(tabs.of(show), filters)
    placed = cases.filter(lon__isnull=False, lat__isnull=False)
    shown: Any = OpenFirst(drawn(placed), person, MOST + 1)[0:MOST]
    told = {
        "cases": points_of(shown),
        "left_out": max(counted(placed) - len(shown), 0),
        "nowhere": counted(cases.filter(lon__isnull=True)),
    }
    return unchanged_or_json(request, told)


def drawn(cases: QuerySet[Case]) -> Any:
    """Cases of `queued_cases`, read as what a map shows of them and no more: `points_of` tells them."""
    return cases.values_list(*("lon", "lat", "number", "title", "place_name", "state", "next_due"))


def points_of(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows of `drawn` that have a position: [longitude, latitude, number, urgency, title, place, what is
    left]. The urgency is `none` where no limit runs.
    """
    now = timezone.now()
    told = []
    for lon, lat, number, title, place_name, state, next_due in rows:
        due = None if state in ENDED else next_due
        words = time_left(due, now) if due else State(state).label
        told.append(
            [float(lon), float(lat), number, urgency(due, now) if due else "none", title, place_name, words]
        )
    return told
