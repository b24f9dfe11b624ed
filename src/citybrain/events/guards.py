"""What must hold before a step: one function a guard, named in `transitions.yml`.

A guard returns the refusal, in Chinese for the person who asks, or None.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet

from citybrain.events.editions import filing_of_case
from citybrain.events.models import ENDED, Case, Clock, Evidence, Signal, State
from citybrain.events.people import Actor, Organisation
from citybrain.events.rules import GuardName, Step

MOST_REASON = 500  # characters
UNDECIDED = ("unreadable", "failed", "no_machine", "disagree")
BEFORE = (Evidence.Kind.NEAR, Evidence.Kind.BEFORE, Evidence.Kind.REFERENCE)


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


def own_report(attempt: Attempt) -> str | None:
    actor, case = attempt.actor, attempt.case
    if actor is None or (
        actor.pk != case.reporter_id
        and (actor.organisation_id is None or actor.organisation_id != case.reporter_organisation_id)
    ):
        return "案件不是您或您的单位上报的。"
    return None


def before_photo(attempt: Attempt) -> str | None:
    needed = filing_of_case(attempt.case).rule.photos.before
    if needed and _photos(attempt.case, *BEFORE).count() < needed:
        return f"本类案件立案须有至少 {needed} 张处置前的照片。"
    return None


def after_photo(attempt: Attempt) -> str | None:
    """The class's after-photos of this round, or a clearing reading where the class takes one."""
    if _reading_proves(attempt.case) and readings_say_clear(attempt.case):
        return None
    needed = filing_of_case(attempt.case).rule.photos.after
    if _photos_of_this_round(attempt.case).count() < needed:
        return "请先上传本次处置后的现场照片。" + (f"本类案件须有 {needed} 张。" if needed > 1 else "")
    return None


def over(attempt: Attempt) -> str | None:
    """No case closes without an after-photo of the round or a clearing reading."""
    if photo_of_this_round(attempt.case) is None and not readings_say_clear(attempt.case):
        return "没有处置后的照片，也没有恢复正常的监测数据，不能结案。"
    return None


def readings_clear(attempt: Attempt) -> str | None:
    """A class that its readings check is over once enough of them in a row are clear."""
    if filing_of_case(attempt.case).rule.check != "readings" or not readings_say_clear(attempt.case):
        return "监测数据还没有连续恢复正常。"
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


def another_reviewer(attempt: Attempt) -> str | None:
    """Whoever asked does not answer, nobody of the handler does, and no reviewer reviews twice."""
    case, actor = attempt.case, attempt.actor
    if actor is None:
        return "审批须由审批人员办理。"
    if actor.organisation_id == case.handler_id:
        return "承办单位不能审批自己的申请。"
    newest = case.transitions.order_by("-version").values_list("action", "actor_id")
    for action, actor_id in newest:
        if actor_id == actor.pk and action in _PETITION_STEPS:
            return "同一申请须由不同的人提出、初审和复审。"
        if action in _FIRST_STEPS:
            break
    return None


_FIRST_STEPS = ("ask_extension", "ask_suspension", "appeal")
_PETITION_STEPS = (*_FIRST_STEPS, "support_appeal")


def in_time(attempt: Attempt) -> str | None:
    due = attempt.case.deadline_at
    if due is None or due <= attempt.now:
        return "处置时限已到或已暂停，不能申请延期。"
    return None


def extension_left(attempt: Attempt) -> str | None:
    most = filing_of_case(attempt.case).rule.extension.most
    return f"本类案件最多延期 {most} 次。" if attempt.case.extended_count >= most else None


def was_late(attempt: Attempt) -> str | None:
    """A limit of the case ran out, and nobody appealed against it before: once a case."""
    case = attempt.case
    if case.transitions.filter(action="appeal").exists():
        return "每个案件只能申诉一次。"
    late = case.clocks.filter(overdue=True).exists()
    runs = case.clocks.filter(state=Clock.State.RUNNING, due_at__lt=attempt.now).exists()
    return None if late or runs else "案件没有超时，无需申诉。"


def soon_after_closing(attempt: Attempt) -> str | None:
    case, days = attempt.case, filing_of_case(attempt.case).rule.reopen_days
    if case.closed_at is None or attempt.now > case.closed_at + timedelta(days=days):
        return f"结案已超过 {days} 天，请作为新案件上报。"
    return None


def spot_free(attempt: Attempt) -> str | None:
    """A closed case is not taken up again beside another one for the same spot."""
    case = attempt.case
    if not case.source_id:
        return None
    others = Case.objects.exclude(pk=case.pk).exclude(state__in=ENDED)
    same = others.filter(
        scenario=case.scenario, class_code=case.class_code, source_id=case.source_id, zone=case.zone
    )
    return "同一地点已有在办的同类案件。" if same.exists() else None


def check_passed(attempt: Attempt) -> str | None:
    """The machine saw the after-photo clear, or rounds and readings since the handling are clear."""
    if attempt.data.get("verdict") == "clear" or _cleared_since_handling(attempt.case):
        return None
    return "核查没有通过。"


