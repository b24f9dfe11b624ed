"""A step sent with a form: its photos and words, taken together or not at all. Desk and phone share it."""

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from django.db import transaction
from django.http import HttpRequest
from minio.error import MinioException
from urllib3.exceptions import HTTPError

from citybrain.desk.accounts.models import Organisation, User
from citybrain.events.acting import CaseRefusedError, apply
from citybrain.events.models import Case, Evidence
from citybrain.events.photos import MOST_AT_ONCE, PhotoRefusedError, add_photo
from citybrain.events.rules import load_rules
from citybrain.lake import LakeError

log = logging.getLogger(__name__)
_KEY = re.compile(r"[0-9A-Za-z-]{8,64}")
STALE = "页面打开后案件已有变化，本次操作没有执行。请核对刷新后的内容再办理。"


class StepRefusedError(Exception):
    """Nothing of the step stands. The text is Chinese, for the person who asked."""


@dataclass(frozen=True)
class Sent:
    """What a form carries. `key` is the form's own: the same form sent twice counts once."""

    action: str
    version: int
    key: str
    reason: str
    handler_id: str
    photos: tuple[BinaryIO, ...]


def new_key() -> str:
    """A key for one form on one page."""
    return str(uuid.uuid4())


def key_in(request: HttpRequest) -> str:
    """The form's key. Raises StepRefusedError for a form that carries none."""
    key = request.POST.get("key", "")
    if not _KEY.fullmatch(key):
        raise StepRefusedError("表单不完整，请刷新页面后重新办理。")
    return key


def version_in(text: str) -> int:
    """The version that a page showed; 0, which no case has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def sent_step(request: HttpRequest, action: str) -> Sent:
    """Raises StepRefusedError."""
    return Sent(
        action=action,
        version=version_in(request.POST.get("version", "")),
        key=key_in(request),
        reason=request.POST.get("reason", ""),
        handler_id=request.POST.get("handler", ""),
        photos=tuple(cast("BinaryIO", file) for file in request.FILES.getlist("photo")),
    )


def take_step(case: Case, person: User, sent: Sent) -> Case:
    """Take the step in a savepoint of its own and return the case as it stands then.

    Raises StepRefusedError, whose cause is what refused.
    """
    with refusals_said(case), transaction.atomic():
        return _take(case, person, sent)


@contextmanager
def refusals_said(case: Case) -> Iterator[None]:
    """What the rules, the look at a photo or the lake refuse becomes StepRefusedError, said to people."""
    try:
        yield
    except (CaseRefusedError, PhotoRefusedError) as refused:
        raise StepRefusedError(str(refused)) from refused
    except (LakeError, MinioException, HTTPError, OSError) as error:
        log.error("case %s: the photo could not be kept: %s", case.number, error)
        raise StepRefusedError("照片暂时无法保存，本次操作没有执行。请稍后再试。") from error


def _take(case: Case, person: User, sent: Sent) -> Case:
    # Held before the photo is judged: of two taps the second one waits here and finds the first one's step.
    held = Case.objects.select_for_update(of=("self",)).filter(pk=case.pk).first()
    if held is None:
        raise CaseRefusedError("没有这个案件，或您无权查看。")
    if held.transitions.filter(data__key=sent.key, actor_id=person.pk).exists():
        return held
    if sent.version != held.version:
        raise CaseRefusedError(STALE)
    step = load_rules().step(sent.action, held.state)
    if step is not None and "after_photo" in step.guards:
        if len(sent.photos) > MOST_AT_ONCE:
            raise PhotoRefusedError(f"一次最多 {MOST_AT_ONCE} 张照片。")
        for photo in sent.photos:
            add_photo(held, photo, Evidence.Kind.AFTER, person)
    return apply(
        held,
        sent.action,
        person,
        reason=sent.reason,
        organisation=_handler(sent.handler_id),
        version=sent.version,
        key=sent.key,
    )


def _handler(chosen: str) -> Organisation | None:
    """The organisation that the form names; None for none. Raises CaseRefusedError for one unknown."""
    if not chosen:
        return None
    found = Organisation.objects.filter(pk=version_in(chosen), is_active=True).first()
    if found is None:
        raise CaseRefusedError("请选择一个在用的承办单位。")
    return found
