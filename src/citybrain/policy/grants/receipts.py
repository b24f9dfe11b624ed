"""After the payment file: what the bank says became of each line, what is open, and money asked back."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.utils import timezone

from citybrain.lake import create_object, ensure_bucket, spool, spool_folder
from citybrain.policy.grants.acts import (
    GrantRefusedError,
    append_to_ledger,
    hold,
    require_duty,
    require_reason,
)
from citybrain.policy.grants.models import GrantLine, PaymentFile, PaymentReceipt, Recovery, Step
from citybrain.policy.grants.payment import ZONE
from citybrain.policy.grants.receipt_rows import ReceiptError, ReceiptRow, read_receipts
from citybrain.settings import Settings

MOST_NAMED = 5


@dataclass(frozen=True)
class Imported:
    """`new` is false when the same bytes were taken in before: nothing happened then."""

    sha256: str
    paid: int
    failed: int
    new: bool


@dataclass(frozen=True)
class Reconciliation:
    """A payment file beside its receipts. Yuan; `open_lines` and `failed_lines` are credit codes."""

    file_id: int
    rows: int
    total: Decimal
    paid: int
    yuan_paid: Decimal
    failed_lines: list[str]
    open_lines: list[str]
    yuan_open: Decimal
    yuan_to_recover: Decimal
    yuan_recovered: Decimal

    @property
    def settled(self) -> bool:
        """Every line was paid."""
        return self.paid == self.rows


def import_receipts(settings: Settings, file_id: int, content: bytes, person: AbstractUser) -> Imported:
    """Take in a bank's return for a payment file, all of it or nothing.

    The bytes are kept beside the payment file. Raises ReceiptError for a row that is not of the file or says
    another amount, GrantRefusedError, LakeError.
    """
    rows = read_receipts(content)
    sha256 = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        file = PaymentFile.objects.filter(pk=file_id).first()
        if file is None:
            raise GrantRefusedError("没有这份拨付文件，或您无权查看。")
        grant_list = hold(file.list_id)
        require_duty(grant_list, person, Step.PAYMENT, "make_payment_file")
        if file.receipts.filter(sha256=sha256).exists():
            return Imported(sha256, _count(rows, True), _count(rows, False), new=False)
        lines = {line.uscc: line for line in file.lines.all()}
        _require_lines(rows, lines, file)
        with spool_folder(settings) as folder:
            spooled = spool([content], folder / "receipts.csv", settings.max_object_mb)
            ensure_bucket(settings, ZONE)
            key = f"{grant_list.code}/receipts/{spooled.sha256}.csv"
            create_object(settings, ZONE, key, spooled, {"list": grant_list.code})
        PaymentReceipt.objects.bulk_create(
            PaymentReceipt(
                line=lines[row.uscc],
                payment_file=file,
                organisation_id=file.organisation_id,
                paid=row.paid,
                amount=row.amount,
                reference=row.reference,
                booked_on=row.on,
                reason=row.reason,
                sha256=sha256,
                received_by_id=person.pk,
            )
            for row in rows
        )
        imported = Imported(sha256, _count(rows, True), _count(rows, False), new=True)
        append_to_ledger(
            "grant_receipt",
            grant_list,
            {
                "file": file.number,
                "sha256": sha256,
                "object_key": key,
                "person": person.get_username(),
                "paid": imported.paid,
                "failed": imported.failed,
                "yuan_paid": str(sum((row.amount for row in rows if row.paid), Decimal(0))),
            },
        )
    return imported


def _count(rows: list[ReceiptRow], paid: bool) -> int:
    return sum(row.paid is paid for row in rows)


def _require_lines(rows: list[ReceiptRow], lines: dict[str, GrantLine], file: PaymentFile) -> None:
    """Raises ReceiptError with the first faults of the return."""
    done = set(file.receipts.filter(paid=True).values_list("line__uscc", flat=True))
    known = set(
        PaymentReceipt.objects.filter(reference__in=[row.reference for row in rows]).values_list(
            "reference", flat=True
        )
    )
    faults = []
    for row in rows:
        line = lines.get(row.uscc)
        if line is None:
            faults.append(f"{row.uscc} 不在拨付文件中")
        elif line.amount != row.amount:
            faults.append(f"{row.uscc} 金额应为 {line.amount} 元，回单为 {row.amount} 元")
        elif row.uscc in done:
            faults.append(f"{row.uscc} 已有成功回单")
        elif row.reference in known:
            faults.append(f"流水号 {row.reference} 已导入过")
    if faults:
        more = f"（共 {len(faults)} 处）" if len(faults) > MOST_NAMED else ""
        raise ReceiptError("\n".join(faults[:MOST_NAMED]) + more)


def reconcile(file_id: int) -> Reconciliation:
    """What of a payment file is paid, failed and open. Raises GrantRefusedError for a file not to be seen."""
    file = PaymentFile.objects.filter(pk=file_id).first()
    if file is None:
        raise GrantRefusedError("没有这份拨付文件，或您无权查看。")
    lines = list(file.lines.order_by("uscc").prefetch_related("receipts", "recoveries"))
    paid = [line for line in lines if any(receipt.paid for receipt in line.receipts.all())]
    unpaid = [line for line in lines if line not in paid]
    recoveries = [recovery for line in lines for recovery in line.recoveries.all()]
    return Reconciliation(
        file_id=file.pk,
        rows=file.rows,
        total=file.total,
        paid=len(paid),
        yuan_paid=_yuan(line.amount for line in paid),
        failed_lines=[line.uscc for line in unpaid if line.receipts.all()],
        open_lines=[line.uscc for line in unpaid if not line.receipts.all()],
        yuan_open=_yuan(line.amount for line in unpaid),
        yuan_to_recover=_yuan(one.amount for one in recoveries if one.state == Recovery.State.OPEN),
        yuan_recovered=_yuan(one.amount for one in recoveries if one.state == Recovery.State.RECOVERED),
    )


def _yuan(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def ask_back(line_id: int, amount: Decimal, reason: str, person: AbstractUser) -> Recovery:
    """Ask an enterprise for money that the bank paid it. Raises GrantRefusedError."""
    reason = require_reason(reason)
    with transaction.atomic():
        line = GrantLine.objects.filter(pk=line_id).first()
        if line is None:
            raise GrantRefusedError("没有这一户，或您无权查看。")
        grant_list = hold(line.list_id)
        require_duty(grant_list, person, Step.PAYMENT, "make_payment_file")
        given_back = _yuan(one.amount for one in line.recoveries.filter(state=Recovery.State.RECOVERED))
        if not line.receipts.filter(paid=True).exists():
            raise GrantRefusedError("银行尚未确认入账，不能追回。")
        if not 0 < amount <= line.amount - given_back:
            raise GrantRefusedError(f"追回金额须大于 0，不超过 {line.amount - given_back} 元。")
        if line.recoveries.filter(state=Recovery.State.OPEN).exists():
            raise GrantRefusedError("这一户已在追回中。")
        recovery = Recovery.objects.create(
            line=line,
            organisation_id=line.organisation_id,
            amount=amount,
            reason=reason,
            opened_by_id=person.pk,
        )
        append_to_ledger(
            "grant_recovery",
            grant_list,
            {
                "recovery_id": recovery.pk,
                "state": recovery.state,
                "uscc": line.uscc,
                "amount": str(amount),
                "reason": reason,
                "person": person.get_username(),
            },
        )
    return recovery


def settle_recovery(recovery_id: int, recovered: bool, answer: str, person: AbstractUser) -> Recovery:
    """Say that the money came back, or that nobody asks for it any more: not by who asked for it.

    Raises GrantRefusedError.
    """
    answer = require_reason(answer)
    with transaction.atomic():
        recovery = Recovery.objects.select_for_update(of=("self",)).filter(pk=recovery_id).first()
        if recovery is None:
            raise GrantRefusedError("没有这项追回，或您无权查看。")
        grant_list = hold(recovery.line.list_id)
        require_duty(grant_list, person, Step.COUNTERSIGN, "countersign_list")
        if recovery.state != Recovery.State.OPEN:
            raise GrantRefusedError("这项追回已经办结。")
        if recovery.opened_by_id == person.pk:
            raise GrantRefusedError("提出追回的人不能自己办结。")
        state = Recovery.State.RECOVERED if recovered else Recovery.State.DROPPED
        Recovery.objects.filter(pk=recovery.pk).update(
            state=state, answer=answer, settled_by_id=person.pk, settled_at=timezone.now()
        )
        recovery.refresh_from_db()
        append_to_ledger(
            "grant_recovery",
            grant_list,
            {
                "recovery_id": recovery.pk,
                "state": recovery.state,
                "uscc": recovery.line.uscc,
                "amount": str(recovery.amount),
                "reason": answer,
                "person": person.get_username(),
            },
        )
    return recovery
