"""One case of the past: what happened to it, step by step, from what luck and its class say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import exp, log

from citybrain.catalogue.scenario import EventScenario, TimeUnit, load_scenarios
from citybrain.events.sla import due, seconds_of
from citybrain.events.told import ToldCase, ToldStep
from citybrain.simulate.case_history.mix import ClassMix, Mix
from citybrain.simulate.case_history.places import LANE, Spot

LUCK = 24
"""So many numbers in [0, 1) tell a case; each has its own place below, so that no case leans on another."""


@dataclass(frozen=True)
class Manner:
    """How a class is dealt with: what a day, a county and the city's record make of its shares."""

    mix: Mix
    of: ClassMix
    sources: tuple[str, ...]
    source_bounds: tuple[float, ...]
    limit_seconds: int
    unit: TimeUnit
    lead: str
    until: datetime

    def hardship(self, county: str, age_share: float) -> float:
        """Times the shares of late and sent-back cases; `age_share` is 1 at the beginning of the history."""
        return self.mix.counties.get(county, 1.0) * (1 + (self.mix.improvement - 1) * age_share)


def manner_of(mix: Mix, one: ClassMix, until: datetime) -> Manner:
    """`until` is the end of the history: nobody is known to have done anything later."""
    scenario: EventScenario = next(
        event for event in load_scenarios().event_handling if event.id == one.scenario
    )
    limit = next(limit for limit in scenario.limits if limit.case == one.class_code)
    total, bounds, so_far = sum(one.sources.values()), [], 0.0
    for share in one.sources.values():
        so_far += share / total
        bounds.append(so_far)
    return Manner(
        mix=mix,
        of=one,
        sources=tuple(one.sources),
        source_bounds=tuple(bounds),
        limit_seconds=seconds_of(Decimal(str(limit.value)), limit.unit),
        unit=limit.unit,
        lead=scenario.lead[0],
        until=until,
    )


def tell(
    manner: Manner,
    number: str,
    spot: Spot,
    found_at: datetime,
    age_share: float,
    luck: Sequence[float],
    forgotten: bool = False,
) -> ToldCase | None:
    """The case as it was known at the manner's `until`; None for one that a camera's detector has to end.

    A forgotten one is real, and nothing happens to it after it was taken on.
    """
    of = manner.of
    hardship = manner.hardship(spot.county, age_share)
    if forgotten:
        steps = _taken_on(manner, spot, found_at, luck)
    elif luck[0] < of.false_alarm:
        steps = _false_alarm(manner, spot, found_at, luck)
    else:
        steps = _handled(manner, spot, found_at, hardship, luck)
    if of.by_machine and steps[-1].at > manner.until:
        return None
    known = tuple(step for step in steps if step.at <= manner.until)
    source = next(
        (name for name, bound in zip(manner.sources, manner.source_bounds, strict=True) if luck[1] < bound),
        manner.sources[-1],
    )
    return ToldCase(
        number=number,
        scenario=of.scenario,
        class_code=of.class_code,
        place_id=spot.place_id,
        place_name=spot.name,
        area_code=spot.area_code,
        source_kind=source,
        found_at=found_at,
        steps=known,
        source_id=spot.camera_id,
        zone=LANE if spot.camera_id else "",
        sightings=1 + int(luck[2] * 4) if of.by_machine else 1,
    )


def _opening(manner: Manner, found_at: datetime, luck: Sequence[float]) -> list[ToldStep]:
    """From finding to filing: by the platform where a detector is trusted, else by the acceptor's desk."""
    if manner.of.by_machine:
        return [ToldStep(action, found_at) for action in ("register", "confirm", "file")]
    post = manner.mix.posts.acceptor
    confirmed = found_at + _minutes(2 + 9 * luck[3] if _is_urgent(manner) else 5 + 35 * luck[3])
    filed = confirmed + _minutes(1 + 5 * luck[4])
    return [
        ToldStep("register", found_at),
        ToldStep("confirm", confirmed, post.role, post.organisation),
        ToldStep("file", filed, post.role, post.organisation),
    ]


def _dispatched(
    manner: Manner, spot: Spot, filed_at: datetime, luck: Sequence[float]
) -> tuple[ToldStep, str]:
    """The step that gives the case to its handler, and the handler's role."""
    handler, role = _handler(manner, spot, luck[5])
    if manner.of.by_machine:
        return ToldStep("dispatch", filed_at, handler=handler), role
    post = manner.mix.posts.dispatcher
    minutes = 16 + 40 * luck[6] if luck[7] < 0.05 else 1 + 13 * luck[6]
    at = filed_at + _minutes(minutes)
    return ToldStep("dispatch", at, post.role, post.organisation, handler=handler), role


def _handler(manner: Manner, spot: Spot, luck: float) -> tuple[str, str]:
    """Code and role of the handler: the first kind that the place knows, or one of the departments."""
    posts, handlers = manner.mix.posts, manner.of.handlers
    if "company" in handlers and spot.company:
        return spot.company, posts.company
    if "community" in handlers and spot.community:
        return spot.community, posts.community
    departments = [name for name in handlers if name not in ("company", "community")] or [manner.lead]
    # One place's cases mostly go the same way.
    settled = sum(map(ord, spot.place_id)) % len(departments)
    other = int(luck / 0.15 * len(departments)) if luck < 0.15 else settled
    return departments[min(other, len(departments) - 1)], posts.department


