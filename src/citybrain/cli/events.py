"""`citybrain events` and `citybrain cases`: the platform's part of the case loop, and cases to look at."""

import json
import time
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

    return {
        "signals": dict(take_in()),
        "checks": dict(follow_verdicts()),
        "time_limits": {"raised": watch_clocks()},
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
