"""The list of lists, one list with its lines and reasons, and the steps people take on them."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AbstractUser
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from citybrain.catalogue import load_areas
from citybrain.desk.grants.duties import duty, lists_with_counts, steps_of
from citybrain.desk.grants.taking import attempt, person_of, version_of
from citybrain.desk.grants.workbook import workbook_bytes
from citybrain.lake import LakeError
from citybrain.policy.grants import notices, payment, reading, review
from citybrain.policy.grants.differences import differences
from citybrain.policy.grants.findings import findings
from citybrain.policy.grants.later_parts import later_parts
from citybrain.policy.grants.models import (
    GrantLine,
    GrantList,
    GrantObjection,
    LineState,
    ListState,
    PaymentFile,
    Recovery,
)
from citybrain.policy.grants.receipts import recoverable
from citybrain.policy.grants.sample import drawn_sample
from citybrain.policy.grants.terms import terms_of
from citybrain.settings import get_settings

PAGE = 50
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
may_view = permission_required("grants.view_grantlist", raise_exception=True)


@require_GET
@may_view
def index(request: HttpRequest) -> HttpResponse:
    """Every list; those that wait for the person first."""
    everything = request.GET.get("show") == "all"
    lists = list(lists_with_counts().exclude(state=ListState.WITHDRAWN).order_by("-id")[:500])
    taken = steps_of(person_of(request), lists)
    rows = [(one, duty(person_of(request), one, taken.get(one.pk, set()))) for one in lists]
    rows.sort(key=lambda row: (not row[1], -row[0].pk))
    waiting = [row for row in rows if row[1]]
    shown = rows if everything or not waiting else waiting
    page = Paginator(shown, PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "grants/lists.html",
        {
            "page": page,
            "all_count": len(rows),
            "waiting_count": len(waiting),
            "everything": everything or not waiting,
            "total": sum(row[0].total for row in rows),
            "waiting_total": sum(row[0].total for row in waiting),
            "open_recoveries": Recovery.objects.filter(state=Recovery.State.OPEN).count(),
        },
    )


@require_GET
@may_view
def show(request: HttpRequest, list_id: int) -> HttpResponse:
    """One list: what it is, what to do, its lines with reasons, what the newest run says, its history."""
    grant_list = get_object_or_404(lists_with_counts(), pk=list_id)
    person = person_of(request)
    lines = _filtered(grant_list, request)
    page = Paginator(lines, PAGE).get_page(request.GET.get("page"))
    reasons = reading.criteria_of_lines(grant_list, page.object_list)
    taken = steps_of(person, [grant_list]).get(grant_list.pk, set())
    return render(
        request,
        "grants/list.html",
        {
            "list": grant_list,
            "clause": reading.clause(grant_list.item_version_id),
            "page": page,
            "rows": [(line, reasons[line.pk]) for line in page.object_list],
            "counties": load_areas().counties,
            "states": LineState.choices,
            "duty": duty(person, grant_list, taken),
            "missing_signatures": review.countersignatures_missing(grant_list),
            "unconfirmed": _unconfirmed(grant_list),
            "returned": _last_return(grant_list),
            "objections": GrantObjection.objects.filter(line__list=grant_list, state="open").select_related(
                "line"
            ),
            "differences": differences(grant_list),
            "open_ends": reading.open_end_counts(grant_list.run_id, grant_list.item_version_id),
            "history": grant_list.decisions.select_related("person", "line"),
            "files": grant_list.payment_files.select_related("created_by"),
            "sample": drawn_sample(grant_list),
            "reviewing": grant_list.state in (ListState.DRAFT, ListState.RETURNED, ListState.FIRST_REVIEW),
            "findings": findings(get_settings(), grant_list),
            "later": later_parts(get_settings(), grant_list, terms_of(grant_list.item_version_id)),
        },
    )


@require_GET
@may_view
def open_ends(request: HttpRequest, list_id: int, status: str) -> HttpResponse:
    """Who is near the item, or lacks data, and what stands between."""
    grant_list = get_object_or_404(GrantList, pk=list_id)
    if status not in ("near", "needs_data"):
        raise Http404
    return render(
        request,
        "grants/open_ends.html",
        {
            "list": grant_list,
            "status": status,
            "counts": reading.open_end_counts(grant_list.run_id, grant_list.item_version_id).get(status),
            "firms": reading.open_ends(grant_list.run_id, grant_list.item_version_id, status),
        },
    )


@require_GET
@permission_required("grants.export_list", raise_exception=True)
def export(_request: HttpRequest, list_id: int) -> HttpResponse:
    """The whole list as a workbook, with the reasons."""
    grant_list = get_object_or_404(GrantList, pk=list_id)
    lines = list(grant_list.lines.exclude(state=LineState.RELEASED))
    answer = HttpResponse(
        workbook_bytes(grant_list, lines, reading.criteria_of_lines(grant_list, lines)), content_type=XLSX
    )
    answer["Content-Disposition"] = f'attachment; filename="{_file_name(grant_list)}.xlsx"'
    return answer


@require_GET
@may_view
def line(request: HttpRequest, line_id: int) -> HttpResponse:
    """One enterprise's line: every condition, objections, and what may be done with it."""
    found = get_object_or_404(GrantLine.objects.select_related("list"), pk=line_id)
    return render(
        request,
        "grants/line.html",
        {
            "line": found,
            "list": found.list,
            "criteria": reading.criteria_of_lines(found.list, [found])[found.pk],
            "objections": found.objections.select_related("settled_by"),
            "history": found.decisions.select_related("person"),
            "reviewable": found.list.state in (ListState.DRAFT, ListState.RETURNED),
            "parts": found.parts.prefetch_related("receipts").order_by("stage_number", "row"),
            "recoveries": found.recoveries.select_related("opened_by", "settled_by"),
            "recoverable": recoverable(found),
        },
    )


