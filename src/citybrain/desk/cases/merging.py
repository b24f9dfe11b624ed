"""Making a case part of another one, and giving signals that do not belong a case of their own."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from citybrain.desk.cases.case_page import case_or_404
from citybrain.desk.cases.one import may_view
from citybrain.desk.cases.person import person_of
from citybrain.desk.cases.steps import version_in
from citybrain.events.acting import CaseRefusedError
from citybrain.events.merging import join, split
from citybrain.events.models import Case

may_merge = permission_required("events.split_case", raise_exception=True)


@require_POST
@may_view
@may_merge
def join_case(request: HttpRequest, number: str) -> HttpResponse:
    """Make the case part of the one that the form names; then that one is shown."""
    case, person = case_or_404(number), person_of(request)
    into = Case.objects.filter(number=request.POST.get("into", "").strip()).first()
    if into is None or into.pk == case.pk:
        messages.error(request, "没有这个编号的案件，或您无权查看。")
        return redirect("cases:case", number)
    reason, version = request.POST.get("reason", "")[:500], version_in(request.POST.get("version", ""))
    return _done(
        request, number, lambda: join(case, into, person, reason, version=version), "已并入案件 {}。"
    )


@require_POST
@may_view
@may_merge
def split_case(request: HttpRequest, number: str) -> HttpResponse:
    """Give the ticked signals to a case of their own; then that one is shown."""
    case, person = case_or_404(number), person_of(request)
    keys, reason = request.POST.getlist("signal")[:200], request.POST.get("reason", "")[:500]
    version = version_in(request.POST.get("version", ""))
    return _done(
        request, number, lambda: split(case, keys, person, reason, version=version), "已拆分为案件 {}。"
    )


def _done(request: HttpRequest, number: str, work: Callable[[], Case], said: str) -> HttpResponse:
    try:
        with transaction.atomic():
            shown = work()
    except CaseRefusedError as refused:
        messages.error(request, str(refused))
        return redirect("cases:case", number)
    messages.success(request, said.format(shown.number))
    return redirect("cases:case", shown.number)
