"""One case from many signals, and its undoing: cases joined, signals split off, places that come up again."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from citybrain.events.acting import CaseRefusedError, apply, take
from citybrain.events.attaching import describe, hashes_of
from citybrain.events.editions import filing_of_case
from citybrain.events.guards import Attempt
from citybrain.events.models import ENDED, Case, Evidence, Signal
from citybrain.events.numbering import next_number
from citybrain.events.outbox import organisation_of, tell, tell_one
from citybrain.events.people import Actor
from citybrain.events.rules import load_rules
from citybrain.events.scope import as_system


def tell_joined(case: Case, signal: Signal) -> None:
    """Whoever reported it hears that the case is under way; before it is filed the filing will say so."""
    if signal.kind != Signal.Kind.DETECTED or case.filed_at is None or case.state in ENDED:
        return
    channel = load_rules().reporters.get(signal.source_kind)
    organisation = getattr(signal.reporter, "organisation", None) if signal.reporter_id else None
    if organisation is None and channel:
        organisation = organisation_of(code=channel)
    if organisation is not None:
        tell_one(case, f"joined:{signal.pk}", organisation, load_rules().joined, timezone.now())


def repeats(case: Case) -> int:
    """How many cases of the class the place had in the days before this one was found, with it."""
    if not case.place_id:
        return 1
    since = case.found_at - timedelta(days=load_rules().repeats.days)
    same = Case.objects.filter(scenario=case.scenario, class_code=case.class_code, place_id=case.place_id)
    found = same.filter(found_at__gt=since, found_at__lte=case.found_at).exclude(state=Case.State.VOIDED)
    return found.exclude(pk=case.pk).count() + 1


def tell_repeats(case: Case) -> None:
    """A place where the class came up so often is told to those who can do something for good."""
    rule, times = load_rules().repeats, repeats(case)
    if times >= rule.cases:
        tell(case, f"repeats:{times}", [rule.message], timezone.now(), limit=str(times))


@transaction.atomic
def join(case: Case, into: Case, actor: Actor, reason: str, *, version: int | None = None) -> Case:
    """Make a case, not dispatched yet, part of another open one of the same class; the other as it stands.

    Its signals, pictures and reporters go along, it ends as voided. Raises CaseRefusedError.
    """
    held = {
        one.pk: one
        for one in Case.objects.select_for_update(of=("self",))
        .filter(pk__in=[case.pk, into.pk])
        .order_by("pk")
    }
    if len(held) != 2:
        raise CaseRefusedError("没有这个案件，或您无权查看。")
    source, target = held[case.pk], held[into.pk]
    if target.state in ENDED:
        raise CaseRefusedError("要并入的案件已经结束。")
    if (source.scenario, source.class_code) != (target.scenario, target.class_code):
        raise CaseRefusedError("只有同一类别的案件可以合并。")
    moved = list(source.signals.values_list("key", flat=True))
    apply(source, "join", actor, reason=reason, version=version, data={"into": target.number})
    with as_system(actor.pk):
        source.signals.update(case=target)
        _copy_pictures(source, target, None)
        _count_again(target)
    return apply(target, "absorb", actor, data={"from": source.number, "signals": moved})


@transaction.atomic
def split(case: Case, keys: Sequence[str], actor: Actor, reason: str, *, version: int | None = None) -> Case:
    """Give signals of a case, by key, to a case of their own, which waits to be confirmed; the new case.

    What the case's own device saw stays with it. Raises CaseRefusedError.
    """
    held = Case.objects.select_for_update(of=("self",)).filter(pk=case.pk).first()
    if held is None:
        raise CaseRefusedError("没有这个案件，或您无权查看。")
    signals = list(
        held.signals.filter(key__in=keys).select_related("reporter").order_by("observed_at", "key")
    )
    if not signals or len(signals) != len(set(keys)):
        raise CaseRefusedError("请选择本案的信号。")
    if any(one.source_id and (one.source_id, one.zone) == (held.source_id, held.zone) for one in signals):
        raise CaseRefusedError("本案设备自己发现的信号不能拆出。")
    if held.signals.filter(kind=Signal.Kind.DETECTED).exclude(key__in=keys).count() == 0:
        raise CaseRefusedError("至少要给原案件留下一个信号。")
    reason = reason.strip()
    if not reason:
        raise CaseRefusedError("请写明理由。")
    apply(
        held, "split", actor, reason=reason, version=version, data={"signals": [one.key for one in signals]}
    )
    with as_system(actor.pk):
        fresh = _registered(held, signals, actor, reason)
        held.refresh_from_db()
        _count_again(held)
    return fresh


def _registered(case: Case, signals: list[Signal], actor: Actor, reason: str) -> Case:
    first, filing = signals[0], filing_of_case(case)
    fresh = Case(
        number=next_number(),
        **{name: getattr(case, name) for name in _KEPT},
        lead_id=case.lead_id,
        source_kind=first.source_kind,
        source_id=first.source_id,
        zone=first.zone,
        urgent=filing.rule.urgent,
        found_at=first.observed_at,
    )
    fresh.save()
    register = load_rules().step("register", "")
    if register is None:
        raise ValueError('transitions.yml has no step `register` from ""')
    hashes = hashes_of(signals)
    data = {"split_from": case.number, "signals": hashes}
    Signal.objects.filter(pk__in=[one.pk for one in signals]).update(case=fresh)
    _copy_pictures(case, fresh, signals)
    take(Attempt(fresh, register, actor, timezone.now(), reason, data=data))
    _count_again(fresh)
    return fresh


_KEPT = (
    *("scenario", "class_code", "class_scheme", "class_version", "class_big", "class_small", "title"),
    *("place_id", "place_name", "area_code", "origin"),
)


def _copy_pictures(source: Case, target: Case, signals: list[Signal] | None) -> None:
    """Evidence is append-only: the other case gets rows of its own for the same pictures, but for those of
    messages, which stay with their conversation.
    """
    about = source.evidence.exclude(kind=Evidence.Kind.MESSAGE)
    pictures = about if signals is None else about.filter(signal__in=signals)
    for picture in pictures:
        picture.pk, picture.case = None, target
    Evidence.objects.bulk_create(pictures, ignore_conflicts=True)


def _count_again(case: Case) -> None:
    """Sightings and times from the signals that the case has now."""
    seen = case.signals.filter(kind=Signal.Kind.DETECTED).order_by("observed_at")
    case.sightings = seen.count()
    newest = seen.last()
    case.last_seen_at = newest.observed_at if newest else None
    describe(case)
    case.save()
