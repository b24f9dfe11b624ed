"""What a clause with other numbers would change: the officer tries, nothing is written."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from django.contrib.auth.decorators import permission_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from citybrain.policy.impact import Impact, impact
from citybrain.policy.publishing import stored_rule
from citybrain.policy.trial import TrialError, limits_of, tried
from citybrain.policy.wording import amount_words, condition_lines
from citybrain.settings import get_settings

MOST_FOUND = 50
may_view = permission_required("grants.view_grantlist", raise_exception=True)

_FIND = """
SELECT i.item_id, i.title, i.department_zh FROM policy.item i
WHERE (i.title ILIKE %(words)s OR i.item_id ILIKE %(words)s) AND EXISTS (
    SELECT FROM policy.item_version v WHERE v.item_id = i.item_id AND v.withdrawn_at IS NULL
        AND v.valid_from <= %(day)s AND coalesce(v.valid_to, %(day)s) >= %(day)s)
ORDER BY i.department_zh, i.title, i.item_id LIMIT %(most)s
"""
_STANDING = """
SELECT i.item_id, i.title, i.department_zh, i.origin, v.definition, v.source_url
FROM policy.item i JOIN policy.item_version v USING (item_id)
WHERE i.item_id = %(item)s AND v.withdrawn_at IS NULL
    AND v.valid_from <= %(day)s AND coalesce(v.valid_to, %(day)s) >= %(day)s
"""
_DAY = "SELECT as_of FROM policy.match_run ORDER BY run_id DESC LIMIT 1"


@dataclass(frozen=True)
class Field:
    """A number on the form: what stands, what somebody typed."""

    name: str
    label: str
    unit: str
    stands: str
    typed: str
    is_day: bool

    @property
    def changed(self) -> bool:
        return self.typed != self.stands


@require_GET
@may_view
def find(request: HttpRequest) -> HttpResponse:
    """The items in force whose title or id holds the words."""
    words = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    found = _found(words, _day()) if words else []
    return render(request, "grants/trial_find.html", {"words": words, "found": found, "most": MOST_FOUND})


@require_GET
@may_view
def trial(request: HttpRequest, item_id: str) -> HttpResponse:
    """The numbers of the clause that holds, and what other numbers in the address would change."""
    day = _day()
    item = _standing(item_id, day)
    if item is None:
        raise Http404
    stands = stored_rule(item["definition"])
    typed = {name: str(text) for name, text in request.GET.items()}
    fields = [
        Field(one.name, one.label, one.unit, one.shown, typed.get(one.name, one.shown), one.is_day)
        for one in limits_of(stands)
    ]
    found, refusal = _impact(item, typed, day) if typed else (None, "")
    return render(
        request,
        "grants/trial.html",
        {
            "item": item,
            "day": day,
            "fields": fields,
            "changed": [field for field in fields if field.changed],
            "conditions": condition_lines(stands),
            "amount": amount_words(stands),
            "unconfirmed": stands.unconfirmed,
            "found": found,
            "refusal": refusal,
        },
    )


def _impact(item: dict[str, Any], typed: dict[str, str], day: date) -> tuple[Impact | None, str]:
    try:
        return impact(get_settings(), tried(item["definition"], typed), item["item_id"], day), ""
    except TrialError as refusal:
        return None, str(refusal)
    except psycopg.errors.UndefinedTable:
        return None, "企业数据还没有建好，请在数据更新后再试。"
    except psycopg.errors.QueryCanceled:
        return None, "试算超时，请稍后再试。"


def _found(words: str, day: date) -> list[tuple[str, str, str]]:
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    with connection.cursor() as cursor:
        cursor.execute(_FIND, {"words": f"%{escaped}%", "day": day, "most": MOST_FOUND})
        return list(cursor.fetchall())


def _standing(item_id: str, day: date) -> dict[str, Any] | None:
    """The version that holds on the day; None when the item has none."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, {"item": item_id, "day": day})
        row = cursor.fetchone()
    names = ("item_id", "title", "department", "origin", "definition", "source")
    return None if row is None else dict(zip(names, row, strict=True)) | {"definition": json.loads(row[4])}


def _day() -> date:
    """The day of the newest run, so that nothing differs but the numbers; today before the first one."""
    with connection.cursor() as cursor:
        cursor.execute(_DAY)
        row = cursor.fetchone()
    return row[0] if row else timezone.localdate()
