"""The cases on a map, narrowed as the queue is. Clusters are made in the browser, boundaries are our own."""

from collections.abc import Iterable
from typing import Any

from django.db.models import BigIntegerField, QuerySet, TextField, Value, When
from django.db.models import Case as Ordered
from django.db.models.functions import Cast, Extract, JSONArray
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from orjson import Fragment

from citybrain.desk.accounts.models import SavedView
from citybrain.desk.answered import unchanged_or_json
from citybrain.desk.cases.duties import OpenFirst
from citybrain.desk.cases.filters import choices, counted, filters_of, narrowed, said, tab_for, tabs_of
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.queue import may_view
from citybrain.desk.map_pages import draws_a_map
from citybrain.events.models import Case, State

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
    """The cases as JSON: `cases` as `drawn` tells them, how many are `left_out` beyond `MOST`, and how
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
    """Cases of `queued_cases` that have a position, as what a map shows of them, each a JSON text:
    [longitude, latitude, number, title, place, state in words, when the limit that runs out first ends
    (seconds since 1970, null where none runs)].

    The database writes the text: thousands of rows would cost more to read and to write again than to find.
    What is left of a limit is said by the browser, since it changes while the case does not.
    """
    state = Ordered(*(When(state=one, then=Value(one.label)) for one in State), output_field=TextField())
    due = Cast(Extract("next_due", "epoch"), BigIntegerField())
    told = JSONArray("lon", "lat", "number", "title", "place_name", state, due)
    return cases.annotate(told=Cast(told, TextField())).values_list("told", flat=True)


def points_of(rows: Iterable[str]) -> list[Fragment]:
    """Rows of `drawn` as parts of an answer in JSON."""
    return [Fragment(row) for row in rows]
