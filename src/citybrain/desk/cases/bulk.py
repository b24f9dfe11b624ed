"""A step on several cases of the queue at once: each stands or is refused by itself."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from citybrain.desk.accounts.models import Organisation, User
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.queue import BULK, PAGE, may_view
from citybrain.desk.cases.steps import StepRefusedError, key_in, version_in
from citybrain.events.acting import CaseRefusedError, apply
from citybrain.events.editions import filing_of_case
from citybrain.events.handlers import handler_for
from citybrain.events.models import Case
from citybrain.events.rules import Step, load_rules

BY_REGISTER = "register"
_REFUSALS_SHOWN = 5


@require_POST
@may_view
def take(request: HttpRequest, action: str) -> HttpResponse:
    """Take one step on the chosen cases; how many were done and what was refused is told."""
    person, step = person_of(request), _step(action)
    if step.permission is None or not person.has_perm(step.permission):
        raise PermissionDenied
    try:
        key, chosen = key_in(request), _chosen(request)
    except StepRefusedError as refused:
        messages.error(request, str(refused))
        return redirect("cases:queue")
    # All rows are held before the first step is recorded, since a record holds the ledger's chain: two people
    # who work through overlapping pages then wait for each other instead of locking each other out.
    reason = request.POST.get("reason", "") if "reason_given" in step.guards else ""
    held = list(Case.objects.select_for_update(of=("self",)).filter(pk__in=chosen).order_by("pk"))
    done, refusals = 0, []
    for case in held:
        try:
            handler = _handler(request, case) if action == "dispatch" else None
            _take_one(case, action, person, handler, reason, chosen[case.pk], key)
        except CaseRefusedError as refused:
            refusals.append(f"{case.number}：{refused}")
        else:
            done += 1
    if done:
        messages.success(request, f"{step.zh}：已办理 {done} 件。")
    for said in refusals[:_REFUSALS_SHOWN]:
        messages.error(request, said)
    if len(refusals) > _REFUSALS_SHOWN:
        messages.error(request, f"另有 {len(refusals) - _REFUSALS_SHOWN} 件没有办理，请逐件查看。")
    if missing := len(chosen) - len(held):
        messages.error(request, f"{missing} 件不存在或您无权查看，没有办理。")
    return redirect("cases:queue")


@transaction.atomic
def _take_one(
    case: Case,
    action: str,
    person: User,
    handler: Organisation | None,
    reason: str,
    version: int,
    key: str,
) -> None:
    apply(case, action, person, organisation=handler, reason=reason, version=version, key=f"{key}:{action}")


def _step(action: str) -> Step:
    """Raises Http404 for a step that is not taken in bulk."""
    if action not in BULK:
        raise Http404
    return next(step for step in load_rules().transitions if step.action == action)


def _chosen(request: HttpRequest) -> dict[int, int]:
    """Case and the version that the page showed, as the boxes carry them. Raises StepRefusedError."""
    chosen = {}
    for box in request.POST.getlist("case")[:PAGE]:
        case_id, _, version = box.partition(":")
        chosen[version_in(case_id)] = version_in(version)
    if not chosen:
        raise StepRefusedError("请先勾选案件。")
    return chosen


def _handler(request: HttpRequest, case: Case) -> Organisation:
    """The chosen handler, or the one that the register names. Raises CaseRefusedError for none."""
    chosen = request.POST.get("handler", BY_REGISTER)
    if chosen != BY_REGISTER:
        picked = Organisation.objects.filter(pk=version_in(chosen), is_active=True).first()
        if picked is None:
            raise CaseRefusedError("请选择一个在用的承办单位。")
        return picked
    found = handler_for(case, filing_of_case(case).rule)
    if not isinstance(found, Organisation):
        raise CaseRefusedError("登记中没有承办单位，请单独派遣。")
    return found
