"""The public pages of the policies: anybody may look up what there is and what it asks for."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from citybrain.desk.policies import register
from citybrain.policy.wording import CHANNEL_ZH

PAGE = 50
LONGEST_QUESTION = 100


@require_GET
@login_not_required
def index(request: HttpRequest) -> HttpResponse:
    """Documents by words, department and channel; those in force unless all are asked for."""
    day = timezone.localdate()
    asked = request.GET.get("q", "")[:LONGEST_QUESTION].replace("\x00", "")
    department = request.GET.get("department", "")
    channel = request.GET.get("channel", "")
    channel = channel if channel in CHANNEL_ZH else ""
    everything = request.GET.get("all") == "1"
    departments = register.departments()
    department = department if department in dict(departments) else ""
    found, whole = register.search(asked, department, channel, not everything, day)
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "counts": register.counts(day), "asked": asked, "department": department, "channel": channel,
        "everything": everything, "departments": departments, "channels": list(CHANNEL_ZH.items()),
        "whole": whole, "page": page, "items": sum(one.items for one in found),
    }  # fmt: skip
    return render(request, "policies/index.html", context)


@require_GET
@login_not_required
def document(request: HttpRequest, document_id: str) -> HttpResponse:
    """One document: its items and what each needs, in plain Chinese."""
    found = register.document(document_id)
    items = register.items_of(document_id, timezone.localdate()) if found else []
    if found is None or not items:
        raise Http404
    found["link"] = found["uri"] if urlsplit(found["uri"]).scheme in ("http", "https") else None
    return render(request, "policies/document.html", {"document": found, "items": items})