def check_failed(attempt: Attempt) -> str | None:
    return None if attempt.data.get("verdict") in ("occupied", "doubtful") else "核查没有不通过的结论。"


def machine_undecided(attempt: Attempt) -> str | None:
    """No machine checks this class, it could not read the photo, or it gave no answer. Told once a round."""
    last = attempt.case.transitions.last()
    if last is None or last.action == "ask_person":
        return "已转人工核查。"
    return None if attempt.data.get("verdict") in UNDECIDED else "机器已有结论。"


GUARDS: dict[GuardName, Guard] = {
    "reason_given": reason_given,
    "place_known": place_known,
    "handler_given": handler_given,
    "another_handler": another_handler,
    "own_organisation": own_organisation,
    "own_report": own_report,
    "before_photo": before_photo,
    "after_photo": after_photo,
    "over": over,
    "readings_clear": readings_clear,
    "another_person": another_person,
    "another_reviewer": another_reviewer,
    "in_time": in_time,
    "extension_left": extension_left,
    "was_late": was_late,
    "soon_after_closing": soon_after_closing,
    "spot_free": spot_free,
    "check_passed": check_passed,
    "check_failed": check_failed,
    "machine_undecided": machine_undecided,
}
# What a page can say before anything is filled in; the other guards look at the form.
FOR_THE_PERSON: tuple[GuardName, ...] = (
    "own_organisation",
    "own_report",
    "another_person",
    "another_reviewer",
    "in_time",
    "extension_left",
    "was_late",
    "soon_after_closing",
)


def refusal(attempt: Attempt) -> str | None:
    """The first reason against the step, None when nothing is."""
    if len(attempt.reason) > MOST_REASON:
        return f"理由不能超过 {MOST_REASON} 字。"
    if said := petition_refusal(attempt.case, attempt.step):
        return said
    for name in attempt.step.guards:
        if said := GUARDS[name](attempt):
            return said
    return None


def petition_refusal(case: Case, step: Step) -> str | None:
    """A step answers the petition that waits, and nobody asks while one does."""
    if step.answers is not None and case.petition != step.answers:
        return "案件没有这项待批申请。"
    if step.asks is not None and step.answers is None and case.petition:
        return "案件已有待批的申请，请等待审批。"
    return None


def may(actor: Actor | None, step: Step) -> bool:
    """Whether the step is one of the platform's (no actor) or of the person's roles."""
    if actor is None:
        return step.machine
    return step.permission is not None and actor.has_perm(step.permission)


def photo_of_this_round(case: Case) -> Evidence | None:
    """The newest after-photo since the case was last dispatched or sent back."""
    return _photos_of_this_round(case).last()


def readings_say_clear(case: Case) -> bool:
    """Everything seen is gone, and as many rounds or readings in a row say so as the class asks for.

    A `cleared` signal counts for the rounds that it tells in `detail.clear_rounds`, one where it tells none.
    """
    if case.cleared_at is None:
        return False
    return rounds_clear(case) >= filing_of_case(case).rule.clear_rounds


def rounds_clear(case: Case) -> int:
    """How many rounds or readings in a row were clear since something was last seen: of kinds of things seen
    (a car and a lorry, two levels of an alarm) the one that was clear for the fewest.
    """
    signals = case.signals.filter(kind=Signal.Kind.CLEARED)
    if case.last_seen_at is not None:
        signals = signals.filter(observed_at__gte=case.last_seen_at)
    clear: Counter[str] = Counter()
    for class_code, detail in signals.values_list("class_code", "detail"):
        clear[class_code] += _rounds(detail)
    return min(clear.values(), default=0)


def _rounds(detail: Any) -> int:
    told = detail.get("clear_rounds") if isinstance(detail, dict) else None
    return told if isinstance(told, int) and told > 0 else 1


def _cleared_since_handling(case: Case) -> bool:
    """Clear after it was handled; where the clearing itself is what handled it, that is enough."""
    if case.cleared_at is None or case.handled_at is None:
        return False
    if filing_of_case(case).rule.check == "readings":
        return readings_say_clear(case)
    return case.cleared_at > case.handled_at and readings_say_clear(case)


def _reading_proves(case: Case) -> bool:
    return "reading" in filing_of_case(case).rule.closes_by


def _photos(case: Case, *kinds: Evidence.Kind) -> QuerySet[Evidence]:
    return case.evidence.filter(kind__in=kinds)


def _photos_of_this_round(case: Case) -> QuerySet[Evidence]:
    begun = case.transitions.filter(to_state__in=[State.DISPATCHED, State.REWORK]).exclude(
        from_state=F("to_state")  # a petition asked for and answered begins no round
    )
    newest, photos = begun.last(), _photos(case, Evidence.Kind.AFTER)
    return photos if newest is None else photos.filter(added_at__gte=newest.at)
