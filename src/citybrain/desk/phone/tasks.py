"""My tasks by deadline, and the page of one case: accept, start, hand in the after-photo; dispatch,
redispatch, send back. The rules say who may take which, as they do for the desk.
"""

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from citybrain.desk.accounts.models import User
from citybrain.desk.cases.case_page import CasePage, Refusal, Unsent
from citybrain.desk.cases.conversation import conversation, may_write
from citybrain.desk.cases.duties import OPEN, duty_of, most_urgent_first, queued_cases, waiting_for
from citybrain.desk.cases.one import forms_for, may_view, pictures_of
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.places import camera_name
from citybrain.desk.cases.queue import handlers
from citybrain.desk.cases.waiting import why_waiting
from citybrain.events.editions import filing_of_case
from citybrain.events.models import Case
from citybrain.events.photos import MOST_AT_ONCE
from citybrain.events.writing import unread

PAGE = 20
ON_THE_PHONE = (
    *("accept", "start", "handle", "dispatch", "redispatch", "send_back", "return"),
    *("ask_extension", "ask_suspension"),
)
may_handle = permission_required("events.handle_case", raise_exception=True)


@require_GET
@may_handle
def index(request: HttpRequest) -> HttpResponse:
    """The cases whose next step is ours, what runs out first on top; below, what others do with the rest."""
    person = person_of(request)
    ours = queued_cases().filter(handler_id=person.organisation_id)
    page = Paginator(most_urgent_first(ours.filter(waiting_for(person)), person), PAGE).get_page(
        request.GET.get("page")
    )
    tasks = list(page.object_list)
    elsewhere = ours.exclude(waiting_for(person)).filter(state__in=OPEN)
    others = list(most_urgent_first(elsewhere, person)[:PAGE])
    new = unread(person, [*tasks, *others])
    return render(
        request,
        "phone/tasks.html",
        {
            "page": page,
            "rows": [(case, duty_of(person, case), new.get(case.pk, 0)) for case in tasks],
            "elsewhere": [(case, new.get(case.pk, 0)) for case in others],
        },
    )


@require_GET
@may_view
def show(request: HttpRequest, number: str) -> HttpResponse:
    """The case as it stands."""
    return _PAGE.shown(request, number)


@require_POST
@may_view
def take(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """A step on a case."""
    return _PAGE.taken(request, number, action)


@require_POST
@may_view
@may_write
def say(request: HttpRequest, number: str) -> HttpResponse:
    """A message on a case."""
    return _PAGE.said(request, number)


def _page(case: Case, person: User, refusal: Refusal | None, unsent: Unsent) -> dict[str, Any]:
    before, after = pictures_of(case)
    forms = [form for form in forms_for(case, person, refusal) if form.offer.action in ON_THE_PHONE]
    forms.sort(key=lambda form: ON_THE_PHONE.index(form.offer.action))
    sent_back = case.transitions.filter(to_state=Case.State.REWORK).last()
    return {
        "case": case,
        "duty": duty_of(person, case),
        "waits": why_waiting(case),
        "rule": filing_of_case(case).rule,
        "camera": camera_name(case.source_id),
        "before": before[:1],
        "after": after[:MOST_AT_ONCE],
        "most_photos": MOST_AT_ONCE,
        "forms": forms,
        "handlers": handlers() if any(form.offer.needs_handler for form in forms) else [],
        "sent_back": sent_back if case.state in (Case.State.REWORK, Case.State.HANDLING) else None,
        "refusal": refusal,
        "conversation": conversation(case, person, unsent.said, unsent.typed),
    }


_PAGE = CasePage("phone/task.html", _page, own="phone:task", when_gone="phone:tasks")
