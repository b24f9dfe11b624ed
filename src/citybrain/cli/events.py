"""`citybrain events` and `citybrain cases`: the platform's part of the case loop, and cases to look at."""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from citybrain.cli.desk import start_django

app = typer.Typer(no_args_is_help=True, help="Signals, checks, time limits, notifications.")
cases = typer.Typer(no_args_is_help=True, help="Cases to look at; people act on them in the desk.")

_ROUND_SECONDS = 3
AsJson = Annotated[bool, typer.Option("--json", help="for scripts")]


@app.command()
def intake(
    once: Annotated[bool, typer.Option("--once", help="one round, then stop")] = False,
    as_json: AsJson = False,
) -> None:
    """Take in signals, follow checks, watch time limits, send notifications: what the desk's worker does.

    Safe beside a running worker. Example: citybrain events intake --once --json
    """
    start_django()
    while True:
        done = _one_round()
        typer.echo(json.dumps(done) if as_json else _line(done))
        if once:
            return
        time.sleep(_ROUND_SECONDS)


def _one_round() -> dict[str, dict[str, int]]:
    from citybrain.events.intake import take_in
    from citybrain.events.overdue import watch_clocks
    from citybrain.events.sending import send_due
    from citybrain.events.verdicts import follow_verdicts
    from citybrain.events.waking import ring_due

    return {
        "signals": dict(take_in()),
        "checks": dict(follow_verdicts()),
        "time_limits": {"raised": watch_clocks()},
        "wardens": {"rung": ring_due()},
        "notifications": dict(send_due()),
    }


def _line(done: dict[str, dict[str, int]]) -> str:
    return " · ".join(
        f"{room}: {', '.join(f'{count} {name}' for name, count in counted.items()) or 'none'}"
        for room, counted in done.items()
    )


@app.command()
def counts(as_json: AsJson = False) -> None:
    """Signals, cases, how many are open, closed or overdue, and notifications that wait."""
    from citybrain.events.counting import case_counts
    from citybrain.settings import get_settings

    found = case_counts(get_settings())
    typer.echo(json.dumps(found) if as_json else " · ".join(f"{n} {name}" for name, n in found.items()))


@app.command()
def states() -> None:
    """Print the page docs/reference/case-states.md."""
    from citybrain.events.states_page import states_page

    typer.echo(states_page(), nl=False)


@cases.command("list")
def list_cases(
    state: Annotated[str | None, typer.Option(help="only cases in this state")] = None,
    most: Annotated[int, typer.Option(min=1, help="at most so many, the newest first")] = 50,
    as_json: AsJson = False,
) -> None:
    """The newest cases. Example: citybrain cases list --state rework"""
    start_django()
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    with as_system():
        found = Case.objects.order_by("-id").filter(**({"state": state} if state else {}))[:most]
        rows = [_case(case) for case in found.select_related("lead", "handler")]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        typer.echo(f"{row['number']}  {row['state']:10}  {row['title']}  {row['handler'] or '-'}")


@cases.command()
def show(
    number: Annotated[str, typer.Argument(help="e.g. BZ-20261124-000017")], as_json: AsJson = False
) -> None:
    """One case with its history, time limits, pictures and notifications. Exit code 1 when there is none."""
    start_django()
    from citybrain.events.models import Case
    from citybrain.events.scope import as_system

    with as_system():
        case = Case.objects.select_related("lead", "handler").filter(number=number).first()
        if case is None:
            typer.echo(f"there is no case {number}", err=True)
            raise typer.Exit(1)
        found = _case(case) | {
            "history": list(case.transitions.values("version", "at", "action", "to_state", "reason")),
            "time_limits": list(case.clocks.values("stage", "state", "due_at", "overdue")),
            "evidence": list(case.evidence.values("kind", "object_key", "sha256")),
            "notifications": list(case.notifications.values("reason", "channel", "state", "attempts")),
        }
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str))
        return
    typer.echo(f"{found['number']}  {found['title']}  {found['state']}")
    for step in found["history"]:
        typer.echo(
            f"  {step['version']:3}  {step['at']:%Y-%m-%d %H:%M:%S}  {step['action']:14} {step['reason']}"
        )


@cases.command()
def publish(
    file: Annotated[Path | None, typer.Argument(help="else the one that the platform came with")] = None,
) -> None:
    """Publish the case classes as the next edition, unless they stand already.

    Cases keep the edition they were registered under. Exit code 1 for a file that is not valid.
    Example: citybrain cases publish case_classes.yml
    """
    start_django()
    from citybrain.catalogue import ContentError
    from citybrain.events.case_classes import CLASSES_FILE
    from citybrain.events.editions import publish as publish_classes

    try:
        edition, fresh = publish_classes(file or CLASSES_FILE)
    except ContentError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{edition.scheme} {edition.version}: {'published' if fresh else 'stands already'}")


@cases.command()
def targets(
    file: Annotated[Path, typer.Argument(help="e.g. notify_targets.yml; see docs/how-to/tell-people.md")],
) -> None:
    """Take over the addresses of organisations, people and wardens, and who is woken where, from a file.

    What the file names no more is switched off. Exit code 1 for a file that is not valid.
    Example: citybrain cases targets notify_targets.yml
    """
    start_django()
    from citybrain.catalogue import ContentError
    from citybrain.events.targets import import_targets

    try:
        done = import_targets(file)
    except ContentError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(" · ".join(f"{count} {name}" for name, count in done.items()))


def _case(case: Any) -> dict[str, Any]:
    return {
        "number": case.number,
        "scenario": case.scenario,
        "title": case.title,
        "state": case.state,
        "lead": case.lead.code,
        "handler": case.handler.code if case.handler else None,
        "found_at": case.found_at.isoformat(),
        "deadline_at": case.deadline_at.isoformat() if case.deadline_at else None,
        "closed_at": case.closed_at.isoformat() if case.closed_at else None,
        "sightings": case.sightings,
        "rework_count": case.rework_count,
        "origin": case.origin,
    }
