"""Calls that may be sent again: an answer is kept under its Idempotency-Key, with what had been asked."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from pydantic import BaseModel

from citybrain.desk.api.acting import system_in
from citybrain.desk.api.problems import ProblemError
from citybrain.desk.systems.models import KeptAnswer

KEPT = timedelta(days=7)
HEADER = "Idempotency-Key"


@dataclass(frozen=True)
class Made:
    """What a call made. `path` is where it is found from now on; a `private` body is shown once only."""

    status: int
    body: BaseModel
    path: str = ""
    private: bool = False


def once(request: HttpRequest, key: str | None, make: Callable[[], Made]) -> HttpResponse:
    """The answer of `make`, or the one that was kept. A refusal is not kept: the call may be tried again.

    Raises ProblemError 422 for a key that came with something else before, and what `make` raises.
    """
    if key is None:
        return _answer(make())
    system, asked = system_in(request), _asked(request)
    KeptAnswer.objects.filter(system=system, kept_at__lt=timezone.now() - KEPT).delete()
    known = KeptAnswer.objects.filter(system=system, key=key).first()
    if known is None:
        try:
            with transaction.atomic():  # the second of two calls at once waits here for the first
                known = KeptAnswer.objects.create(
                    system=system, key=key, asked_sha256=asked, status=0, kept_at=timezone.now()
                )
        except IntegrityError:
            known = KeptAnswer.objects.get(system=system, key=key)
        else:
            return _keep(known, make())
    if known.asked_sha256 != asked:
        raise ProblemError(
            422, "the key came with something else before", (HEADER, "use another key for another call")
        )
    if not known.body:
        raise ProblemError(409, "carried out before; its answer held a secret and is shown once")
    return _answer_text(known.status, known.body, known.path, again=True)


def _keep(row: KeptAnswer, made: Made) -> HttpResponse:
    row.status, row.path = made.status, made.path
    row.body = "" if made.private else made.body.model_dump_json()
    row.save(update_fields=["status", "path", "body"])
    return _answer(made)


def _answer(made: Made) -> HttpResponse:
    return _answer_text(made.status, made.body.model_dump_json(), made.path)


def _answer_text(status: int, body: str, path: str, again: bool = False) -> HttpResponse:
    headers = ({"Location": path} if path else {}) | ({"Idempotency-Replayed": "true"} if again else {})
    return HttpResponse(body, status=status, content_type="application/json; charset=utf-8", headers=headers)


def _asked(request: HttpRequest) -> str:
    """What was asked, whatever boundary a form was sent with."""
    asked = hashlib.sha256(f"{request.method} {request.path_info}\n".encode())
    if request.content_type == "application/json":
        asked.update(request.body)
        return asked.hexdigest()
    for name in sorted(request.POST):
        for text in request.POST.getlist(name):
            asked.update(f"{name}={len(text)}:{text}\n".encode())
    for name in sorted(request.FILES):
        for file in request.FILES.getlist(name):
            asked.update(f"{name}={hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
            file.seek(0)
    return asked.hexdigest()
