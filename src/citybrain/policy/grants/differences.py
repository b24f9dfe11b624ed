"""Where a list and the newest run of its item disagree: decided lists stay as they are, people are told."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from citybrain.policy.grants.models import GrantList

_NEWEST = """
SELECT max(m.run_id) FROM policy.match_run_item m JOIN policy.item_version v USING (item_version_id)
WHERE v.item_id = %s
"""

_DIFFERENT = """
SELECT l.uscc, l.enterprise_name, l.amount, p.amount, coalesce(p.reason, ''), r.status
FROM ops.grant_line l
LEFT JOIN (
    policy.match_result r JOIN policy.item_version v ON v.item_version_id = r.item_version_id
        AND v.item_id = %(item_id)s
) ON r.run_id = %(run_id)s AND r.uscc = l.uscc
LEFT JOIN policy.proposal p ON p.run_id = r.run_id AND p.item_version_id = r.item_version_id
    AND p.uscc = r.uscc
WHERE l.list_id = %(list_id)s AND l.state IN ('proposed', 'objected', 'held')
    AND (p.amount IS DISTINCT FROM l.amount OR p.outcome <> 'pay')
ORDER BY l.rank, l.uscc
"""
_STATUS = {None: "不再符合条件", "near": "差条件未达到", "needs_data": "缺少数据，无法判断"}


@dataclass(frozen=True)
class Difference:
    """An enterprise of the list, and what the newest run says of it now (`now_amount` None: nothing)."""

    uscc: str
    enterprise_name: str
    amount: Decimal
    now_amount: Decimal | None
    why: str


def newest_run_of(item_id: str) -> int | None:
    """The newest run that matched the item."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [item_id])
        run_id = cursor.fetchone()[0]
    return None if run_id is None else int(run_id)


def differences(grant_list: GrantList) -> list[Difference]:
    """The unpaid lines of the list that the newest run of its item would not pay, or with another amount."""
    run_id = newest_run_of(grant_list.item_id)
    if run_id == grant_list.run_id:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _DIFFERENT, {"item_id": grant_list.item_id, "run_id": run_id, "list_id": grant_list.pk}
        )
        rows = cursor.fetchall()
    return [
        Difference(uscc, name, amount, now_amount, _STATUS.get(status) or reason or "金额不同")
        for uscc, name, amount, now_amount, reason, status in rows
    ]
