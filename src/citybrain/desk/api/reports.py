"""A system files what it was told or saw: a report that becomes a case, or joins one, within seconds."""

import uuid
from decimal import Decimal
from typing import Annotated, BinaryIO, Literal, cast

from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from ninja import File, Form, Path, Router, UploadedFile
from pydantic import BaseModel, Field

from citybrain.desk.api.acting import account_of, require, system_in
from citybrain.desk.api.keeping import refused_by_the_lake
from citybrain.desk.api.once import Made, once
from citybrain.desk.api.problems import ProblemError
from citybrain.desk.api.words import Code, IdempotencyKey, Text64, Text200, Text1000, not_found
from citybrain.desk.systems.models import System
from citybrain.events.acting import CaseRefusedError
from citybrain.events.editions import current, filing_of
from citybrain.events.models import Signal, SourceKind
from citybrain.events.outside_reports import MOST_PHOTOS, OutsideReport, report_from_outside
from citybrain.events.photos import PhotoRefusedError

router = Router(tags=["reports"])
FILE = "systems.report_from_outside"
TOKENS = uuid.UUID("d3b6fb1c-5bb1-5d1c-8a5e-6a1f1f0c9b57")


class ClassOut(BaseModel):
    """Something that a case can be about. The class `all` takes every code of its scenario."""

    scenario: str
    scenario_name: str
    class_code: str
    name: str
    urgent: bool


class ReportIn(BaseModel):
    """What was seen, and where: a position, a place, or both."""

    scenario: Code
    class_code: Code = Field(description="one of the scenario's in `/classes`; any code where it has `all`")
    text: Text1000 = Field(min_length=1)
    source: Literal["citizen", "hotline", "collector"] = Field(
        default="citizen", description="who noticed: a citizen, the hotline, somebody of the department"
    )
    lon: float | None = Field(default=None, ge=-180, le=180)
    lat: float | None = Field(default=None, ge=-90, le=90)
    place_name: Text200 = ""
    place_id: Text64 = ""
    reference: Text64 = Field(default="", description="the system's own number of it")


class ReportOut(BaseModel):
    report: str = Field(description="32 hex digits that the report is asked for with")
    state: Literal["pending", "attached", "dropped"] = Field(
        description="pending for some seconds, then attached to a case; dropped when it became none"
    )
    case: str | None = Field(description="number of the case it became or joined")


@router.get("/classes", response=list[ClassOut], operation_id="list_classes", summary="What can be reported")
def list_classes(request: HttpRequest) -> list[ClassOut]:
    """The classes of the edition that new cases are registered under."""
    account_of(request)
    filings = [current().filing(one.scenario, one.class_code) for one in current().classes]
    return [
        ClassOut(
            scenario=filing.rule.scenario,
            scenario_name=filing.scenario.zh,
            class_code=filing.rule.class_code,
            name=filing.rule.zh,
            urgent=filing.rule.urgent,
        )
        for filing in filings
        if filing is not None
    ]


@router.post("/reports", response={202: ReportOut}, operation_id="file_report", summary="File a report")
def file_report(
    request: HttpRequest,
    told: Annotated[ReportIn, Form(...)],
    media: Annotated[
        list[UploadedFile], File([], description=f"JPEG, PNG or WebP, at most {MOST_PHOTOS}")
    ] = [],  # noqa: B006 - ninja reads the default
    idempotency_key: IdempotencyKey = None,
) -> HttpResponse:
    """It waits for an acceptor like a person's, unless it falls on an open case, which it joins."""
    require(request, FILE)
    return once(request, idempotency_key, lambda: _file(system_in(request), told, media, idempotency_key))


@router.get(
    "/reports/{report}", response=ReportOut, operation_id="read_report", summary="What became of a report"
)
def read_report(
    request: HttpRequest, report: Annotated[str, Path(..., pattern=r"^[0-9a-f]{32}$")]
) -> ReportOut:
    """Reports of the system itself."""
    account = require(request, FILE)
    signal = Signal.objects.select_related("case").filter(key=_signal_key(report), reporter=account).first()
    if signal is None:
        raise not_found()
    return _out(report, signal)


def _file(system: System, told: ReportIn, media: list[UploadedFile], key: str | None) -> Made:
    _whole(told)
    token = (uuid.uuid5(TOKENS, f"{system.pk}:{key}") if key else uuid.uuid4()).hex
    report = OutsideReport(
        scenario=told.scenario,
        class_code=told.class_code,
        text=told.text,
        place_name=told.place_name.strip(),
        place_id=told.place_id.strip(),
        lon=_degrees(told.lon),
        lat=_degrees(told.lat),
        said={"reference": told.reference} if told.reference else {},
        source_kind=SourceKind(told.source),
    )
    photos = [cast("BinaryIO", one) for one in media]
    try:
        with refused_by_the_lake():
            signal = report_from_outside(system.account, report, _signal_key(token), photos)
    except CaseRefusedError as refused:
        raise ProblemError(422, str(refused), ("media" if media else "text", str(refused))) from refused
    except PhotoRefusedError as refused:
        raise ProblemError(422, str(refused), ("media", str(refused))) from refused
    except IntegrityError as error:  # the other of two sendings was first
        raise ProblemError(409, "the same report is being filed; ask again") from error
    return Made(202, _out(token, signal), f"/api/v1/reports/{token}")


def _whole(told: ReportIn) -> None:
    """Raises ProblemError 422."""
    if not told.text.strip():
        raise ProblemError(422, "请说明看到了什么。", ("text", "is empty"))
    if filing_of(told.scenario, told.class_code) is None:
        raise ProblemError(
            422, "没有这一类别。", ("scenario", "see /classes"), ("class_code", "see /classes")
        )
    if (told.lon is None) != (told.lat is None):
        raise ProblemError(422, "a position has both", ("lon" if told.lon is None else "lat", "is missing"))
    if told.lon is None and not told.place_name.strip() and not told.place_id.strip():
        raise ProblemError(422, "请说明地点。", ("place_name", "or `lon` and `lat`, or `place_id` is needed"))


def _out(token: str, signal: Signal) -> ReportOut:
    state = cast('Literal["pending", "attached", "dropped"]', signal.state)
    return ReportOut(report=token, state=state, case=signal.case.number if signal.case else None)


def _signal_key(token: str) -> str:
    return f"api:{token}"


def _degrees(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.000001"))