@require_POST
@may_view
def take(request: HttpRequest, list_id: int, step: str) -> HttpResponse:
    """A step on a list; what it refuses is said on the list's page."""
    person, version, reason = person_of(request), version_of(request), request.POST.get("reason", "")
    steps: dict[str, Callable[[], Any]] = {
        "approve": lambda: review.approve(list_id, person, version, reason),
        "countersign": lambda: review.countersign(list_id, person, version, reason),
        "return": lambda: review.return_list(list_id, person, version, reason),
        "withdraw": lambda: review.withdraw(list_id, person, version, reason),
        "open-notice": lambda: notices.open_notice(list_id, person, version),
        "confirm": lambda: review.confirm(list_id, person, version, request.POST.getlist("uscc"), reason),
        "pay": lambda: _pay(request, list_id, person, version),
    }
    if step not in steps:
        raise Http404
    attempt(request, steps[step], _DONE[step])
    return redirect("grants:list", list_id)


@require_POST
@may_view
def take_on_line(request: HttpRequest, line_id: int, step: str) -> HttpResponse:
    """Exclude or restore one enterprise."""
    person, version, reason = person_of(request), version_of(request), request.POST.get("reason", "")
    steps: dict[str, Callable[[], Any]] = {
        "exclude": lambda: review.exclude(line_id, person, version, reason),
        "restore": lambda: review.restore(line_id, person, version, reason),
    }
    if step not in steps:
        raise Http404
    attempt(request, steps[step], _DONE[step])
    return redirect("grants:line", line_id)


@require_POST
@may_view
def settle(request: HttpRequest, objection_id: int) -> HttpResponse:
    """Answer an objection."""
    objection = get_object_or_404(GrantObjection, pk=objection_id)
    upheld = request.POST.get("upheld") == "yes"
    answer = request.POST.get("reason", "")
    attempt(request, lambda: notices.settle(objection_id, person_of(request), upheld, answer), "异议已核处。")
    return redirect("grants:line", objection.line_id)


@require_GET
@permission_required("grants.make_payment_file", raise_exception=True)
def download(request: HttpRequest, file_id: int) -> HttpResponse:
    """A payment file's bytes, checked against its hash on the way."""
    file = get_object_or_404(PaymentFile.objects.select_related("list"), pk=file_id)
    try:
        content = payment.read_payment_file(get_settings(), file)
    except LakeError as error:
        messages.error(request, f"拨付文件读取失败，请联系系统管理员：{error}")
        return redirect("grants:list", file.list_id)
    answer = HttpResponse(content, content_type="text/csv; charset=gb18030")
    answer["Content-Disposition"] = f'attachment; filename="{_file_name(file.list)}-pay-{file.number}.csv"'
    answer["X-Content-SHA256"] = file.sha256
    return answer


_DONE = {
    "approve": "初审已通过，等待复核。",
    "countersign": "复核已通过。",
    "return": "名单已退回经办。",
    "withdraw": "名单已作废，下次匹配将重新生成。",
    "open-notice": "公示已发布。",
    "confirm": "企业确认已登记。",
    "pay": "",
    "exclude": "已剔除。",
    "restore": "已恢复。",
}


def _pay(request: HttpRequest, list_id: int, person: AbstractUser, version: int) -> None:
    paid = payment.make_payment_file(get_settings(), list_id, person, version)
    if paid.made and paid.file:
        messages.success(request, f"拨付文件已生成：{paid.file.rows} 笔，{paid.file.total:,.2f} 元。")
    elif paid.file:
        messages.info(request, "没有新的可拨付明细，已有的拨付文件不变。")
    if paid.held:
        messages.warning(request, f"{paid.held} 户拨付前复查不一致，已暂停，没有列入文件。")


def _filtered(grant_list: GrantList, request: HttpRequest) -> Any:
    lines = grant_list.lines.order_by("rank", "uscc")
    if words := request.GET.get("q", "").strip()[:100]:
        lines = lines.filter(Q(enterprise_name__icontains=words) | Q(uscc__icontains=words))
    if county := request.GET.get("county"):
        lines = lines.filter(county_code=county[:6])
    if (state := request.GET.get("state")) in LineState.values:
        lines = lines.filter(state=state)
    return lines


def _unconfirmed(grant_list: GrantList) -> list[GrantLine]:
    """Enterprises that may be asked now, at most a page of them."""
    asked = (ListState.SECOND_REVIEW, ListState.NOTICE_OPEN, ListState.NOTICE_CLOSED)
    if not grant_list.confirm_by_enterprise or grant_list.state not in (
        *asked,
        ListState.PAYABLE,
        ListState.PAID_FILE_MADE,
    ):
        return []
    return list(grant_list.lines.filter(state=LineState.PROPOSED, confirmed_at__isnull=True)[:PAGE])


def _last_return(grant_list: GrantList) -> Any:
    if grant_list.state != ListState.RETURNED:
        return None
    return grant_list.decisions.filter(decision="return").select_related("person").last()


def _file_name(grant_list: GrantList) -> str:
    return grant_list.code.replace("/", "-")


@require_GET
@may_view
def find_firm(request: HttpRequest) -> HttpResponseRedirect:
    """From a credit code typed in to the enterprise's page."""
    code = "".join(request.GET.get("uscc", "").split()).upper()[:18]
    return redirect("grants:firm", code) if code.isalnum() else redirect(reverse("grants:lists"))
