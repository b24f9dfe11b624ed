"""After the payment file: the bank's return, the file beside it, and money that is asked back."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from citybrain.desk.grants.taking import attempt, person_of, yuan_of
from citybrain.policy.grants.models import GrantLine, PaymentFile, Recovery
from citybrain.policy.grants.receipts import ask_back, import_receipts, reconcile, settle_recovery
from citybrain.settings import get_settings

PAGE = 50
may_view = permission_required("grants.view_grantlist", raise_exception=True)
may_pay = permission_required("grants.make_payment_file", raise_exception=True)
may_countersign = permission_required("grants.countersign_list", raise_exception=True)


@require_GET
@may_view
def show(request: HttpRequest, file_id: int) -> HttpResponse:
    """A payment file beside what the bank said: what is booked, what failed and why, what is open."""
    file = get_object_or_404(PaymentFile.objects.select_related("list", "created_by"), pk=file_id)
    found = reconcile(file.pk)
    page = Paginator([*found.failed, *found.open], PAGE).get_page(request.GET.get("page"))
    receipts = file.receipts.select_related("received_by").order_by("-received_at")
    returns = {receipt.sha256: receipt for receipt in receipts}  # one of each return that was taken in
    return render(
        request,
        "grants/payment.html",
        {
            "file": file,
            "list": file.list,
            "found": found,
            "page": page,
            "returns": list(returns.values()),
            "recoveries": Recovery.objects.filter(line__parts__payment_file=file).distinct().count(),
        },
    )


@require_POST
@may_pay
def take_receipts(request: HttpRequest, file_id: int) -> HttpResponse:
    """Take in the bank's return, all of it or nothing."""
    get_object_or_404(PaymentFile, pk=file_id)
    uploaded = request.FILES.get("returned")
    if uploaded is None:
        messages.error(request, "请选择银行回单文件（CSV）。")
        return redirect("grants:payment", file_id)

    def step() -> None:
        done = import_receipts(get_settings(), file_id, uploaded.read(), person_of(request))
        if done.new:
            messages.success(request, f"回单已导入：成功 {done.paid} 笔，失败 {done.failed} 笔。")
        else:
            messages.info(request, "这份回单以前导入过，没有重复导入。")

    attempt(request, step, "")
    return redirect("grants:payment", file_id)


@require_GET
@may_view
def recoveries(request: HttpRequest) -> HttpResponse:
    """Money asked back: what is open first, then what was settled."""
    found = Recovery.objects.select_related("line", "line__list", "opened_by", "settled_by")
    opened = list(found.filter(state=Recovery.State.OPEN).order_by("id"))
    settled = found.exclude(state=Recovery.State.OPEN).order_by("-settled_at")
    page = Paginator(settled, PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "grants/recoveries.html",
        {"opened": opened, "page": page, "total": sum(one.amount for one in opened)},
    )


@require_POST
@may_pay
def claim(request: HttpRequest, line_id: int) -> HttpResponse:
    """Ask an enterprise for money back."""
    get_object_or_404(GrantLine, pk=line_id)
    attempt(
        request,
        lambda: ask_back(line_id, yuan_of(request), request.POST.get("reason", ""), person_of(request)),
        "已提出追回，由复核岗办结。",
    )
    return redirect("grants:line", line_id)


@require_POST
@may_countersign
def settle_claim(request: HttpRequest, recovery_id: int) -> HttpResponse:
    """Say that the money came back, or that it is asked for no more; not by who asked."""
    get_object_or_404(Recovery, pk=recovery_id)
    recovered = request.POST.get("recovered") == "yes"
    attempt(
        request,
        lambda: settle_recovery(recovery_id, recovered, request.POST.get("reason", ""), person_of(request)),
        "追回已办结。",
    )
    return redirect("grants:recoveries")
