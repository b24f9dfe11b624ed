"""What a case waits for from the person who looks at it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Case as Ordered
from django.db.models import Exists, F, IntegerField, Min, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils import timezone

from citybrain.desk.accounts.models import User
from citybrain.events.models import ENDED, Case, Clock, Petition, State, Transition

OPEN = tuple(state for state in State if state not in ENDED)


@dataclass(frozen=True)
class Duty:
    """The step that a state waits for: whose it is (`permission`, and the handler's own where `own`)."""

    state: State
    permission: str
    zh: str
    own: bool = False


DUTIES = (
    Duty(State.DETECTED, "events.confirm_case", "请核实"),
    Duty(State.CONFIRMED, "events.file_case", "请立案"),
    Duty(State.FILED, "events.dispatch_case", "请派遣"),
    Duty(State.REWORK, "events.handle_case", "核查未通过，请返工", own=True),
    Duty(State.DISPATCHED, "events.handle_case", "请接单", own=True),
    Duty(State.ACCEPTED, "events.handle_case", "请处置", own=True),
    Duty(State.HANDLING, "events.handle_case", "请处置并上传照片", own=True),
    Duty(State.CHECKING, "events.check_case", "请人工核查"),
)


# What waits for an answer besides the step of its state; nobody of the handler answers.
PETITIONS = (
    (Petition.EXTENSION, "events.approve_case", "请审批延期"),
    (Petition.SUSPENSION, "events.approve_case", "请审批挂账"),
    (Petition.APPEAL, "events.judge_case", "请初审超时申诉"),
    (Petition.SECOND_REVIEW, "events.judge_case", "请复审超时申诉"),
)


def queued_cases(cases: QuerySet[Case] | None = None) -> QuerySet[Case]:
    """Cases with `asked` (a person is to check), `since` (when the newest step was taken) and `next_due` (the
    running limit that ends first). Organisations are read beside them: joined, thousands of wide rows would
    be sorted for a page of fifty.
    """
    newest = Transition.objects.filter(case=OuterRef("pk"), version=OuterRef("version"))
    running = Clock.objects.filter(case=OuterRef("pk"), state=Clock.State.RUNNING)
    first = running.order_by().values("case").annotate(first=Min("due_at")).values("first")
    every = Case.objects.all() if cases is None else cases
    return every.prefetch_related("handler", "lead").annotate(
        asked=Exists(newest.filter(action="ask_person")),
        since=Subquery(newest.values("at")[:1]),
        next_due=Subquery(first),
    )


def visible_to(person: User) -> QuerySet[Case]:
    """The cases that the person may see. Row security says so by itself; for one organisation it is said
    again in words that an index knows, or half a million rows would be looked at for the few.
    """
    scope = person.row_scope
    if scope.width != "organisation":
        return Case.objects.all()
    own = scope.organisation_id
    return Case.objects.filter(Q(handler_id=own) | Q(lead_id=own) | Q(reporter_organisation_id=own))


def cases_of(person: User) -> QuerySet[Case]:
    """`queued_cases` that the person may see."""
    return queued_cases(visible_to(person))


def waiting_for(person: User) -> Q:
    """The cases of `queued_cases` in which the next step is the person's."""
    found = Q(pk__in=[])
    for petition, permission, _ in PETITIONS:
        if person.has_perm(permission):
            found |= Q(petition=petition) & ~Q(handler_id=person.organisation_id)
    for duty in DUTIES:
        if not person.has_perm(duty.permission):
            continue
        cases = Q(state=duty.state)
        if duty.own:
            cases &= Q(handler_id=person.organisation_id)
        if duty.state == State.CHECKING:  # the machine looks first; the handler's own people never check
            cases &= Q(asked=True) & ~Q(handler_id=person.organisation_id)
        found |= cases
    return found


def overdue() -> Q:
    """The cases with a running limit that has passed."""
    late = Clock.objects.filter(state=Clock.State.RUNNING, due_at__lt=timezone.now())
    return Q(pk__in=late.order_by().values("case"))


def duty_of(person: User, case: Case) -> str:
    """What the person is to do on a case of `queued_cases` now, in Chinese; empty for nothing."""
    for petition, permission, zh in PETITIONS:
        others = case.handler_id != person.organisation_id
        if case.petition == petition and others and person.has_perm(permission):
            return zh
    for duty in DUTIES:
        if case.state != duty.state or not person.has_perm(duty.permission):
            continue
        own = case.handler_id == person.organisation_id
        if duty.state == State.CHECKING:
            return duty.zh if getattr(case, "asked", False) and not own else ""
        return duty.zh if own or not duty.own else ""
    return ""


def most_urgent_first(cases: QuerySet[Case], person: User) -> QuerySet[Case]:
    """What waits for the person stands first, then what runs out first; without a limit the newest first."""
    mine = When(waiting_for(person), then=Value(0))
    first = Ordered(mine, default=Value(1), output_field=IntegerField())
    return cases.order_by(first, F("next_due").asc(nulls_last=True), "-pk")


class UrgentFirst:
    """Cases by urgency of which the number is known already; a page of Paginator counts nothing again."""

    ordered = True

    def __init__(self, cases: QuerySet[Case], person: User, count: int) -> None:
        self._cases = most_urgent_first(cases, person)
        self._count = count

    def count(self) -> int:
        return self._count

    def __getitem__(self, part: slice) -> Sequence[Case]:
        return list(self._cases[part])


class OpenFirst:
    """Open cases and those that wait for the person by urgency, then what is over, the newest first.

    Two queries that each have an index to walk along; one over both would sort everything for a page of it.
    A page of `django.core.paginator.Paginator`, which counts and slices.
    """

    ordered = True

    def __init__(self, cases: QuerySet[Case], person: User, most: int) -> None:
        waits = waiting_for(person)
        self._first = most_urgent_first(cases.filter(Q(state__in=OPEN) | waits), person)
        self._rest = cases.filter(state__in=ENDED).exclude(waits).order_by("-pk")
        self._most = most
        self._first_count = self._first.order_by().values("pk")[:most].count()

    def count(self) -> int:
        """At most `most`: nobody turns pages so far."""
        left = self._most - self._first_count
        return self._first_count + (self._rest.order_by().values("pk")[:left].count() if left > 0 else 0)

    def __getitem__(self, part: slice) -> Sequence[Case]:
        start, stop = int(part.start or 0), int(part.stop)
        first = list(self._first[start:stop]) if start < self._first_count else []
        more = stop - start - len(first)
        behind = max(start - self._first_count, 0)
        return [*first, *(self._rest[behind : behind + more] if more > 0 else [])]
