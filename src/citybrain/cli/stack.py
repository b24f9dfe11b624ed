"""`citybrain up | down | status | logs`: the embedded stack."""

import json
import os
import subprocess
import sys
import sysconfig
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="Start, stop and look at the platform's services.")


@app.command()
def up() -> None:
    """Start what is down, run the main job through Airflow, print the summary. Safe to run again."""
    import time

    from rich.console import Console

    from citybrain.settings import get_settings
    from citybrain.stack import up as stack
    from citybrain.stack.errors import StackError
    from citybrain.stack.progress import Steps
    from citybrain.warehouse.roles import MissingRightsError

    settings, console = get_settings(), Console()
    started = time.monotonic()
    try:
        with Steps(console) as steps:
            if settings.demo and not is_demo_written(settings):

                def deliver() -> None:
                    with steps.step("the demo city writes its deliveries"):
                        simulate(settings)

                stack.up(settings, steps, deliver)
                if settings.mqtt_embedded:
                    with steps.step("the demo city's devices report"):
                        report_once(settings)
            else:
                stack.up(settings, steps)
            stack.run_main_job_and_superset(settings, steps)
        print_summary(settings, console, time.monotonic() - started)
    except (StackError, MissingRightsError) as error:
        _fail(f"{error}{stack.space_note(settings)}")
    except OSError as error:  # a full disk, a folder without rights
        _fail(f"{error.strerror}: {error.filename or settings.home} (see CITYBRAIN_HOME)")


@app.command()
def setup() -> None:
    """Databases, roles, migrations; metadata and accounts of Airflow, Superset, the desk. Starts nothing."""
    from rich.console import Console

    from citybrain.settings import get_settings
    from citybrain.stack import setup as preparation
    from citybrain.stack.errors import StackError
    from citybrain.stack.progress import Steps
    from citybrain.stack.up import make_folders
    from citybrain.warehouse.roles import MissingRightsError

    settings = get_settings()
    make_folders(settings)
    try:
        with Steps(Console()) as steps:
            with steps.step("databases, roles, migrations"):
                preparation.prepare_warehouse(settings)
            with steps.step("Airflow's metadata and accounts"):
                preparation.prepare_airflow(settings)
            with steps.step("Superset's metadata and account"):
                preparation.prepare_superset(settings)
            with steps.step("the desk's tables and accounts"):
                preparation.prepare_desk(settings)
    except (StackError, MissingRightsError) as error:
        _fail(str(error))


@app.command()
def down() -> None:
    """Stop every service; data, logs and secrets stay."""
    from citybrain.settings import get_settings
    from citybrain.stack import up as stack
    from citybrain.stack.errors import StackError

    try:
        stopped = stack.down(get_settings())
    except StackError as error:
        _fail(str(error))
    typer.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False) -> None:
    """What runs, where, and the figures of all loads so far."""
    import psycopg

    from citybrain.settings import get_settings
    from citybrain.stack import up as stack
    from citybrain.stack.counts import read_counts

    settings = get_settings()
    states = stack.service_states(settings)
    try:
        counts = read_counts(settings)
    except psycopg.OperationalError:  # PostgreSQL is down; its state says so
        counts = {}
    if as_json:
        typer.echo(json.dumps({"services": [asdict(state) for state in states], "counts": counts}, indent=2))
        return
    _print_states(states, counts)


@app.command()
def logs(
    service: Annotated[str | None, typer.Argument(help="one service; all when left out")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on as lines arrive")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0)] = 40,
) -> None:
    """The last lines of the services' logs."""
    from citybrain.settings import get_settings
    from citybrain.stack.services import services

    known = {found.name: found.log for found in services(get_settings())}
    if service is not None and service not in known:
        _fail(f"no service is called {service}; there are {', '.join(known)}")
    files = [str(log) for name, log in known.items() if service in (None, name) and log.exists()]
    if not files:
        _fail(f"no log yet below {get_settings().log_dir}")
    sys.stdout.flush()
    os.execvp("tail", ["tail", *(["-F"] if follow else []), "-n", str(lines), "--", *files])  # noqa: S606


def is_demo_written(settings: Any) -> bool:
    """Whether the demo city has once written its deliveries to the end; a killed run is taken up again."""
    from citybrain.simulate import read_ledger

    ledger = read_ledger(settings)
    return ledger is not None and ledger.reached is not None


def report_once(settings: Any) -> None:
    """A first second of readings, early: they stand in the lake when the main job's gate runs.

    Raises StackError when the broker does not take them.
    """
    from citybrain.simulate import SimulationError, publish_readings
    from citybrain.stack.errors import StackError

    try:
        publish_readings(settings, rate=600, seconds=1)
    except SimulationError as error:
        raise StackError(str(error)) from error


def simulate(settings: Any) -> None:
    """Run `citybrain simulate` in a process of its own, output into its log. Raises StackError."""
    from citybrain.stack.errors import StackError, log_tail

    log = settings.log_dir / "simulate.log"
    with log.open("wb") as output:
        command = [str(Path(sysconfig.get_path("scripts")) / "citybrain"), "simulate", "city"]
        result = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    if result.returncode != 0:
        raise StackError(f"`citybrain simulate` failed; log {log}:{log_tail(log)}")


def print_summary(settings: Any, console: Any, seconds: float) -> None:
    """Figures, addresses and logins. Passwords are shown on a terminal only; elsewhere the file that holds
    each.
    """
    from citybrain.desk.accounts.demo import password_secret
    from citybrain.stack import airflow, desk, superset
    from citybrain.stack.counts import read_counts

    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    say(f"\n[bold]城市大脑已就绪[/] · ready in {seconds:.0f} s\n")
    for name, count in read_counts(settings).items():
        say(f"  {name:<14} {count:>14,}")
    say("")
    sites = {
        "Superset": (settings.superset_url, {"admin": superset.ADMIN_SECRET}),
        "Airflow": (settings.airflow_url, {name: secret for name, (_, secret) in airflow.ACCOUNTS.items()}),
        "Desk": (settings.desk_url, {name: password_secret(name) for name in desk.demo_accounts(settings)}),
    }
    widest = max(len(account) for _, accounts in sites.values() for account in accounts)
    for site, (url, accounts) in sites.items():
        heads = [f"{site:<9} {url}", *[""] * len(accounts)]
        for head, (account, secret) in zip(heads, accounts.items(), strict=False):
            shown = settings.secret(secret) if console.is_terminal else f"in {settings.secrets_dir / secret}"
            say(f"  {head:<33} {account:<{widest}}  {shown}")
    say(f"  {'Pages':<9} {settings.pages_url}   Data Docs and dbt docs")


def _print_states(states: list[Any], counts: dict[str, int]) -> None:
    from rich.console import Console
    from rich.table import Table

    colours = {"running": "green", "starting": "yellow", "stopped": "dim", "failed": "red"}
    table = Table("service", "state", "pid", "address")
    for state in states:
        colour = colours[state.state]
        table.add_row(state.name, f"[{colour}]{state.state}[/]", str(state.pid or ""), state.url or "")
    console = Console()
    console.print(table)
    if states:
        console.print(f"logs: {Path(states[0].log).parent}", highlight=False)
    if counts:
        console.print(" · ".join(f"{name} {count:,}" for name, count in counts.items()))


def _fail(message: str) -> None:
    typer.secho(message, err=True, fg=typer.colors.RED)
    raise typer.Exit(1)
