"""A step a person takes on a page: who it is, which state their page showed, and what became of the step."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import AbstractUser
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest

from citybrain.lake import LakeError
from citybrain.policy.grants.acts import GrantRefusedError
from citybrain.policy.grants.receipt_rows import ReceiptError


def person_of(request: HttpRequest) -> AbstractUser:
    """Raises Http404 for nobody."""
    if not isinstance(request.user, AbstractUser):
        raise Http404
    return request.user


def version_of(request: HttpRequest) -> int:
    """The version of the list that the page showed; 0, which no list has, for anything else."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def yuan_of(request: HttpRequest) -> Decimal:
    """The amount typed in, to the fen. Raises GrantRefusedError."""
    text = request.POST.get("amount", "").replace(",", "").strip()
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise GrantRefusedError("金额须写作数字，如 1200.50。") from error
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 16 or amount != round(amount, 2):
        raise GrantRefusedError("金额须是以分为止的数字。")
    return amount


def attempt(request: HttpRequest, step: Callable[[], Any], done: str) -> None:
    """Take the step and say `done`, or say why not; what was begun is undone."""
    try:
        with transaction.atomic():
            step()
    except (GrantRefusedError, ReceiptError) as refusal:
        messages.error(request, str(refusal))
    except IntegrityError as error:
        messages.error(request, f"数据库拒绝了本次操作，没有执行：{str(error).splitlines()[0]}")
    except LakeError as error:
        messages.error(request, f"数据湖暂不可用，没有执行：{error}")
    else:
        if done:
            messages.success(request, done)
