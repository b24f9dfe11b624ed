"""The payment file of a list: every line checked again, the file hashed, kept in the lake, paid once.

A file pays the first stage of lines that are in none yet, and the next stage of lines that were paid in part
and whose next stage is due; each stage is split by who bears it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import connection, transaction

from citybrain.lake import create_object, download, ensure_bucket, spool, spool_folder
from citybrain.policy.grants.acts import decide, hold, move, record, require_duty, require_state
from citybrain.policy.grants.later_parts import later_parts
from citybrain.policy.grants.models import (
    Decision,
    GrantLine,
    GrantList,
    GrantPart,
    LineState,
    ListState,
    PaymentFile,
    Step,
)
from citybrain.policy.grants.payment_rows import FileRow, file_bytes, in_order
from citybrain.policy.grants.recheck import Checked, recheck
from citybrain.policy.grants.review import to_be_paid
from citybrain.policy.grants.terms import terms_of
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
    """The list's newest payment file (None when no line could be paid), whether this call made it, how many
    lines the recheck holds, and how many of the file's lines are paid a later stage."""

    file: PaymentFile | None
    made: bool
    held: int
    later: int = 0


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
        terms = terms_of(grant_list.item_version_id)
        payable = [line for line in lines if line.pk not in checked.held]
        rows = [FileRow(line, part) for line in payable for part in terms.first_parts(line.amount)]
        due = [each for each in later_parts(settings, grant_list, terms) if not each.waits_for]
        rows += [FileRow(each.line, part) for each in due for part in each.parts]
        if rows:
            file = _write(settings, grant_list, payable, in_order(rows), checked.run_id, person)
        elif changed:
            made = decide(
                grant_list, Step.PAYMENT, Decision.HOLD, person, f"{len(checked.held)} 户复查不一致"
            )
            record("grant_payment", grant_list, made, held=len(checked.held))
        return Paid(
            file if rows else grant_list.payment_files.order_by("number").last(),
            bool(rows),
            len(checked.held),
            len(due),
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
    settings: Settings,
    grant_list: GrantList,
    newly_paid: list[GrantLine],
    rows: list[FileRow],
    run_id: int,
    person: AbstractUser,
) -> PaymentFile:
    """The object first: content-addressed, so a transaction that fails afterwards leaves nothing wrong."""
    number = grant_list.payment_files.count() + 1
    with spool_folder(settings) as folder:
        spooled = spool(
            [file_bytes(grant_list, number, rows)], folder / "payment.csv", settings.max_object_mb
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
        rows=len(rows),
        total=sum((row.part.amount for row in rows), Decimal(0)),
        checked_run_id=run_id,
        created_by_id=person.pk,
    )
    GrantPart.objects.bulk_create(
        GrantPart(
            line=row.line,
            payment_file=file,
            organisation_id=grant_list.organisation_id,
            row=place,
            stage=row.part.stage,
            stage_number=row.part.number,
            stage_label=row.part.label,
            payer=row.part.payer,
            amount=row.part.amount,
        )
        for place, row in enumerate(rows, start=1)
    )
    GrantLine.objects.filter(pk__in=[line.pk for line in newly_paid]).update(
        state=LineState.PAID, payment_file=file
    )
    with connection.cursor() as cursor:
        cursor.execute(_AWARD, [file.pk])
        # The database compares the file with its parts; now, while the transaction still sees them.
        cursor.execute("SET CONSTRAINTS ops.payment_file_total IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ops.payment_file_total DEFERRED")
    made = decide(grant_list, Step.PAYMENT, Decision.PAY, person)
    if grant_list.state == ListState.PAYABLE:
        move(grant_list, ListState.PAID_FILE_MADE)
    record("grant_payment", grant_list, made, **_entry(file, rows))
    return file


def _entry(file: PaymentFile, rows: list[FileRow]) -> dict[str, Any]:
    borne: dict[str, Decimal] = {}
    for row in rows:
        borne[row.part.payer] = borne.get(row.part.payer, Decimal(0)) + row.part.amount
    return {
        "file": file.number,
        "sha256": file.sha256,
        "object_key": file.object_key,
        "rows": file.rows,
        "paid": str(file.total),
        "by_payer": {payer: str(yuan) for payer, yuan in sorted(borne.items())},
        "later_lines": len({row.line.pk for row in rows if row.part.number > 1}),
        "checked_run_id": file.checked_run_id,
    }


def read_payment_file(settings: Settings, file: PaymentFile) -> bytes:
    """The bytes as they were written. Raises LakeError when the object is missing or not those bytes."""
    with spool_folder(settings) as folder:
        return download(
            settings, ZONE, file.object_key, folder / "payment.csv", file.sha256
        ).path.read_bytes()
