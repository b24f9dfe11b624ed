"""Cases that the system's department sees: listed, followed by what changed, and one with its history."""

from datetime import datetime
from typing import Annotated, Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from ninja import Query, Router
from pydantic import BaseModel, Field

from citybrain.desk.accounts.models import User
from citybrain.desk.api.acting import require
from citybrain.desk.api.problems import ProblemError
from citybrain.desk.api.shapes import CaseDetail, CaseOut, case_detail, case_out
from citybrain.desk.api.words import (
    CaseNumber,
    Code,
    County,
    Moment,
    OrganisationCode,
    Watermark,
    not_found,
)
from citybrain.events.acting import actions_for
from citybrain.events.models import ENDED, Case
from citybrain.events.rules import StateName

router = Router(tags=["cases"])
VIEW = "events.view_case"
_WINDOW = 5000  # entries of the ledger that one call looks through
# The chain is held by its writer until that one commits, so numbers grow in the order in which others see
# them: whoever has read up to a number misses nothing below it.
_ENTRIES = """
SELECT entry_id, substr(subject, 6) FROM ledger.entry
WHERE entry_id > %s AND entry_id <= %s AND subject LIKE 'case:%%' ORDER BY entry_id
"""
_NEWEST = "SELECT coalesce(max(entry_id), 0) FROM ledger.entry"
_BEFORE = "SELECT entry_id FROM ledger.entry WHERE recorded_at < %s ORDER BY entry_id DESC LIMIT 1"


class Filters(BaseModel):
    state: list[StateName] = Field(default=[], description="may be given several times")
    is_open: bool | None = None
    scenario: Code | None = None
    class_code: Code | None = None
    county: County | None = Field(default=None, description="code of the county")
    handler: OrganisationCode | None = Field(
        default=None, description="code of the organisation that handles"
    )
    found_from: Moment | None = None
    found_to: Moment | None = Field(default=None, description="not included")


class CasePage(BaseModel):
    cases: list[CaseOut]
    next: str | None = Field(description="`cursor` of the next page; none on the last one")


class Changes(BaseModel):
    cases: list[CaseOut] = Field(description="each once, as it stands now, by its last change")
    watermark: str = Field(description="`after` of the next call; keep it")
    more: bool = Field(description="ask again at once")


@router.get("/cases", response=CasePage, operation_id="list_cases", summary="Cases, the newest first")
def list_cases(
    request: HttpRequest,
    filters: Annotated[Filters, Query(...)],
    cursor: Watermark | None = None,
    limit: Annotated[int, Query(50, ge=1, le=200)] = 50,
) -> CasePage:
    """Pages by `cursor`: a case that comes in between moves nothing, unlike with numbered pages."""
    found = _narrowed(seen_by(require(request, VIEW)), filters)
    if cursor is not None:
        found = found.filter(pk__lt=int(cursor))
    page = list(found.order_by("-pk")[: limit + 1])
    last = str(page[limit - 1].pk) if len(page) > limit else None
    return CasePage(cases=[case_out(case) for case in page[:limit]], next=last)


@router.get("/changes", response=Changes, operation_id="list_changes", summary="Cases that changed")
def list_changes(
    request: HttpRequest,
    after: Watermark | None = None,
    since: Moment | None = None,
    limit: Annotated[int, Query(100, ge=1, le=500)] = 100,
) -> Changes:
    """What changed after a watermark, in the order of the ledger: nothing is told twice, nothing is missed.

    The first call gives `since`, or neither and gets the newest watermark with no cases. A case that went out
    of the system's view is not told of.
    """
    account = require(request, VIEW)
    if after is not None and since is not None:
        raise ProblemError(422, "give `after` or `since`", ("since", "stands beside `after`"))
    begin, newest = _begin(after, since)
    end = min(newest, begin + _WINDOW)
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES, [begin, end])
        entries = [(int(entry), str(number)) for entry, number in cursor.fetchall()]
    seen = {case.number: case for case in seen_by(account).filter(number__in={one for _, one in entries})}
    newest_of: dict[str, int] = {}
    for entry, number in entries:
        if number in seen:
            if len(newest_of) == limit and number not in newest_of:
                end = entry - 1
                break
            newest_of[number] = entry
    told = sorted(newest_of, key=newest_of.__getitem__)
    return Changes(cases=[case_out(seen[number]) for number in told], watermark=str(end), more=end < newest)


@router.get("/cases/{number}", response=CaseDetail, operation_id="read_case", summary="One case")
def read_case(request: HttpRequest, number: CaseNumber) -> CaseDetail:
    """With its steps, its media, and the steps that the system may take now."""
    account = require(request, VIEW)
    return told_in_full(case_seen(account, number), account)


def told_in_full(case: Case, account: User) -> CaseDetail:
    steps = list(case.transitions.select_related("organisation"))
    return case_detail(case, steps, list(case.evidence.all()), actions_for(case, account))


def seen_by(account: User) -> "QuerySet[Case]":
    """The cases in the account's row scope. An organisation's are named, too: for its indexes' sake."""
    cases = Case.objects.select_related("lead", "handler")
    scope = account.row_scope
    if scope.width != "organisation":
        return cases
    mine = scope.organisation_id
    return cases.filter(Q(lead_id=mine) | Q(handler_id=mine) | Q(reporter_organisation_id=mine))


def case_seen(account: User, number: str) -> Case:
    """Raises ProblemError 404."""
    case = seen_by(account).filter(number=number).first()
    if case is None:
        raise not_found()
    return case


def _begin(after: str | None, since: datetime | None) -> tuple[int, int]:
    """From which entry on, and the newest one."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST)
        newest = int(cursor.fetchone()[0])
        if after is not None:
            return min(int(after), newest), newest
        if since is None:
            return newest, newest
        cursor.execute(_BEFORE, [since])
        row = cursor.fetchone()
    return (int(row[0]) if row else 0), newest


def _narrowed(cases: "QuerySet[Case]", filters: Filters) -> "QuerySet[Case]":
    if filters.state:
        cases = cases.filter(state__in=filters.state)
    if filters.is_open is not None:
        cases = cases.exclude(state__in=ENDED) if filters.is_open else cases.filter(state__in=ENDED)
    if filters.county:
        cases = cases.filter(area_code__startswith=filters.county)
    named: dict[str, Any] = {
        "scenario": filters.scenario,
        "class_code": filters.class_code,
        "handler__code": filters.handler,
        "found_at__gte": filters.found_from,
        "found_at__lt": filters.found_to,
    }
    return cases.filter(**{name: value for name, value in named.items() if value is not None})
