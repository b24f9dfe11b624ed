"""`citybrain rules …`: rules over readings, tracks and tables: list, run, test, replay, score."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

if TYPE_CHECKING:
    from citybrain.sensing.replay import Judged, RuleReplay
    from citybrain.sensing.rule_file import RuleFile

app = typer.Typer(no_args_is_help=True, help="Rules that make signals of readings, tracks and tables.")
console = Console(stderr=True, highlight=False)
CITY_TIME = ZoneInfo("Asia/Shanghai")

Json = Annotated[bool, typer.Option("--json", help="the result as JSON on standard output")]
Chosen = Annotated[list[str] | None, typer.Argument(help="folders of detectors/; default: all")]


@app.command("list", epilog="Example: citybrain rules list --json")
def list_rules(as_json: Json = False) -> None:
    """Every rule, when it was last swept and how much stands by it."""
    from citybrain.sensing.status import rule_status
    from citybrain.settings import get_settings

    settings = get_settings()
    found = rule_status(settings, _files(None).values())
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str))
        return
    table = Table("scenario", "rule", "kind", "title", "swept", "stand", "told")
    for row in found:
        swept = row["swept_at"].astimezone(CITY_TIME).strftime("%m-%d %H:%M") if row["swept_at"] else "never"
        table.add_row(
            *(row["detector"], row["rule"], row["kind"], row["title"], swept),
            *(str(row["standing"]), str(row["told"])),
        )
    Console().print(table)


@app.command(epilog="Example: citybrain rules run flood_waterlogging --json")
def run(
    detectors: Chosen = None,
    due: Annotated[bool, typer.Option("--due", help="only those with a tick since their last sweep")] = False,
    as_json: Json = False,
) -> None:
    """Sweep once: look at what arrived since the last sweep, and add signals. Again, it changes nothing.

    Exit code 1 when a rule could not be swept.
    """
    from citybrain.sensing.sweep import sweep_city
    from citybrain.settings import get_settings

    swept = sweep_city(get_settings(), _files(detectors).values(), datetime.now(UTC) if due else None)
    if as_json:
        rows = [asdict(one) | {"detected": one.detected, "cleared": one.cleared} for one in swept]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2, default=str))
    else:
        for one in swept:
            figures = f"{one.detected:4} detected {one.cleared:4} cleared {one.seconds:7.3f} s"
            typer.echo(f"{one.detector:28} {one.rule:16} {figures}  {one.state}")
    raise typer.Exit(1 if any(one.state.startswith("failed") for one in swept) else 0)


@app.command(epilog="Example: citybrain rules test gas_leak_monitoring")
def test(detectors: Chosen = None, as_json: Json = False) -> None:
    """Run the cases beside the rules, in a transaction that is rolled back. Exit code 1 when one fails."""
    from citybrain.sensing.case_file import run_rule_cases
    from citybrain.sensing.rule_file import rule_files
    from citybrain.settings import DatabaseRole, get_settings
    from citybrain.warehouse.connection import connect

    settings = get_settings()
    chosen = _files(detectors)
    with connect(settings, DatabaseRole.SENSOR, "citybrain rules test", autocommit=True) as city:
        paths = [path for path in rule_files(settings) if path.parent.name in chosen]
        results = [result for path in paths for result in run_rule_cases(city, path)]
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in results], ensure_ascii=False, indent=2, default=str))
    else:
        for one in results:
            if one.reason is not None:
                typer.echo(f"{one.path}:{one.line}: {one.reason}", err=True)
        failed = sum(one.reason is not None for one in results)
        typer.echo(f"{len(results)} cases, {failed} failed")
    raise typer.Exit(1 if any(one.reason for one in results) else 0)


@app.command(epilog="Example: citybrain rules replay gas_leak_monitoring --file changed.yml --days 30")
def replay(
    detector: Annotated[str, typer.Argument(help="a folder of detectors/")],
    file: Annotated[
        Path | None, typer.Option("--file", help="the changed rules.yml; default: the live one")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", help="ISO 8601, city time")] = None,
    until: Annotated[str | None, typer.Option("--to", help="ISO 8601, city time; default: now")] = None,
    days: Annotated[int, typer.Option(min=1, help="without --from: so many days before --to")] = 30,
    as_json: Json = False,
) -> None:
    """Run a changed rule over history without a signal: alerts a day, precision on judged cases, change."""
    from citybrain.catalogue import ContentError
    from citybrain.sensing.replay import replay as run_replay
    from citybrain.sensing.rule_file import RuleFile
    from citybrain.settings import get_settings

    live = next(iter(_files([detector]).values()))
    end = _moment(until) or datetime.now(UTC)
    begin = _moment(since) or end - timedelta(days=days)
    changed = live
    if file is not None:
        try:
            from citybrain.catalogue.content_file import load_content

            changed = load_content(file, RuleFile)
        except ContentError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(2) from error
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=as_json) as progress:
        rules = {rule.id for rule in (*live.rules, *changed.rules)}
        task = progress.add_task("replaying", total=len(rules))
        found = run_replay(
            get_settings(),
            live,
            changed,
            begin,
            end,
            lambda rule: progress.update(task, description=rule, advance=1),
        )
    if as_json:
        typer.echo(json.dumps([_replay_row(one) for one in found], ensure_ascii=False, indent=2, default=str))
        return
    table = Table("rule", "", "alerts", "a day", "most a day", "precision", "come", "gone")
    for one in found:
        if one.state != "replayed":
            table.add_row(one.rule, one.state)
            continue
        length = max((end - begin).total_seconds() / 86400, 1 / 24)
        for name, judged in (("live", one.live), ("changed", one.changed)):
            if judged is None:
                table.add_row(one.rule, name, "-")
                continue
            difference = ("", "") if name == "live" else (f"+{len(one.come)}", f"-{len(one.gone)}")
            table.add_row(one.rule, name, *_figures(judged, length), *difference)
    Console().print(table)


@app.command(epilog="Example: citybrain rules score --json")
def score(as_json: Json = False) -> None:
    """Precision and recall against what the demo city has planted; kept in meta.rule_score."""
    from citybrain.sensing.score import Truth
    from citybrain.sensing.score import score as score_rules
    from citybrain.settings import get_settings
    from citybrain.simulate import read_ledger, sensing_truths

    settings = get_settings()
    ledger = read_ledger(settings)
    if ledger is None:
        typer.echo("there is no demo city whose truth is known", err=True)
        raise typer.Exit(1)
    truths = [Truth.of(*planted) for planted in sensing_truths(ledger)]
    scores = score_rules(settings, truths)
    if as_json:
        rows = [asdict(one) | {"recall": one.recall, "precision": one.precision} for one in scores]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table("scenario", "planted", "found", "recall", "told", "right", "precision")
    for one in scores:
        table.add_row(
            *(one.scenario, str(one.truths), str(one.found), _share(one.recall)),
            *(str(one.told), str(one.right_told), _share(one.precision)),
        )
    Console().print(table)


def _files(chosen: list[str] | None) -> "dict[str, RuleFile]":
    from citybrain.catalogue import ContentError
    from citybrain.sensing.rule_file import load_rule_files
    from citybrain.settings import get_settings

    try:
        files = load_rule_files(get_settings())
    except ContentError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    if unknown := sorted(set(chosen or []) - set(files)):
        known = ", ".join(files) or "none"
        typer.echo(f"no rules are called {', '.join(unknown)}; there are {known}", err=True)
        raise typer.Exit(2)
    return {name: file for name, file in files.items() if not chosen or name in chosen}


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an ISO 8601 time such as 2026-03-01T08:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=CITY_TIME)


def _figures(judged: "Judged", length: float) -> tuple[str, str, str, str]:
    most = max(judged.a_day().values(), default=0)
    return (
        str(len(judged.alerts)),
        f"{len(judged.alerts) / length:.2f}",
        str(most),
        _share(judged.precision),
    )


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.2f}"


def _replay_row(one: "RuleReplay") -> dict[str, Any]:
    def told(judged: "Judged | None") -> dict[str, Any] | None:
        if judged is None:
            return None
        return {
            "alerts": len(judged.alerts),
            "a_day": {day.isoformat(): count for day, count in judged.a_day().items()},
            "right": judged.right,
            "wrong": judged.wrong,
            "precision": judged.precision,
        }

    return {
        "detector": one.detector,
        "rule": one.rule,
        "state": one.state,
        "live": told(one.live),
        "changed": told(one.changed),
        "come": [asdict(alert) for alert in one.come],
        "gone": [asdict(alert) for alert in one.gone],
    }
