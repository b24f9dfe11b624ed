"""Why an enterprise gets each item, or why not: for officers, and for the enterprise itself."""

from typing import Any

import psycopg
from django.contrib.auth.decorators import login_not_required, permission_required
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from citybrain.policy.explanation import explain
from citybrain.policy.grants import reading
from citybrain.policy.grants.acts import scope
from citybrain.policy.grants.models import GrantLine, LineState
from citybrain.policy.run_report import MatchError
from citybrain.settings import get_settings

may_view = permission_required("grants.view_grantlist", raise_exception=True)
SALT = "grants.firm"
DAYS = 30  # a link to an enterprise's own page opens so long


@require_GET
@may_view
def firm(request: HttpRequest, uscc: str) -> HttpResponse:
    """What the newest run says of one enterprise, the lists it stands in, and the link to its own page."""
    link = ""
    if request.user.has_perm("grants.approve_list"):
        token = signing.dumps(uscc, salt=SALT)
        link = request.build_absolute_uri(reverse("grants-own", args=[token]))
    return render(request, "grants/firm.html", {**_of_firm(uscc), "link": link, "days": DAYS})


@require_GET
@login_not_required
@never_cache
def own(request: HttpRequest, token: str) -> HttpResponse:
    """The enterprise's own page: the link is the key, no sign-in. What officers wrote is not on it."""
    try:
        uscc = signing.loads(token, salt=SALT, max_age=DAYS * 24 * 3600)
    except signing.BadSignature as error:
        raise Http404 from error
    with scope():
        return render(request, "grants/own.html", _of_firm(uscc))


def _of_firm(uscc: str) -> dict[str, Any]:
    items = reading.firm_items(uscc)
    lines = (
        GrantLine.objects.filter(uscc=uscc)
        .exclude(state=LineState.RELEASED)
        .select_related("list")
        .prefetch_related("parts__receipts")
        .order_by("-list_id")
    )
    return {
        "uscc": uscc,
        "name": reading.firm_name(uscc),
        "lines": list(lines),
        "items": items,
        "others": reading.firm_others(items),
    }


@require_GET
@may_view
def why(request: HttpRequest, uscc: str, item_id: str) -> HttpResponse:
    """Every criterion of one item, worked out from today's facts where the run kept no row."""
    try:
        found, refusal = explain(get_settings(), item_id, uscc), ""
    except MatchError:
        found, refusal = None, "没有这户企业或这个项目的数据。"
    except psycopg.Error:
        found, refusal = None, "企业数据还没有建好，请在数据更新后再看。"
    return render(
        request, "grants/why.html", {"uscc": uscc, "item_id": item_id, "found": found, "refusal": refusal}
    )
