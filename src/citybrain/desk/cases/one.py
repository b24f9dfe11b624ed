"""One case: its pictures, where it is, its limits and history, and the steps the person may take."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from citybrain.catalogue import load_scenarios
from citybrain.desk.accounts.models import User
from citybrain.desk.cases.boxes import Drawn, boxes_in, text_size
from citybrain.desk.cases.conversation import conversation, may_write, sent_message
from citybrain.desk.cases.duties import duty_of, queued_cases
from citybrain.desk.cases.history import history
from citybrain.desk.cases.limits import limits
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.places import camera_name
from citybrain.desk.cases.queue import handlers
from citybrain.desk.cases.similar import similar_cases
from citybrain.desk.cases.steps import StepRefusedError, new_key, sent_step, take_step
from citybrain.desk.cases.waiting import why_waiting
from citybrain.events.acting import Offer, actions_for
from citybrain.events.editions import filing_of_case
from citybrain.events.guards import photo_of_this_round
from citybrain.events.merging import repeats
from citybrain.events.models import Case, Evidence
from citybrain.events.rules import load_rules

BEFORE = (Evidence.Kind.BEFORE, Evidence.Kind.NEAR, Evidence.Kind.REFERENCE)
# Steps that end or take away: their button names it as a danger.
DANGEROUS = ("void", "reject", "return", "send_back", "force_close", "refuse_extension", "refuse_suspension")
# Steps off the way: folded until somebody means them.
ASIDE = (
    *("redispatch", "return", "send_back", "suspend", "void", "ask_extension", "ask_suspension", "appeal"),
    *("force_close", "reopen", "dispute"),
)
SIGNALS = 50  # shown on the page, the newest
JOINED_FROM = (Case.State.DETECTED, Case.State.CONFIRMED, Case.State.FILED)
may_view = permission_required("events.view_case", raise_exception=True)


@dataclass(frozen=True)
class Refusal:
    """What was refused, shown at its form with what had been typed there."""

    action: str
    said: str
    reason: str
    handler_id: str


@dataclass(frozen=True)
class Form:
    """An offered step with what its form needs; `has_photo`: one of this round has been sent already."""

    offer: Offer
    key: str
    dangerous: bool
    aside: bool
    has_photo: bool
    refusal: Refusal | None


@dataclass(frozen=True)
class Shown:
    """A picture with what detectors saw in it; `text` is the size of the boxes' labels in its pixels."""

    picture: Evidence
    boxes: list[Drawn]
    text: int


@require_GET
@may_view
def show(request: HttpRequest, number: str) -> HttpResponse:
    """The case as it stands."""
    case = case_or_404(number)
    return render(request, "cases/case.html", _page(case, person_of(request)))


@require_POST
@may_view
def take(request: HttpRequest, number: str, action: str) -> HttpResponse:
    """A step on a case. What is refused is said at its form, on the case as it stands now."""
    case, person = case_or_404(number), person_of(request)
    try:
        taken = take_step(case, person, sent_step(request, action))
    except StepRefusedError as refused:
        case = case_or_404(number)
        page = _page(case, person, refusal_of(request, action, refused))
        return render(request, "cases/case.html", page, status=422)
    messages.success(request, f"{step_name(action)}：已办理，案件现在是“{taken.get_state_display()}”。")
    if not Case.objects.filter(pk=case.pk).exists():  # it went to somebody else
        return redirect("cases:queue")
    return redirect("cases:case", number)


@require_POST
@may_view
@may_write
def say(request: HttpRequest, number: str) -> HttpResponse:
    """A message on a case. What is refused is said at its form with what had been typed."""
    case, person = case_or_404(number), person_of(request)
    try:
        sent_message(request, case)
    except StepRefusedError as refused:
        page = _page(case, person, unsent=(str(refused), request.POST.get("text", "")))
        return render(request, "cases/case.html", page, status=422)
    return redirect(f"{reverse('cases:case', args=[number])}#conversation")


def case_or_404(number: str) -> Case:
    """A case that the person may see, by its number. Raises Http404."""
    return get_object_or_404(queued_cases(), number=number)


def step_name(action: str) -> str:
    """The Chinese name of a step. Raises Http404 when there is none."""
    for step in load_rules().transitions:
        if step.action == action:
            return step.zh
    raise Http404


def refusal_of(request: HttpRequest, action: str, refused: StepRefusedError) -> Refusal:
    return Refusal(
        action, str(refused), request.POST.get("reason", "")[:500], request.POST.get("handler", "")
    )


def forms_for(case: Case, person: User, refusal: Refusal | None = None) -> list[Form]:
    """A form for each step that the person may take now, each with a key of its own."""
    return [
        Form(
            offer=offer,
            key=new_key(),
            dangerous=offer.action in DANGEROUS,
            aside=offer.action in ASIDE,
            has_photo=offer.needs_photo and photo_of_this_round(case) is not None,
            refusal=refusal if refusal and refusal.action == offer.action else None,
        )
        for offer in actions_for(case, person)
    ]


def pictures_of(case: Case) -> tuple[list[Shown], list[Shown]]:
    """Before, the first seen first; and after, the newest first."""
    pictures = list(case.evidence.select_related("uploaded_by", "signal"))
    boxes = boxes_in(case, pictures)
    shown = [Shown(one, boxes.get(one.pk, []), text_size(one.height or 0)) for one in pictures]
    before = [one for one in shown if one.picture.kind in BEFORE]
    return before, [one for one in reversed(shown) if one.picture.kind not in BEFORE]


def _page(
    case: Case, person: User, refusal: Refusal | None = None, unsent: tuple[str, str] = ("", "")
) -> dict[str, Any]:
    before, after = pictures_of(case)
    talk = conversation(case, person, *unsent)
    forms = forms_for(case, person, refusal)
    scenarios = {scenario.id: scenario.zh for scenario in load_scenarios().event_handling}
    return {
        "case": case,
        "duty": duty_of(person, case),
        "waits": why_waiting(case),
        "scenario": scenarios.get(case.scenario, case.scenario),
        "rule": filing_of_case(case).rule,
        "repeats": repeats(case),
        "similar": similar_cases(case, person),
        "signals": list(case.signals.select_related("reporter").order_by("-observed_at", "-id")[:SIGNALS]),
        "may_join": person.has_perm("events.split_case") and case.state in JOINED_FROM,
        "may_split": person.has_perm("events.split_case") and case.is_open,
        "wake_ups": list(case.wake_ups.select_related("warden")),
        "camera": camera_name(case.source_id),
        "sources": [Case.SourceKind(kind).label for kind in case.source_kinds],
        "before": before,
        "after": after,
        "limits": limits(case),
        "conversation": talk,
        "history": history(case, talk.said),
        "forms": forms,
        "handlers": handlers() if any(form.offer.needs_handler for form in forms) else [],
        # Said at the top when the case has moved on and its form is gone.
        "refused": refusal if refusal and not any(form.refusal for form in forms) else None,
    }
