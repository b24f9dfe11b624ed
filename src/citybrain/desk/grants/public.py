"""The public notices: anybody may read them and object to a line. Row security shows nothing else here."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.views.decorators.http import require_GET, require_http_methods

from citybrain.policy.grants import reading
from citybrain.policy.grants.acts import GrantRefusedError
from citybrain.policy.grants.models import COUNTED, GrantLine, GrantNotice, ListState
from citybrain.policy.grants.notices import object_to

PAGE = 50
_PERSONAL = ("92",)  # sole proprietors: name and code lead to one person


@require_GET
@login_not_required
def index(request: HttpRequest) -> HttpResponse:
    """Notices that run, then those that ended; newest first."""
    notices = GrantNotice.objects.select_related("list").order_by("-opened_at")
    running: list[GrantNotice] = []
    ended: list[GrantNotice] = []
    for notice in notices[:200]:
        (running if _runs(notice) else ended).append(notice)
    return render(request, "grants/notices.html", {"running": running, "ended": ended})


@require_GET
@login_not_required
def notice(request: HttpRequest, slug: str) -> HttpResponse:
    """Item, dates, enterprises and amounts of one notice."""
    found = _notice(slug)
    lines = found.list.lines.filter(state__in=COUNTED).order_by("rank", "uscc")
    page = Paginator(lines, PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "grants/notice.html",
        {
            "notice": found,
            "list": found.list,
            "clause": reading.clause(found.list.item_version_id),
            "runs": _runs(found),
            "page": page,
            "rows": [(line, *shown(line)) for line in page.object_list],
        },
    )


@require_http_methods(["GET", "POST"])
@login_not_required
def objection(request: HttpRequest, slug: str, line_id: int) -> HttpResponse:
    """The form to object to one line, and its answer."""
    found = _notice(slug)
    line = get_object_or_404(GrantLine, pk=line_id, list=found.list, state__in=COUNTED)
    context: dict[str, Any] = {"notice": found, "list": found.list, "line": line, "runs": _runs(found)}
    context["name"], context["code"] = shown(line)
    if request.method == "POST":
        text, contact = request.POST.get("text", ""), request.POST.get("contact", "")
        try:
            object_to(line_id, text, contact, _sender(request))
        except GrantRefusedError as refusal:
            context |= {"error": str(refusal), "text": text, "contact": contact}
            return render(request, "grants/objection.html", context, status=422)
        return redirect("grants-notice-objection-filed", slug)
    return render(request, "grants/objection.html", context)


@require_GET
@login_not_required
def filed(request: HttpRequest, slug: str) -> HttpResponse:
    """What happens with an objection now."""
    return render(request, "grants/objection_filed.html", {"notice": _notice(slug)})


def shown(line: GrantLine) -> tuple[str, str]:
    """Name and credit code as the public sees them: those of a sole proprietor are masked."""
    if not line.uscc.startswith(_PERSONAL):
        return line.enterprise_name, line.uscc
    name = line.enterprise_name
    kept = name[:2] + "＊" * max(1, len(name) - 4) + name[-2:] if len(name) > 4 else name[:1] + "＊" * 3
    return kept, f"{line.uscc[:6]}********{line.uscc[-4:]}"


def _runs(notice: GrantNotice) -> bool:
    return notice.list.state == ListState.NOTICE_OPEN and notice.closes_at > timezone.now()


def _notice(slug: str) -> GrantNotice:
    return get_object_or_404(GrantNotice.objects.select_related("list"), slug=slug)


def _sender(request: HttpRequest) -> str:
    """A keyed digest of the address the request came from: enough to count, not to know."""
    address = request.META.get("REMOTE_ADDR", "")
    return salted_hmac("citybrain.grants.objection", address, secret=settings.SECRET_KEY).hexdigest()
