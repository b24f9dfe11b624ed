"""What a page of one case does, on the desk and on the phone alike: shows it, takes a step, sends a message.
The two differ in what they draw and in where they lead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse

from citybrain.desk.accounts.models import User
from citybrain.desk.answered import arrived
from citybrain.desk.cases.conversation import sent_message
from citybrain.desk.cases.duties import queued_cases
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.steps import StepRefusedError, sent_step, take_step
from citybrain.events.models import Case
from citybrain.events.rules import load_rules


@dataclass(frozen=True)
class Refusal:
    """What was refused, shown at its form with what had been typed there."""

    action: str
    said: str
    reason: str
    handler_id: str


@dataclass(frozen=True)
class Unsent:
    """A message that was refused: why, and what had been typed."""

    said: str = ""
    typed: str = ""


@dataclass(frozen=True)
class CasePage:
    """`filled` makes the words of `template`; `own` is the route of the page itself, `when_gone` the one for
    whoever gave the case away by their step.
    """

    template: str
    filled: Callable[[Case, User, Refusal | None, Unsent], dict[str, Any]]
    own: str
    when_gone: str

    def shown(self, request: HttpRequest, number: str) -> HttpResponse:
        """The case as it stands. Raises Http404."""
        return self._drawn(request, number)

    def taken(self, request: HttpRequest, number: str, action: str) -> HttpResponse:
        """A step on a case. What is refused is said at its form, on the case as it stands now."""
        case, person = case_or_404(number), person_of(request)
        try:
            after = take_step(case, person, sent_step(request, action))
        except StepRefusedError as refused:
            words = request.POST.get("reason", "")[:500], request.POST.get("handler", "")
            return self._drawn(request, number, Refusal(action, str(refused), *words))
        messages.success(request, f"{step_name(action)}：已办理，案件现在是“{after.get_state_display()}”。")
        if not Case.objects.filter(pk=case.pk).exists():  # it went to somebody else
            return arrived(request, redirect(self.when_gone))
        return arrived(request, redirect(self.own, number))

    def said(self, request: HttpRequest, number: str) -> HttpResponse:
        """A message on a case. What is refused is said at its form with what had been typed."""
        try:
            sent_message(request, case_or_404(number))
        except StepRefusedError as refused:
            unsent = Unsent(str(refused), request.POST.get("text", ""))
            return self._drawn(request, number, unsent=unsent)
        return arrived(request, redirect(f"{reverse(self.own, args=[number])}#conversation"))

    def _drawn(
        self, request: HttpRequest, number: str, refusal: Refusal | None = None, unsent: Unsent = Unsent()
    ) -> HttpResponse:
        words = self.filled(case_or_404(number), person_of(request), refusal, unsent)
        return render(request, self.template, words, status=422 if refusal or unsent.said else 200)


def case_or_404(number: str) -> Case:
    """A case that the person may see, by its number. Raises Http404."""
    return get_object_or_404(queued_cases(), number=number)


def step_name(action: str) -> str:
    """The Chinese name of a step. Raises Http404 when there is none."""
    for step in load_rules().transitions:
        if step.action == action:
            return step.zh
    raise Http404
