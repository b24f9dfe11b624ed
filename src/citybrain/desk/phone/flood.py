"""The flood board of a warden: my places, what the water does there, my wake-ups, asking for help."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from citybrain.desk.accounts.models import Organisation, User
from citybrain.desk.answered import arrived
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.steps import StepRefusedError, key_in, new_key, version_in
from citybrain.desk.cases.waiting import why_waiting
from citybrain.desk.flood.cases import open_cases_at
from citybrain.desk.flood.points import FloodPoint, gravest_first, points_of
from citybrain.events.acting import CaseRefusedError
from citybrain.events.models import Case, WakeUp
from citybrain.events.resources import AT_WORK, Sent, ask, asked_for, sent_to
from citybrain.events.scope import as_system
from citybrain.events.waking import answer_as

may_ask = permission_required("events.ask_resource", raise_exception=True)
_TO_ANSWER = (WakeUp.State.RINGING, WakeUp.State.SILENT)


@dataclass(frozen=True)
class Spot:
    """One of my places. `wake_up` is mine to answer; `key` is that of the form that asks for help."""

    point: FloodPoint
    case: Case | None
    waits: str
    wake_up: WakeUp | None
    answered: bool
    may_ask: bool
    asked: list[str]
    sent: list[str]
    key: str


@require_GET
@may_ask
def board(request: HttpRequest) -> HttpResponse:
    """My places, the gravest first. A place is mine by the register, or lies in my community."""
    person = person_of(request)
    spots = _spots(person)
    return render(request, "phone/flood.html", {"spots": spots, "warden_code": person.warden_code})


@require_POST
@may_ask
def answer(request: HttpRequest, wake_up_id: int) -> HttpResponse:
    """I am on it: nobody else is woken for this case. Answering twice is answering once."""
    found = answer_as(person_of(request).warden_code, wake_up_id)
    if found is None:
        messages.error(request, "这件事已有人处理或已经结束，无需应答。")
    else:
        messages.success(request, "已应答，请尽快到场。")
    return _back(request)


@require_POST
@may_ask
def ask_for_help(request: HttpRequest, number: str) -> HttpResponse:
    """Ask the command centre for teams or pumps at one of my places; a step of its case."""
    person = person_of(request)
    case = next((one.case for one in _spots(person) if one.case and one.case.number == number), None)
    if case is None:
        raise Http404
    try:
        key, count = key_in(request), version_in(request.POST.get("count", ""))
        # The place is the warden's, though its case is handled by others: the platform shows it to the step.
        with transaction.atomic(), as_system(person.pk):
            ask(case, request.POST.get("kind", ""), count, request.POST.get("words", ""), person, key=key)
    except (StepRefusedError, CaseRefusedError) as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "已请求支援，指挥中心会调派。")
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    """To the board, which says what became of it."""
    return arrived(request, redirect("phone:flood"))


def _spots(person: User) -> list[Spot]:
    organisation = person.organisation
    community = organisation is not None and organisation.kind == Organisation.Kind.COMMUNITY
    area = organisation.area_code if organisation is not None and community else ""
    points = gravest_first(points_of(person.warden_code, area))
    with as_system(person.pk):
        cases = open_cases_at(points)
        ids = [case.pk for case in cases.values()]
        asked, sent = asked_for(ids), sent_to(ids)
        return [
            _spot(point, cases.get(point.point_id), person, asked, sent)
            for point in sorted(points, key=lambda one: one.point_id not in cases)
        ]


def _spot(
    point: FloodPoint, case: Case | None, person: User, asked: dict[int, list[str]], sent: list[Sent]
) -> Spot:
    woken = [one for one in case.wake_ups.all() if one.warden.code == person.warden_code] if case else []
    return Spot(
        point=point,
        case=case,
        waits=why_waiting(case) if case else "",
        wake_up=next((one for one in woken if one.state in _TO_ANSWER), None),
        answered=any(one.state == WakeUp.State.ANSWERED for one in woken),
        may_ask=case is not None and case.state in AT_WORK,
        asked=asked.get(case.pk, []) if case else [],
        sent=[one.words for one in sent if case and one.case_number == case.number],
        key=new_key(),
    )
