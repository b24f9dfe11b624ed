"""What must hold before a step: one function a guard, named in `transitions.yml`.

A guard returns the refusal, in Chinese for the person who asks, or None.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from citybrain.events.models import Case, Evidence, State
from citybrain.events.people import Actor, Organisation
from citybrain.events.rules import GuardName, Step

MOST_REASON = 500  # characters


@dataclass(frozen=True)
class Attempt:
    """A step somebody wants to take: `organisation` is the handler it names, `data` goes into history."""

    case: Case
    step: Step
    actor: Actor | None
    now: datetime
    reason: str = ""
    organisation: Organisation | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


Guard = Callable[[Attempt], str | None]


def reason_given(attempt: Attempt) -> str | None:
    if not attempt.reason:
        return "请写明理由。"
    return None


def place_known(attempt: Attempt) -> str | None:
    case = attempt.case
    if not (case.place_name or (case.lon is not None and case.lat is not None)):
        return "案件没有地点，不能立案。请先核实地点。"
    return None


def handler_given(attempt: Attempt) -> str | None:
    handler = attempt.organisation or attempt.case.handler
    if handler is None:
        return "请选择承办单位。"
    if not handler.is_active:
        return f"{handler.name}已停用，不能承办。"
    return None


def another_handler(attempt: Attempt) -> str | None:
    if attempt.organisation is None or attempt.organisation.pk == attempt.case.handler_id:
        return "改派须选择另一个承办单位。"
    return None


def own_organisation(attempt: Attempt) -> str | None:
    if attempt.actor is None or attempt.actor.organisation_id != attempt.case.handler_id:
        return "案件不由您的单位承办。"
    return None


def after_photo(attempt: Attempt) -> str | None:
    if photo_of_this_round(attempt.case) is None:
        return "请先上传本次处置后的现场照片。"
    return None


def another_person(attempt: Attempt) -> str | None:
    """Who handled does not check, and nobody of the same organisation does."""
    if attempt.actor is None:
        return "人工核查须由核查人员办理。"
    handled = attempt.case.transitions.filter(action="handle").last()
    if handled is not None and handled.actor_id == attempt.actor.pk:
        return "处置人不能核查自己的处置结果。"
    if attempt.actor.organisation_id == attempt.case.handler_id:
        return "承办单位不能核查自己的处置结果。"
    return None


def check_passed(attempt: Attempt) -> str | None:
    """The machine saw the after-photo clear, or a patrol saw the place clear after it was handled."""
    if attempt.data.get("verdict") == "clear" or _cleared_since(attempt.case):
        return None
    return "核查没有通过。"


def check_failed(attempt: Attempt) -> str | None:
    return None if attempt.data.get("verdict") in ("occupied", "doubtful") else "核查没有不通过的结论。"


def machine_undecided(attempt: Attempt) -> str | None:
    """No machine checks this class, it could not read the photo, or it gave no answer. Told once a round."""
    last = attempt.case.transitions.last()
    if last is None or last.action == "ask_person":
        return "已转人工核查。"
    undecided = attempt.data.get("verdict") in ("unreadable", "failed", "no_machine")
    return None if undecided else "机器已有结论。"


GUARDS: dict[GuardName, Guard] = {
    "reason_given": reason_given,
    "place_known": place_known,
    "handler_given": handler_given,
    "another_handler": another_handler,
    "own_organisation": own_organisation,
    "after_photo": after_photo,
    "another_person": another_person,
    "check_passed": check_passed,
    "check_failed": check_failed,
    "machine_undecided": machine_undecided,
}
# What a page can say before anything is filled in; the other guards look at the form.
FOR_THE_PERSON: tuple[GuardName, ...] = ("own_organisation", "another_person")


def refusal(attempt: Attempt) -> str | None:
    """The first reason against the step, None when nothing is."""
    if len(attempt.reason) > MOST_REASON:
        return f"理由不能超过 {MOST_REASON} 字。"
    for name in attempt.step.guards:
        if said := GUARDS[name](attempt):
            return said
    return None


def may(actor: Actor | None, step: Step) -> bool:
    """Whether the step is one of the platform's (no actor) or of the person's roles."""
    if actor is None:
        return step.machine
    return step.permission is not None and actor.has_perm(step.permission)


def photo_of_this_round(case: Case) -> Evidence | None:
    """The newest after-photo since the case was last dispatched or sent back."""
    begun = case.transitions.filter(to_state__in=[State.DISPATCHED, State.REWORK]).last()
    photos = case.evidence.filter(kind=Evidence.Kind.AFTER)
    if begun is not None:
        photos = photos.filter(added_at__gte=begun.at)
    return photos.last()


def _cleared_since(case: Case) -> bool:
    return case.cleared_at is not None and case.handled_at is not None and case.cleared_at > case.handled_at
