"""What a list waits for from the person who looks at it."""

from collections.abc import Iterable

from django.contrib.auth.models import AbstractUser
from django.db.models import Count, Q, QuerySet

from citybrain.policy.grants.models import GrantList, ListState, Step

# State, permission, and what is to be done; the first that fits is the person's next step.
_WAITING = (
    (ListState.DRAFT, "approve_list", Step.FIRST_REVIEW, "请初审"),
    (ListState.RETURNED, "approve_list", Step.FIRST_REVIEW, "被退回，请处理"),
    (ListState.FIRST_REVIEW, "countersign_list", Step.COUNTERSIGN, "请复核"),
    (ListState.SECOND_REVIEW, "approve_list", Step.NOTICE, "请发布公示"),
    (ListState.PAYABLE, "make_payment_file", Step.PAYMENT, "请生成拨付文件"),
)
_ELSEWHERE = {
    Step.FIRST_REVIEW: {Step.COUNTERSIGN, Step.OBJECTION, Step.PAYMENT},
    Step.COUNTERSIGN: {Step.FIRST_REVIEW, Step.PAYMENT},
    Step.OBJECTION: {Step.FIRST_REVIEW, Step.PAYMENT},
    Step.PAYMENT: {Step.FIRST_REVIEW, Step.COUNTERSIGN, Step.OBJECTION},
}


def lists_with_counts() -> QuerySet[GrantList]:
    """Lists with `open_objections` and `held_lines`."""
    return GrantList.objects.select_related("notice").annotate(
        open_objections=Count("lines__objections", filter=Q(lines__objections__state="open"), distinct=True),
        held_lines=Count("lines", filter=Q(lines__state="held"), distinct=True),
    )


def steps_of(person: AbstractUser, lists: Iterable[GrantList]) -> dict[int, set[str]]:
    """By list: the kinds of step the person has taken there."""
    from citybrain.policy.grants.models import GrantDecision

    taken: dict[int, set[str]] = {}
    for list_id, step in GrantDecision.objects.filter(
        person_id=person.pk, list__in=[grant_list.pk for grant_list in lists]
    ).values_list("list_id", "step"):
        taken.setdefault(list_id, set()).add(step)
    return taken


def duty(person: AbstractUser, grant_list: GrantList, taken: set[str]) -> str:
    """What the person is to do on the list now, in Chinese; empty for nothing."""

    def free(step: Step, permission: str) -> bool:
        return person.has_perm(f"grants.{permission}") and not (_ELSEWHERE.get(step, set()) & taken)

    for state, permission, step, words in _WAITING:
        if grant_list.state == state and free(step, permission):
            if step == Step.COUNTERSIGN and _has_countersigned(person, grant_list):
                continue
            return words
    if getattr(grant_list, "open_objections", 0) and free(Step.OBJECTION, "settle_objection"):
        return f"有 {grant_list.open_objections} 件异议待核处"  # type: ignore[attr-defined]
    return ""


def _has_countersigned(person: AbstractUser, grant_list: GrantList) -> bool:
    return grant_list.decisions.filter(
        round=grant_list.round, step=Step.COUNTERSIGN, decision="approve", person_id=person.pk
    ).exists()
