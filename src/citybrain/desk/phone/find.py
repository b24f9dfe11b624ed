"""Looking a case up on the phone: by number, place or title, among those that the person may see."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from citybrain.desk.cases.duties import OpenFirst, duty_of, most_urgent_first
from citybrain.desk.cases.filters import MOST_COUNTED, filters_of, narrowed, said, tabs_of
from citybrain.desk.cases.one import may_view
from citybrain.desk.cases.person import person_of
from citybrain.events.writing import unread

PAGE = 20


@require_GET
@may_view
def index(request: HttpRequest) -> HttpResponse:
    """What the words find, open cases first; without words what waits for the person, what runs out first on
    top.
    """
    person, filters = person_of(request), filters_of(request)
    tabs = tabs_of(person)
    listed: Any = most_urgent_first(tabs.mine, person)
    if filters.narrow:
        listed = OpenFirst(narrowed(tabs.all, filters), person, MOST_COUNTED)
    page = Paginator(listed, PAGE).get_page(request.GET.get("page"))
    cases = list(page.object_list)
    new = unread(person, cases)
    return render(
        request,
        "phone/find.html",
        {
            "page": page,
            "rows": [(case, duty_of(person, case), new.get(case.pk, 0)) for case in cases],
            "found": said(page.paginator.count),
            "filters": filters,
        },
    )
