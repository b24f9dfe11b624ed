"""Teams and pumps that are sent to a case, or asked for at its place: steps of the case, on the ledger.

A case keeps what was sent to it until it is over. What stands in the register is for the desk to read; this
room only knows what was sent of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connection, transaction

from citybrain.events.acting import CaseRefusedError, apply
from citybrain.events.models import ENDED, Case, Transition
from citybrain.events.people import Actor
from citybrain.events.scope import as_system

Kind = Literal["team", "stock"]
LONGEST_WORDS = 200  # characters
AT_WORK = (
    Case.State.FILED,
    Case.State.DISPATCHED,
    Case.State.ACCEPTED,
    Case.State.HANDLING,
    Case.State.REWORK,
)


@dataclass(frozen=True)
class Resource:
    """One team, or one item of one store. `available` is what the register counts: 1 for a team."""

    kind: Kind
    code: str
    name: str
    unit: str
    available: int


@dataclass(frozen=True)
class Sent:
    """What a case got: `words` as its history tells it."""

    case_number: str
    kind: str
    code: str
    name: str
    count: int
    words: str


def sent_to(case_ids: Iterable[int] | None = None) -> list[Sent]:
    """What was sent to cases that are not over, the newest first; of the given cases, or of all."""
    steps = Transition.objects.filter(action="send_resource").exclude(case__state__in=ENDED)
    if case_ids is not None:
        steps = steps.filter(case_id__in=list(case_ids))
    rows = steps.order_by("-pk").values_list("case__number", "data", "reason")
    return [_sent(number, data["resource"], reason) for number, data, reason in rows]


def _sent(number: str, resource: dict[str, Any], reason: str) -> Sent:
    return Sent(
        case_number=number,
        kind=str(resource["kind"]),
        code=str(resource["code"]),
        name=str(resource["name"]),
        count=int(resource["count"]),
        words=reason,
    )


def asked_for(case_ids: Iterable[int]) -> dict[int, list[str]]:
    """By case: what its place asked for after the last time that something was sent there."""
    steps = Transition.objects.filter(
        case_id__in=list(case_ids), action__in=["ask_resource", "send_resource"]
    )
    waiting: dict[int, list[str]] = {}
    for case_id, action, reason in steps.order_by("pk").values_list("case_id", "action", "reason"):
        if action == "ask_resource":
            waiting.setdefault(case_id, []).append(reason)
        else:
            waiting.pop(case_id, None)
    return waiting


@transaction.atomic
def send(case: Case, resource: Resource, count: int, actor: Actor, *, key: str) -> Case:
    """Send a team or so many of a store's item to a case. Sent twice under one `key` it counts once.

    A team is at one case at a time, and a store gives no more than it has. Raises CaseRefusedError.
    """
    if count < 1:
        raise CaseRefusedError("请写明数量。")
    with connection.cursor() as cursor:  # of two who send the same team the second one waits here
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"resource:{resource.code}"])
    if not case.transitions.filter(data__key=key, actor_id=actor.pk).exists():
        with as_system(actor.pk):
            gone = [one for one in sent_to() if one.code == resource.code]
        left = resource.available - sum(one.count for one in gone)
        if resource.kind == "team" and gone:
            raise CaseRefusedError(f"{resource.name}已调派至案件 {gone[0].case_number}。")
        if count > left:
            raise CaseRefusedError(
                f"{resource.name}现有 {max(left, 0)} {resource.unit}，不足 {count} {resource.unit}。"
            )
    return apply(
        case,
        "send_resource",
        actor,
        reason=f"调派{resource.name} {count} {resource.unit}",
        key=key,
        data={
            "resource": {
                "kind": resource.kind,
                "code": resource.code,
                "name": resource.name,
                "count": count,
                "unit": resource.unit,
            }
        },
    )


_ASKED: dict[Kind, tuple[str, str]] = {"team": ("救援队伍", "支"), "stock": ("排水泵", "台")}


def ask(case: Case, kind: str, count: int, words: str, actor: Actor, *, key: str) -> Case:
    """Ask for so many teams or pumps at the place of a case, in a warden's words. Raises CaseRefusedError."""
    if kind not in _ASKED or not 0 < count < 100:
        raise CaseRefusedError("请选择要什么、要多少。")
    if len(words) > LONGEST_WORDS:
        raise CaseRefusedError(f"说明不能超过 {LONGEST_WORDS} 字。")
    what, unit = _ASKED["team" if kind == "team" else "stock"]
    said = f"需要{what} {count} {unit}" + (f"：{words.strip()}" if words.strip() else "")
    data = {"resource": {"kind": kind, "count": count, "unit": unit}}
    return apply(case, "ask_resource", actor, reason=said, key=key, data=data)
