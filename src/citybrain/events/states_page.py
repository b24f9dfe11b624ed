"""The page docs/reference/case-states.md, written from the files that the desk runs on."""

from collections.abc import Iterable, Iterator

from citybrain.events.case_classes import CaseClass, load_case_classes
from citybrain.events.rules import SAME, ClockOrders, Rules, Step, load_rules


def states_page() -> str:
    """The whole page, in Markdown. Raises ContentError."""
    rules, classes = load_rules(), load_case_classes()
    return "\n".join(
        [
            "# States of a case",
            "",
            f"Printed by `citybrain events states` from `src/citybrain/events/transitions.yml`"
            f" (version {rules.version}) and",
            "`case_classes.yml`; a test holds it equal to them. How it works: [life of a case]"
            "(../explanation/life-of-a-case.md).",
            "",
            "```mermaid",
            "stateDiagram-v2",
            *_diagram(rules),
            "```",
            "",
            "## States",
            "",
            *_table(
                ("state", "shown as", "ends"),
                ((name, state.zh, "yes" if state.ends else "") for name, state in rules.states.items()),
            ),
            "",
            "## Steps",
            "",
            "A step is taken by a person whose role has the permission, by the platform, or by either.",
            "",
            *_table(
                ("step", "shown as", "from", "to", "who", "only if", "time limits", "tells"),
                (_step(step) for step in rules.transitions),
            ),
            "",
            "## Time limits",
            "",
            *_table(
                ("limit", "shown as", "length"),
                (
                    (name, clock.zh, "by class" if clock.by_class else f"{clock.value} {clock.unit}")
                    for name, clock in rules.clocks.items()
                ),
            ),
            "",
            *_table(
                ("level", "shown as", "share of the limit used", "tells"),
                (
                    (str(one.level), one.zh, f"{one.after:.0%}", ", ".join(one.message.to))
                    for one in rules.escalation
                ),
            ),
            "",
            "## Told beside the steps",
            "",
            *_table(("when", "tells"), _announcements(rules)),
            "",
            f"## Classes ({classes.scheme})",
            "",
            "As the file has them now; a case keeps the edition it was registered under. `uh` urgent hours,",
            "`wh` working hours, `wd` working days, `nd` natural days. Merge: signals this near in space and",
            "time, of one class, are one case; 0 m: of one place or device.",
            "",
            *_table(_CLASS_HEADS, (_class(one) for one in classes.filled_in().classes)),
            "",
        ]
    )


def _diagram(rules: Rules) -> Iterator[str]:
    for step in rules.transitions:
        for origin in step.origins:
            if step.to != SAME:
                yield f"    {origin or '[*]'} --> {step.to}: {step.action}"
    for name, state in rules.states.items():
        if state.ends:
            yield f"    {name} --> [*]"


def _step(step: Step) -> tuple[str, ...]:
    who = [step.permission or "", "platform" if step.machine else ""]
    told = dict.fromkeys(name for message in step.notify for name in message.to)
    return (
        step.action,
        step.zh,
        ", ".join(origin or "(new)" for origin in step.origins),
        step.to
        + (f", asks {step.asks}" if step.asks else "")
        + (f", answers {step.answers}" if step.answers else "")
        + (f", then {step.follow}" if step.follow else ""),
        " or ".join(filter(None, who)),
        ", ".join(step.guards),
        _orders(step.clocks),
        ", ".join(told),
    )


def _announcements(rules: Rules) -> Iterator[tuple[str, str]]:
    yield "a report joins a case that is filed", ", ".join(rules.joined.to)
    yield "somebody writes on a case", f"{', '.join(rules.written.to)} and whoever wrote before"
    again = rules.repeats
    yield (
        f"the class comes up {again.cases} times at one place in {again.days} days",
        ", ".join(again.message.to),
    )
    yield "a class with `wake` is filed: the place's wardens ring one after the other", "warden"
    yield "a warden answers", ", ".join(rules.wake.answered.to)
    yield "no warden answers", ", ".join(rules.wake.silent.to)


_CLASS_HEADS = (
    *("scenario", "class", "shown as", "number", "limit", "lead", "handler", "trusted", "closed by", "check"),
    *("merge", "extension", "reopen", "wake"),
)
_UNITS = {"urgent_hour": "uh", "working_hour": "wh", "working_day": "wd", "natural_day": "nd"}


def _class(one: CaseClass) -> tuple[str, ...]:
    limits = {"": one.limit, **{f"{name} ": limit for name, limit in one.stages.items()}}
    rounds = f", {one.clear_rounds} in a row" if one.clear_rounds > 1 else ""
    return (
        *(one.scenario, one.class_code, one.zh, f"{one.big}-{one.small}"),
        ", ".join(
            f"{name}{limit.value.normalize():f} {_UNITS[limit.unit]}"
            for name, limit in limits.items()
            if limit
        ),
        one.lead,
        " or ".join(filter(None, (one.handler.removeprefix("dispatcher"), one.handler_department)))
        or "dispatcher",
        ", ".join(one.trusted),
        " or ".join(one.closes_by),
        one.check + rounds,
        f"{one.merge.metres} m, {one.merge.hours} h",
        f"{one.extension.most} x {one.extension.share:.0%}" if one.extension.most else "none",
        f"{one.reopen_days} d",
        f"{one.wake.rings} rings, {one.wake.every_seconds} s" if one.wake else "",
    )


def _orders(orders: ClockOrders) -> str:
    named = (
        ("start", orders.start),
        ("pause", orders.pause),
        ("resume", orders.resume),
        ("stop", orders.stop),
        ("extend", orders.extend),
    )
    return "; ".join(f"{verb} {', '.join(stages)}" for verb, stages in named if stages)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
