"""The page docs/reference/case-states.md, written from the files that the desk runs on."""

from collections.abc import Iterable, Iterator

from citybrain.events.case_classes import load_case_classes
from citybrain.events.rules import ClockOrders, Rules, Step, load_rules


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
            f"## Classes ({classes.scheme}, {classes.version})",
            "",
            *_table(
                ("scenario", "class", "shown as", "number", "handler", "trusted sources", "checked by"),
                (
                    (
                        *(one.scenario, one.class_code, one.zh, f"{one.big}-{one.small}"),
                        *(one.handler, ", ".join(one.trusted), one.check),
                    )
                    for one in classes.classes
                ),
            ),
            "",
        ]
    )


def _diagram(rules: Rules) -> Iterator[str]:
    for step in rules.transitions:
        for origin in step.origins:
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
        step.to + (f", then {step.follow}" if step.follow else ""),
        " or ".join(filter(None, who)),
        ", ".join(step.guards),
        _orders(step.clocks),
        ", ".join(told),
    )


def _orders(orders: ClockOrders) -> str:
    named = (
        ("start", orders.start),
        ("pause", orders.pause),
        ("resume", orders.resume),
        ("stop", orders.stop),
    )
    return "; ".join(f"{verb} {', '.join(stages)}" for verb, stages in named if stages)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
