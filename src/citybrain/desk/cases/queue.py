"""The queue: what waits for the person first, then every case they may see, filtered and searched."""

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from citybrain.desk.accounts.models import Organisation, SavedView, User
from citybrain.desk.answered import unchanged_or_json
from citybrain.desk.cases.duties import OpenFirst, UrgentFirst, duty_of
from citybrain.desk.cases.filters import (
    MOST_COUNTED,
    choices,
    counted,
    filters_of,
    narrowed,
    said,
    tab_for,
    tabs_of,
)
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.steps import new_key
from citybrain.desk.cases.waiting import why_waiting
from citybrain.events.rules import Step, load_rules
from citybrain.events.writing import unread

PAGE = 50
BULK = ("confirm", "file", "dispatch", "send_back", "return", "approve")
may_view = permission_required("events.view_case", raise_exception=True)


@require_GET
@may_view
def index(request: HttpRequest) -> HttpResponse:
    """Cases as a table, with the steps that can be taken on several of them at once."""
    person, filters, tabs = person_of(request), filters_of(request), tabs_of(person_of(request))
    counts = tabs.counts()
    show = tab_for(filters, counts["mine"])
    cases = narrowed(tabs.of(show), filters)
    if show == "all":
        listed: Any = OpenFirst(cases, person, MOST_COUNTED)
    else:
        listed = UrgentFirst(cases, person, counted(cases) if filters.narrow else counts[show])
    page = Paginator(listed, PAGE).get_page(request.GET.get("page"))
    offered, rows = bulk_steps(person), list(page.object_list)
    new = unread(person, rows)
    return render(
        request,
        "cases/queue.html",
        {
            "page": page,
            "rows": [(case, duty_of(person, case), why_waiting(case), new.get(case.pk, 0)) for case in rows],
            "counts": {name: said(count) for name, count in counts.items()},
            "show": show,
            "filters": filters,
            "filtered": filters.narrow,
            "kept_views": list(SavedView.objects.filter(person=person)),
            "bulk": offered,
            "bulk_asks_reason": any("reason_given" in step.guards for step in offered),
            "handlers": handlers() if any(step.action == "dispatch" for step in offered) else [],
            "key": new_key(),
            **choices(),
        },
    )


@require_GET
@may_view
def counts(request: HttpRequest) -> HttpResponse:
    """The figures above the queue as JSON, for a page that stays open; 304 while they stand."""
    found = tabs_of(person_of(request)).counts()
    return unchanged_or_json(request, {name: said(count) for name, count in found.items()})


def bulk_steps(person: User) -> list[Step]:
    """The steps on several cases that the person's roles allow, in the order of `BULK`."""
    steps = {step.action: step for step in load_rules().transitions if step.action in BULK}
    offered = [steps[action] for action in BULK]
    return [step for step in offered if step.permission and person.has_perm(step.permission)]


def handlers() -> list[Organisation]:
    """Whom a case may be given to: companies, communities and departments in use."""
    kinds = [Organisation.Kind.COMPANY, Organisation.Kind.COMMUNITY, Organisation.Kind.DEPARTMENT]
    found = Organisation.objects.filter(kind__in=kinds, is_active=True)
    return sorted(found, key=lambda one: (kinds.index(Organisation.Kind(one.kind)), one.code))
