"""After the payment file: what the bank says became of each row, what is open, and money asked back."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from citybrain.lake import create_object, ensure_bucket, spool, spool_folder
from citybrain.policy.grants.acts import (
    GrantRefusedError,
    append_to_ledger,
    hold,
    require_duty,
    require_reason,
)
from citybrain.policy.grants.models import (
    GrantLine,
    GrantPart,
    PaymentFile,
    PaymentReceipt,
    Recovery,
    Step,
)
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
class Row:
    """A row of a payment file; `reason`: why the bank could not pay it, the last time it tried."""

    number: int
    uscc: str
    enterprise_name: str
    stage: str
    payer: str
    amount: Decimal
    reason: str


@dataclass(frozen=True)
class Reconciliation:
    """A payment file beside its receipts. Yuan; `failed` and `open` are the rows that are not paid."""

    file_id: int
    rows: int
    total: Decimal
    paid: int
    yuan_paid: Decimal
    failed: list[Row]
    open: list[Row]
    yuan_open: Decimal
    yuan_to_recover: Decimal
    yuan_recovered: Decimal

    @property
    def settled(self) -> bool:
        """Every row was paid."""
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
        parts = _parts_of(rows, file)
        with spool_folder(settings) as folder:
            spooled = spool([content], folder / "receipts.csv", settings.max_object_mb)
            ensure_bucket(settings, ZONE)
            key = f"{grant_list.code}/receipts/{spooled.sha256}.csv"
            create_object(settings, ZONE, key, spooled, {"list": grant_list.code})
        PaymentReceipt.objects.bulk_create(
            PaymentReceipt(
                part=part,
                line=part.line,
                payment_file=file,
                organisation_id=file.organisation_id,
                paid=row.paid,
                amount=row.amount,
                reference=row.reference,
                booked_on=row.on,
                reason=row.reason,
                sha256=sha256,
                account_hash=_hashed(row.account),
                received_by_id=person.pk,
            )
            for row, part in zip(rows, parts, strict=True)
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


def _hashed(account: str) -> str:
    """Tells two accounts apart and says neither; the key stays with the desk."""
    if not account:
        return ""
    return salted_hmac("grants.receipt.account", account, algorithm="sha256").hexdigest()


def _count(rows: list[ReceiptRow], paid: bool) -> int:
    return sum(row.paid is paid for row in rows)


def _parts_of(rows: list[ReceiptRow], file: PaymentFile) -> list[GrantPart]:
    """The part that each row of a return is about. Raises ReceiptError with the first faults."""
    parts = list(file.parts.select_related("line"))
    by_number = {part.row: part for part in parts}
    by_code: dict[str, list[GrantPart]] = {}
    for part in parts:
        by_code.setdefault(part.line.uscc, []).append(part)
    done = set(file.receipts.filter(paid=True).values_list("part_id", flat=True))
    known = set(
        PaymentReceipt.objects.filter(reference__in=[row.reference for row in rows]).values_list(
            "reference", flat=True
        )
    )
    found: list[GrantPart] = []
    faults = []
    for row in rows:
        named = by_code.get(row.uscc, [])
        if row.number is not None:
            named = [part for part in named if by_number.get(row.number) == part]
        which = row.uscc if row.number is None else f"{row.uscc}（序号 {row.number}）"
        if not named:
            faults.append(f"{which} 不在拨付文件中")
        elif len(named) > 1:
            faults.append(f"{which} 在拨付文件中有 {len(named)} 笔，回单须有“序号”")
        elif named[0].amount != row.amount:
            faults.append(f"{which} 金额应为 {named[0].amount} 元，回单为 {row.amount} 元")
        elif named[0].pk in done:
            faults.append(f"{which} 已有成功回单")
        elif row.reference in known:
            faults.append(f"流水号 {row.reference} 已导入过")
        else:
            found.append(named[0])
            done.add(named[0].pk)
    if faults:
        more = f"（共 {len(faults)} 处）" if len(faults) > MOST_NAMED else ""
        raise ReceiptError("\n".join(faults[:MOST_NAMED]) + more)
    return found


def reconcile(file_id: int) -> Reconciliation:
    """What of a payment file is paid, failed and open. Raises GrantRefusedError for a file not to be seen."""
    file = PaymentFile.objects.filter(pk=file_id).first()
    if file is None:
        raise GrantRefusedError("没有这份拨付文件，或您无权查看。")
    parts = list(file.parts.order_by("row").select_related("line").prefetch_related("receipts"))
    paid = [part for part in parts if any(receipt.paid for receipt in part.receipts.all())]
    done = {part.pk for part in paid}
    unpaid = [_row(part) for part in parts if part.pk not in done]
    recoveries = list(Recovery.objects.filter(line__parts__payment_file=file).distinct())
    return Reconciliation(
        file_id=file.pk,
        rows=file.rows,
        total=file.total,
        paid=len(paid),
        yuan_paid=_yuan(part.amount for part in paid),
        failed=[row for row in unpaid if row.reason],
        open=[row for row in unpaid if not row.reason],
        yuan_open=_yuan(row.amount for row in unpaid),
        yuan_to_recover=_yuan(one.amount for one in recoveries if one.state == Recovery.State.OPEN),
        yuan_recovered=_yuan(one.amount for one in recoveries if one.state == Recovery.State.RECOVERED),
    )


def _row(part: GrantPart) -> Row:
    receipts = sorted(part.receipts.all(), key=lambda receipt: receipt.pk)
    return Row(
        part.row,
        part.line.uscc,
        part.line.enterprise_name,
        part.stage_label,
        part.get_payer_display(),
        part.amount,
        receipts[-1].reason if receipts else "",
    )


def _yuan(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def recoverable(line: GrantLine) -> Decimal:
    """Yuan that the bank paid on a line and that were not given back."""
    booked = _yuan(line.receipts.filter(paid=True).values_list("amount", flat=True))
    given_back = line.recoveries.filter(state=Recovery.State.RECOVERED).values_list("amount", flat=True)
    return booked - _yuan(given_back)


def ask_back(line_id: int, amount: Decimal, reason: str, person: AbstractUser) -> Recovery:
    """Ask an enterprise for money that the bank paid it. Raises GrantRefusedError."""
    reason = require_reason(reason)
    with transaction.atomic():
        line = GrantLine.objects.filter(pk=line_id).first()
        if line is None:
            raise GrantRefusedError("没有这一户，或您无权查看。")
        grant_list = hold(line.list_id)
        require_duty(grant_list, person, Step.PAYMENT, "make_payment_file")
        if not line.receipts.filter(paid=True).exists():
            raise GrantRefusedError("银行尚未确认入账，不能追回。")
        most = recoverable(line)
        if not 0 < amount <= most:
            raise GrantRefusedError(f"追回金额须大于 0，不超过 {most} 元。")
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
