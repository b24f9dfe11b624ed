"""One case: its pictures, where it is, its limits and history, and the steps the person may take."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST

from citybrain.catalogue import load_scenarios
from citybrain.desk.accounts.models import User
from citybrain.desk.cases.boxes import Drawn, boxes_in, text_size
from citybrain.desk.cases.case_page import CasePage, Refusal, Unsent
from citybrain.desk.cases.conversation import conversation, may_write
from citybrain.desk.cases.duties import duty_of
from citybrain.desk.cases.history import history
from citybrain.desk.cases.limits import limits
from citybrain.desk.cases.places import camera_name
from citybrain.desk.cases.queue import handlers
from citybrain.desk.cases.similar import similar_cases
from citybrain.desk.cases.steps import new_key
from citybrain.desk.cases.waiting import why_waiting
from citybrain.events.acting import Offer, actions_for
from citybrain.events.editions import filing_of_case
from citybrain.events.guards import photo_of_this_round
from citybrain.events.merging import repeats
from citybrain.events.models import Case, Evidence
from citybrain.events.photos import MOST_AT_ONCE

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
    """Before, the first seen first; and after, the newest first. The conversation shows its own."""
    about = case.evidence.exclude(kind=Evidence.Kind.MESSAGE)
    pictures = list(about.select_related("uploaded_by", "signal"))
    boxes = boxes_in(case, pictures)
    shown = [Shown(one, boxes.get(one.pk, []), text_size(one.height or 0)) for one in pictures]
    before = [one for one in shown if one.picture.kind in BEFORE]
    return before, [one for one in reversed(shown) if one.picture.kind not in BEFORE]


def _page(case: Case, person: User, refusal: Refusal | None, unsent: Unsent) -> dict[str, Any]:
    before, after = pictures_of(case)
    talk = conversation(case, person, unsent.said, unsent.typed)
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
        "most_photos": MOST_AT_ONCE,
        "limits": limits(case),
        "conversation": talk,
        "history": history(case, talk.said),
        "forms": forms,
        "handlers": handlers() if any(form.offer.needs_handler for form in forms) else [],
        # Said at the top when the case has moved on and its form is gone.
        "refused": refusal if refusal and not any(form.refusal for form in forms) else None,
    }


_PAGE = CasePage("cases/case.html", _page, own="cases:case", when_gone="cases:queue")
