"""The addresses of GeoReport v2: anybody reads what is published, who reports has a key."""

import re
from collections.abc import Sequence
from typing import BinaryIO, cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from citybrain.desk.open311 import reading
from citybrain.desk.open311.callers import caller
from citybrain.desk.open311.filing import file_request
from citybrain.desk.open311.formats import Value, answer
from citybrain.desk.open311.refusals import RefusedError, refusals_in_its_format
from citybrain.desk.open311.services import Service, load_services, service_named
from citybrain.desk.systems.models import System
from citybrain.events.models import Case, Signal
from citybrain.events.scope import as_system

_ATTRIBUTE = re.compile(r"^attribute\[([^\]]{1,64})\](\[\])?$")
CHANGED = "2026-11-26T00:00:00+08:00"  # when these addresses or their fields last changed


@require_GET
@login_not_required
@refusals_in_its_format
def discovery(request: HttpRequest, form: str) -> HttpResponse:
    """Where the service is and which formats it speaks."""
    content: Value = {
        "changeset": CHANGED,
        "contact": "12345",
        "key_service": "citybrain desk systems add",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": request.build_absolute_uri("/open311/v2"),
                "changeset": CHANGED,
                "type": "production",
                "formats": ["text/xml", "application/json"],
            }
        ],
    }
    return answer(form, "discovery", content)


@require_GET
@login_not_required
@refusals_in_its_format
def services(request: HttpRequest, form: str) -> HttpResponse:
    """Everything that can be reported."""
    caller(request, "open311_services")
    return answer(form, "services", [_service(one) for one in load_services().services])


@require_GET
@login_not_required
@refusals_in_its_format
def service(request: HttpRequest, code: str, form: str) -> HttpResponse:
    """The questions of one service."""
    caller(request, "open311_services")
    found = service_named(code)
    if found is None:
        raise RefusedError(404, f"service_code {code} was not found")
    content: Value = {
        "service_code": found.code,
        "attributes": [
            {
                "variable": True,
                "code": one.code,
                "datatype": one.datatype,
                "required": one.required,
                "datatype_description": "",
                "order": number,
                "description": one.question,
                "values": [{"key": key, "name": name} for key, name in one.values.items()],
            }
            for number, one in enumerate(found.attributes, start=1)
        ],
    }
    return answer(form, "service_definition", content)


@csrf_exempt
@require_http_methods(["GET", "POST"])
@login_not_required
@refusals_in_its_format
def requests(request: HttpRequest, form: str) -> HttpResponse:
    """Requests by service, time and status; a POST reports one."""
    if request.method == "POST":
        return _report(request, form)
    system = caller(request, "open311_read")
    asked = reading.wanted(request.GET.dict())
    with as_system():
        found = reading.requests(asked, system)
        return answer(form, "service_requests", _told(request, found, system))


@require_GET
@login_not_required
@refusals_in_its_format
def one_request(request: HttpRequest, number: str, form: str) -> HttpResponse:
    """One request by its id."""
    system = caller(request, "open311_read")
    with as_system():
        found = reading.requests(reading.Wanted(numbers=[number]), system)
        if not found:
            raise RefusedError(404, f"service_request_id {number} was not found")
        return answer(form, "service_requests", _told(request, found, system))


@require_GET
@login_not_required
@refusals_in_its_format
def token(request: HttpRequest, token: str, form: str) -> HttpResponse:
    """The id of what was reported, once it has become a case; nobody guesses a token."""
    caller(request, "open311_read")
    with as_system():
        report = Signal.objects.select_related("case").filter(key=f"open311:{token}").first()
        if report is None:
            raise RefusedError(404, "token was not found")
        content: list[Value] = [
            {"token": token, "service_request_id": report.case.number if report.case else ""}
        ]
    return answer(form, "service_requests", content)


def _report(request: HttpRequest, form: str) -> HttpResponse:
    system = caller(request, "open311_report")
    if system is None:
        raise RefusedError(403, "api_key was not provided")
    attributes = {
        match[1]: request.POST.getlist(name)
        for name in request.POST
        if (match := _ATTRIBUTE.match(name)) is not None
    }
    photos = [cast("BinaryIO", file) for name in ("media", "media[]") for file in request.FILES.getlist(name)]
    made, report = file_request(system, request.POST.dict(), attributes, photos)
    content: list[Value] = [
        {
            "token": made,
            "service_notice": "已收到，受理后可用 token 查询编号。",
            "account_id": request.POST.get("account_id", "")[:200],
        }
    ]
    with as_system():
        report.refresh_from_db()
        if report.case:
            content = [{"service_request_id": report.case.number, "service_notice": "", "account_id": ""}]
    return answer(form, "service_requests", content)


def _told(request: HttpRequest, found: Sequence[Case], system: System | None) -> Value:
    own = reading.own_reports(found, system)
    notes = reading.notes_of(found) if request.GET.get("extensions") == "true" else {}
    return [reading.as_request(case, own.get(case.pk), notes.get(case.pk)) for case in found]  # type: ignore[misc]


def _service(one: Service) -> Value:
    return {
        "service_code": one.code,
        "service_name": one.name,
        "description": one.description,
        "metadata": bool(one.attributes),
        "type": "batch",
        "keywords": ",".join(one.keywords),
        "group": one.group,
    }
