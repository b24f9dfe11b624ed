"""The payment file of a list: every line checked again, the file hashed, kept in the lake, paid once."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import connection, transaction

from citybrain.lake import create_object, download, ensure_bucket, spool, spool_folder
from citybrain.policy.grants.acts import decide, hold, move, record, require_duty, require_state
from citybrain.policy.grants.models import (
    Decision,
    GrantLine,
    GrantList,
    LineState,
    ListState,
    PaymentFile,
    Step,
)
from citybrain.policy.grants.payment_rows import file_bytes
from citybrain.policy.grants.recheck import Checked, recheck
from citybrain.policy.grants.review import to_be_paid
from citybrain.settings import Settings

ZONE = "payments"

_AWARD = """
INSERT INTO policy.award (run_id, item_version_id, item_id, uscc, exclusion_group, period_year, amount)
SELECT g.run_id, g.item_version_id, g.item_id, l.uscc, nullif(g.exclusion_group, ''), g.period_year, l.amount
FROM ops.grant_line l JOIN ops.grant_list g ON g.id = l.list_id
WHERE l.payment_file_id = %s
"""


@dataclass(frozen=True)
class Paid:
    """The list's newest payment file (None when no line could be paid), whether this call made it, and how
    many lines the recheck holds."""

    file: PaymentFile | None
    made: bool
    held: int


def make_payment_file(settings: Settings, list_id: int, person: AbstractUser, version: int) -> Paid:
    """Pay what may be paid of a list and is in no file yet.

    A line that drifted since it was proposed is held, not paid. Asked again with nothing new to pay, the file
    that stands is returned. Raises GrantRefusedError and citybrain.lake.LakeError.
    """
    with transaction.atomic():
        grant_list = hold(list_id, version)
        require_state(grant_list, ListState.PAYABLE, ListState.PAID_FILE_MADE)
        require_duty(grant_list, person, Step.PAYMENT, "make_payment_file")
        lines = list(to_be_paid(grant_list).select_for_update(of=("self",)).order_by("rank", "uscc"))
        checked = recheck(grant_list, lines)
        changed = _mark(lines, checked)
        payable = [line for line in lines if line.pk not in checked.held]
        if payable:
            file = _write(settings, grant_list, payable, checked.run_id, person)
        elif changed:
            made = decide(
                grant_list, Step.PAYMENT, Decision.HOLD, person, f"{len(checked.held)} 户复查不一致"
            )
            record("grant_payment", grant_list, made, held=len(checked.held))
        return Paid(
            file if payable else grant_list.payment_files.order_by("number").last(),
            bool(payable),
            len(checked.held),
        )


def _mark(lines: list[GrantLine], checked: Checked) -> bool:
    """Hold what drifted and free what no longer does. True when a line changed."""
    changed = False
    for line in lines:
        reason = checked.held.get(line.pk, "")
        state = LineState.HELD if reason else LineState.PROPOSED
        if (line.state, line.reason) != (state, reason):
            GrantLine.objects.filter(pk=line.pk).update(state=state, reason=reason)
            changed = True
    return changed


def _write(
    settings: Settings, grant_list: GrantList, lines: list[GrantLine], run_id: int, person: AbstractUser
) -> PaymentFile:
    """The object first: content-addressed, so a transaction that fails afterwards leaves nothing wrong."""
    number = grant_list.payment_files.count() + 1
    with spool_folder(settings) as folder:
        spooled = spool(
            [file_bytes(grant_list, number, lines)], folder / "payment.csv", settings.max_object_mb
        )
        key = f"{grant_list.code}/{spooled.sha256}.csv"
        ensure_bucket(settings, ZONE)
        create_object(settings, ZONE, key, spooled, {"list": grant_list.code})
    file = PaymentFile.objects.create(
        list=grant_list,
        organisation_id=grant_list.organisation_id,
        number=number,
        sha256=spooled.sha256,
        object_key=key,
        rows=len(lines),
        total=sum((line.amount for line in lines), Decimal(0)),
        checked_run_id=run_id,
        created_by_id=person.pk,
    )
    GrantLine.objects.filter(pk__in=[line.pk for line in lines]).update(
        state=LineState.PAID, payment_file=file
    )
    with connection.cursor() as cursor:
        cursor.execute(_AWARD, [file.pk])
        # The database compares the file with its lines; now, while the transaction still sees them.
        cursor.execute("SET CONSTRAINTS ops.payment_file_total IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ops.payment_file_total DEFERRED")
    made = decide(grant_list, Step.PAYMENT, Decision.PAY, person)
    if grant_list.state == ListState.PAYABLE:
        move(grant_list, ListState.PAID_FILE_MADE)
    record("grant_payment", grant_list, made, **_entry(file))
    return file


def _entry(file: PaymentFile) -> dict[str, Any]:
    return {
        "file": file.number,
        "sha256": file.sha256,
        "object_key": file.object_key,
        "rows": file.rows,
        "paid": str(file.total),
        "checked_run_id": file.checked_run_id,
    }


def read_payment_file(settings: Settings, file: PaymentFile) -> bytes:
    """The bytes as they were written. Raises LakeError when the object is missing or not those bytes."""
    with spool_folder(settings) as folder:
        return download(
            settings, ZONE, file.object_key, folder / "payment.csv", file.sha256
        ).path.read_bytes()
