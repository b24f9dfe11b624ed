"""Why an enterprise gets each item, or why not."""

import psycopg
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from citybrain.policy.explanation import explain
from citybrain.policy.grants import reading
from citybrain.policy.grants.models import GrantLine, LineState
from citybrain.policy.matching import MatchError
from citybrain.settings import get_settings

may_view = permission_required("grants.view_grantlist", raise_exception=True)


@require_GET
@may_view
def firm(request: HttpRequest, uscc: str) -> HttpResponse:
    """Every item of the newest run for one enterprise, and the lists it stands in."""
    lines = GrantLine.objects.filter(uscc=uscc).exclude(state=LineState.RELEASED).select_related("list")
    items = reading.firm_items(uscc)
    return render(
        request,
        "grants/firm.html",
        {"uscc": uscc, "name": reading.firm_name(uscc), "lines": lines, "items": items},
    )


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
