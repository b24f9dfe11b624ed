"""Grant lists in figures: for the command line, the summary and scripts."""

from typing import Any

from django.db.models import Count, Sum

from citybrain.policy.grants.models import COUNTED, GrantLine, GrantList, ListState, PaymentFile

_DECIDED = (
    ListState.SECOND_REVIEW,
    ListState.NOTICE_OPEN,
    ListState.NOTICE_CLOSED,
    ListState.PAYABLE,
    ListState.PAID_FILE_MADE,
)


def counts() -> dict[str, Any]:
    """Lists (withdrawn ones left out), enterprises, yuan proposed, countersigned and in payment files."""
    alive = GrantList.objects.exclude(state=ListState.WITHDRAWN)
    firms = GrantLine.objects.filter(state__in=COUNTED).values("uscc").distinct().count()
    total = alive.aggregate(lists=Count("id"), yuan=Sum("total"))
    decided = alive.filter(state__in=_DECIDED).aggregate(lists=Count("id"), yuan=Sum("total"))
    paid = PaymentFile.objects.aggregate(files=Count("id"), yuan=Sum("total"))
    return {
        "lists": total["lists"],
        "waiting": alive.filter(state=ListState.DRAFT).count(),
        "firms": firms,
        "yuan_listed": str(total["yuan"] or 0),
        "lists_countersigned": decided["lists"],
        "yuan_countersigned": str(decided["yuan"] or 0),
        "payment_files": paid["files"],
        "yuan_in_files": str(paid["yuan"] or 0),
    }


def list_row(grant_list: GrantList) -> dict[str, Any]:
    """One list as a script reads it."""
    return {
        "id": grant_list.pk,
        "code": grant_list.code,
        "title": grant_list.title,
        "department": grant_list.department,
        "run_id": grant_list.run_id,
        "state": grant_list.state,
        "version": grant_list.version,
        "lines": grant_list.line_count,
        "total": str(grant_list.total),
    }