def _false_alarm(manner: Manner, spot: Spot, found_at: datetime, luck: Sequence[float]) -> list[ToldStep]:
    """Nothing was wrong, or it was known already."""
    reason = _one(manner.mix.reasons.void, luck[8])
    post = manner.mix.posts.dispatcher if manner.of.by_machine else manner.mix.posts.acceptor
    if manner.of.by_machine:
        steps = _opening(manner, found_at, luck)
        steps.append(_dispatched(manner, spot, found_at, luck)[0])
    else:
        steps = _opening(manner, found_at, luck)[: 2 if luck[9] < 0.3 else 1]
    at = steps[-1].at + _minutes(4 + 50 * luck[10])
    return [*steps, ToldStep("void", at, post.role, post.organisation, reason)]


def _taken_on(manner: Manner, spot: Spot, found_at: datetime, luck: Sequence[float]) -> list[ToldStep]:
    steps = _opening(manner, found_at, luck)
    dispatch, role = _dispatched(manner, spot, steps[-1].at, luck)
    return [*steps, dispatch, ToldStep("accept", dispatch.at + _minutes(9), role, dispatch.handler)]


def _handled(
    manner: Manner, spot: Spot, found_at: datetime, hardship: float, luck: Sequence[float]
) -> list[ToldStep]:
    steps = _opening(manner, found_at, luck)
    dispatch, role = _dispatched(manner, spot, steps[-1].at, luck)
    steps.append(dispatch)
    handler, begun = dispatch.handler, dispatch.at
    if luck[11] < manner.of.suspended:
        steps += _suspended(manner, begun, luck)
        begun = steps[-1].at
    accepted = begun + _minutes(16 + 30 * luck[12] if luck[13] < 0.06 else 1 + 12 * luck[12])
    steps.append(ToldStep("accept", accepted, role, handler))
    if luck[14] < 0.25:
        steps.append(ToldStep("start", accepted + _minutes(1 + 3 * luck[15]), role, handler))
    taken = _share_of_limit(manner, hardship, luck)
    handled = _after(manner, begun, taken)
    handled = max(handled, steps[-1].at + _minutes(1 + 2 * luck[16]))
    steps += _handed_in(role, handler, handled)
    if luck[19] < min(0.5, manner.of.rework * hardship):
        sent_back = _sent_back(manner, handled, luck)
        again = max(
            _after(manner, sent_back.at, 0.1 + 0.5 * luck[20]), sent_back.at + _minutes(3 + 5 * luck[20])
        )
        steps += [sent_back, *_handed_in(role, handler, again)]
    steps.append(_passed(manner, steps[-1].at, luck))
    return steps


def _suspended(manner: Manner, dispatched: datetime, luck: Sequence[float]) -> list[ToldStep]:
    """Nobody can do anything for some days; the limit stands still meanwhile."""
    post, reasons = manner.mix.posts.dispatcher, manner.mix.reasons
    suspended = dispatched + _minutes(30 + 200 * luck[22])
    resumed = suspended + timedelta(days=2 + int(18 * luck[23]))
    return [
        ToldStep("suspend", suspended, post.role, post.organisation, _one(reasons.suspend, luck[22])),
        ToldStep("resume", resumed, post.role, post.organisation, _one(reasons.resume, luck[23])),
    ]


def _share_of_limit(manner: Manner, hardship: float, luck: Sequence[float]) -> float:
    """How much of its limit handling takes, 1 is all of it."""
    late = min(0.6, manner.of.late * hardship)
    if luck[17] < late:
        return 1.05 - 0.7 * log(1 - 0.95 * luck[18])
    bell = luck[18] + luck[20] + luck[21] - 1.5  # of three: near enough to normal, from -1.5 to 1.5
    return min(0.93, max(0.04, manner.of.pace * exp(bell)))


def _handed_in(role: str, handler: str, at: datetime) -> list[ToldStep]:
    return [ToldStep("handle", at, role, handler, photo=True), ToldStep("request_check", at)]


def _sent_back(manner: Manner, handled: datetime, luck: Sequence[float]) -> ToldStep:
    if manner.of.by_machine:
        at = handled + timedelta(seconds=20 + int(40 * luck[10]))
        return ToldStep("fail_check", at, reason="处置后照片上通道仍被占用。", verdict="occupied")
    post = manner.mix.posts.dispatcher
    at = handled + _minutes(4 + 22 * luck[10])
    return ToldStep("reject", at, post.role, post.organisation, _one(manner.mix.reasons.reject, luck[9]))


def _passed(manner: Manner, handed_in: datetime, luck: Sequence[float]) -> ToldStep:
    if manner.of.by_machine:
        return ToldStep("pass_check", handed_in + timedelta(seconds=20 + int(40 * luck[8])), verdict="clear")
    post = manner.mix.posts.dispatcher
    at = handed_in + _minutes(31 + 90 * luck[8] if luck[9] < 0.08 else 4 + 24 * luck[8])
    return ToldStep("approve", at, post.role, post.organisation, _one(manner.mix.reasons.approve, luck[15]))


def _after(manner: Manner, start: datetime, share: float) -> datetime:
    """When so much of the limit has run since `start`, in the limit's own kind of time."""
    return due(start, int(share * manner.limit_seconds), manner.unit).at


def _is_urgent(manner: Manner) -> bool:
    return manner.unit is TimeUnit.URGENT_HOUR


def _one(words: list[str], luck: float) -> str:
    return words[min(int(luck * len(words)), len(words) - 1)]


def _minutes(minutes: float) -> timedelta:
    return timedelta(seconds=int(minutes * 60))
