"""The door of the JSON API: which system calls, whether it may today, and how the call went.

It stands before the transaction of a request: counting a call is a statement of its own, so that calls of one
system never wait for each other, and a call that fails is counted all the same.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from citybrain.desk.api.problems import PROBLEM_TYPE, problem
from citybrain.desk.systems.keys import system_of
from citybrain.desk.systems.metering import admit, note_outcome
from citybrain.desk.systems.models import System

PREFIX = "/api/v1/"
HEADER = "X-Api-Key"
_READS = ("GET", "HEAD", "OPTIONS")
_KINDS = ("cases", "changes", "classes", "reports", "webhooks")
_SAID = {
    400: "the request cannot be read",
    404: "there is nothing here",
    405: "this address does not know that method",
    413: "the request is too large",
    500: "something went wrong here; nothing of the call stands",
}


class CalledRequest(Protocol):
    """What the door adds to a request under its prefix."""

    system: System | None


class DoorMiddleware:
    """Knows the system by its key, refuses what its day has no room for, and speaks of faults as problems."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        system = system_of(request.headers.get(HEADER, ""))
        cast("CalledRequest", request).system = system
        if system is None:
            return _as_problem(self.get_response(request))
        capability = capability_of(request.method or "", request.path_info)
        if not admit(system, capability):
            return problem(
                429,
                f"{system.calls_a_day} calls a day are used up",
                headers={"Retry-After": str(_seconds_to_tomorrow())},
            )
        started = time.monotonic()
        answer = _as_problem(self.get_response(request))
        note_outcome(system, capability, answer.status_code >= 500, time.monotonic() - started)
        return answer


def capability_of(method: str, path: str) -> str:
    """What a call is counted as: what it is about, and whether it reads or writes."""
    kind = path.removeprefix(PREFIX).partition("/")[0]
    return f"{kind if kind in _KINDS else 'other'}_{'read' if method in _READS else 'write'}"


def _as_problem(answer: HttpResponseBase) -> HttpResponseBase:
    """Django's own pages of refusal, for a client that reads JSON; everything else as it is."""
    status = answer.status_code
    if status < 400 or answer.get("Content-Type", "").startswith(PROBLEM_TYPE):
        return answer
    headers = {name: answer[name] for name in ("Allow", "Retry-After") if name in answer}
    said: HttpResponse = problem(status, _SAID.get(status, "the request is refused"), headers=headers)
    return said


def _seconds_to_tomorrow() -> int:
    """Until the next day of Shanghai begins, at least one."""
    now = timezone.localtime()
    tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), now.tzinfo)
    return max(1, int((tomorrow - now).total_seconds()))
