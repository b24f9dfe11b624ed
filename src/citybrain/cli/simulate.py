"""`citybrain simulate …`: send what the demo city owes, and score the quarantine against the truth."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from citybrain.settings import Settings, get_settings

if TYPE_CHECKING:
    from citybrain.simulate import Delivery

app = typer.Typer(help="The demo city: what sources would send, defects included.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="print JSON instead of a table")]


def _moment(text: str | None) -> datetime:
    """A time as people write it; without a zone it is Asia/Shanghai."""
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not an ISO 8601 time such as 2026-03-01T08:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def _settings(enterprises: int | None, seed: int | None) -> Settings:
    asked = {"demo_enterprises": enterprises, "demo_seed": seed}
    return get_settings().model_copy(
        update={name: value for name, value in asked.items() if value is not None}
    )


@app.command()
def city(
    at: Annotated[str | None, typer.Option(help="logical time, ISO 8601; default: now")] = None,
    enterprises: Annotated[
        int | None, typer.Option(min=100, help="firms in the register; default CITYBRAIN_DEMO_ENTERPRISES")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="default CITYBRAIN_DEMO_SEED")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be sent, send nothing")] = False,
    as_json: Json = False,
) -> None:
    """Send everything the demo city owes up to a moment: drops, the air feed, the inbox's objects."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from citybrain.simulate import SimulationError, plan_city, write_city

    settings, moment, console = _settings(enterprises, seed), _moment(at), Console()
    try:
        if dry_run:
            _print_plan(console, plan_city(settings, moment), as_json)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("demo city", total=None)

            def show(delivery: "Delivery", place: int, total: int) -> None:
                bar.update(task, description=delivery.name, completed=place - 1, total=total)

            report = write_city(settings, moment, show)
    except SimulationError as error:
        Console(stderr=True).print(f"[red]error:[/red] {error}", highlight=False)
        raise typer.Exit(1) from error
    if as_json:
        sent = [delivery.model_dump(mode="json") for delivery in report.sent]
        typer.echo(json.dumps({"moment": moment.isoformat(), "sent": sent}, ensure_ascii=False))
        return
    if not report.sent:
        console.print(f"the demo city has sent everything up to {moment.isoformat()}")
        return
    table = Table("dataset", "deliveries", "rows", "planted", "MiB")
    for dataset in dict.fromkeys(delivery.dataset for delivery in report.sent):
        group = [delivery for delivery in report.sent if delivery.dataset == dataset]
        table.add_row(
            dataset,
            str(len(group)),
            f"{sum(delivery.rows for delivery in group):,}",
            f"{sum(delivery.planted for delivery in group):,}",
            f"{sum(delivery.bytes for delivery in group) / 2**20:.1f}",
        )
    table.add_section()
    total = f"{report.rows:,}", f"{report.planted:,}", f"{report.bytes / 2**20:.1f}"
    table.add_row("all", str(len(report.sent)), *total)
    console.print(table)


def _print_plan(console: Console, deliveries: "list[Delivery]", as_json: bool) -> None:
    rows = [
        {"dataset": delivery.dataset, "name": delivery.name, "place": delivery.place, "path": delivery.path}
        for delivery in deliveries
    ]
    if as_json:
        typer.echo(json.dumps({"would_send": rows}, ensure_ascii=False))
        return
    table = Table("dataset", "place", title=f"{len(rows)} deliveries would be sent")
    table.add_column("path", overflow="fold")
    for row in rows:
        table.add_row(row["dataset"], row["place"], row["path"])
    console.print(table)


@app.command()
def cases(
    months: Annotated[
        int | None, typer.Option(min=1, max=24, help="default CITYBRAIN_DEMO_CASE_MONTHS")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say how much, write nothing")] = False,
    as_json: Json = False,
) -> None:
    """Write the cases of the months before the demo city started into the desk, once.

    Each batch of days stands whole or not at all: a killed call is taken up where it stopped. Organisations
    of the compounds must be known (`citybrain desk sync` after a build). Example: citybrain simulate cases
    --months 24 --json
    """
    from citybrain.cli.desk import start_django
    from citybrain.simulate import read_ledger
    from citybrain.simulate.case_history.planning import planned_cases

    settings = get_settings()
    wanted, ledger = months or settings.demo_case_months, read_ledger(settings)
    if ledger is None:
        Console(stderr=True).print("[red]error:[/red] the demo city has not started: citybrain simulate city")
        raise typer.Exit(1)
    if dry_run:
        figures: dict[str, object] = {"months": wanted, "cases_about": planned_cases(ledger, wanted)}
    else:
        start_django()
        from citybrain.events import HistoryRefusedError
        from citybrain.simulate.case_history.writing import write_cases

        try:
            figures = {"months": wanted, **write_cases(ledger, wanted)}
        except HistoryRefusedError as refused:
            Console(stderr=True).print(f"[red]error:[/red] {refused}", highlight=False)
            raise typer.Exit(1) from refused
    typer.echo(json.dumps(figures) if as_json else " · ".join(f"{name}: {n}" for name, n in figures.items()))


@app.command()
def score(as_json: Json = False) -> None:
    """Compare the quarantine with what the demo city had planted."""
    from citybrain.simulate import score_quarantine

    result, console = score_quarantine(get_settings()), Console()
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "planted": result.planted,
                    "caught": result.caught,
                    "good_rows_held": result.good_held,
                    "kinds": [vars(kind) for kind in result.kinds],
                    "datasets": [vars(dataset) for dataset in result.datasets],
                },
                ensure_ascii=False,
            )
        )
        return
    kinds = Table("dataset", "kind", "planted", "caught", "share", title="planted rows")
    for kind in result.kinds:
        share = f"{kind.share:.0%}" + (" (legal: 0 % is right)" if kind.legal else "")
        kinds.add_row(kind.dataset, kind.kind, str(kind.planted), str(kind.caught), share)
    console.print(kinds)
    datasets = Table("dataset", "deliveries judged", "good rows", "held by mistake", "not loaded")
    for dataset in result.datasets:
        datasets.add_row(
            dataset.dataset,
            str(dataset.deliveries),
            f"{dataset.good:,}",
            str(dataset.good_held),
            str(len(dataset.waiting)),
        )
    console.print(datasets)
    console.print(f"caught {result.caught} of {result.planted} planted, {result.good_held} good rows held")


@app.command()
def devices(
    rate: Annotated[float, typer.Option(min=0.1, help="readings a second, of all devices together")] = 50,
    seconds: Annotated[float, typer.Option(min=0.1, help="for so long")] = 10,
    as_json: Json = False,
) -> None:
    """Let the demo city's devices publish readings to the MQTT broker, in the form each dataset declares.

    Example: citybrain simulate devices --rate 200 --seconds 60
    """
    from citybrain.simulate import SimulationError, publish_readings

    try:
        done = publish_readings(get_settings(), rate, seconds)
    except SimulationError as error:
        Console(stderr=True).print(f"[red]error:[/red] {error}", highlight=False)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps(vars(done)))
    else:
        Console().print(
            f"{done.messages:,} readings published in {done.seconds:.1f} s,"
            f" {done.acknowledged:,} received by the broker, {done.refused:,} refused"
        )
    if done.acknowledged < done.messages:
        raise typer.Exit(1)


@app.command()
def stills(
    at: Annotated[str | None, typer.Option(help="time of the newest round, ISO 8601; default: now")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="rounds that are due, one a step")] = 1,
    every_minutes: Annotated[int, typer.Option(min=1, help="the step between rounds")] = 3,
    as_json: Json = False,
) -> None:
    """Write what the demo city's cameras see: rendered stills below the drop folder."""
    from citybrain.simulate.stills import write_stills

    report = write_stills(get_settings(), _moment(at), rounds, every_minutes)
    if as_json:
        typer.echo(json.dumps({"rounds": report.rounds, "stills": [str(path) for path in report.stills]}))
        return
    Console().print(
        f"{report.rounds} rounds, {len(report.stills)} stills written, {report.pruned} old ones gone"
    )


@app.command()
def scenes(
    folder: Annotated[Path, typer.Argument(help="where the pictures and truth.jsonl go", file_okay=False)],
    count: Annotated[int, typer.Option(min=1, help="how many pictures")] = 100,
    seed: Annotated[int, typer.Option(help="other seeds give other yards")] = 1,
) -> None:
    """Write rendered scenes with the boxes of their vehicles, to train or to judge a detector."""
    from PIL import Image

    from citybrain.simulate.scenery import training_scenes

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "truth.jsonl").open("w") as truth:
        for number, (image, boxes) in enumerate(training_scenes(count, seed), 1):
            name = f"{number:06}.jpg"
            Image.fromarray(image).save(folder / name, quality=92)
            truth.write(json.dumps({"file": name, "boxes": boxes}) + "\n")
    Console().print(f"{count} scenes in {folder}")


@app.command()
def people(
    leave: Annotated[
        list[str] | None, typer.Option(help="an account whose tasks are left to you; may be given again")
    ] = None,
    as_json: Json = False,
) -> None:
    """Let the demo city's property companies do, through the desk's pages, what waits for them.

    Example: citybrain simulate people --leave property --json
    """
    from collections import Counter
    from functools import partial

    from citybrain.desk.accounts.demo import load_demo_accounts
    from citybrain.simulate import SimulationError
    from citybrain.simulate.people import work_once
    from citybrain.simulate.stills import empty_yard

    settings, done, failed = get_settings(), Counter[str](), []
    photo = partial(empty_yard, at=datetime.now(UTC))
    for account in load_demo_accounts():
        if "property_company" not in account.roles or account.username in (leave or ()):
            continue
        try:
            done += work_once(settings, photo, account.username)
        except SimulationError as error:
            failed.append(str(error))
    if as_json:
        typer.echo(json.dumps({**done, "failed_accounts": len(failed)}))
    else:
        steps = " · ".join(f"{count} {name}" for name, count in done.items())
        typer.echo(steps or "nothing waits for the demo city's companies")
    for message in failed:
        Console(stderr=True).print(f"[red]error:[/red] {message}", highlight=False)
    if failed:
        raise typer.Exit(1)


@app.command(epilog="Example: citybrain simulate policies --check")
def policies(
    check: Annotated[
        bool, typer.Option("--check", help="write nothing; exit code 1 when a file would change")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the example policies of the demo city from their templates: policies/*/example_*.yml."""
    from dataclasses import asdict

    from citybrain.catalogue import ContentError
    from citybrain.policy.examples import CasingError, write_examples
    from citybrain.policy.facts import load_facts

    settings = get_settings()
    try:
        written = write_examples(settings.policies_dir, load_facts(settings), dry_run=check)
    except (ContentError, CasingError) as error:
        Console(stderr=True).print(f"[red]error:[/red] {error}", highlight=False)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps(asdict(written)))
    else:
        verb = "would change" if check else "changed"
        Console().print(
            f"{written.documents} documents, {written.items} items from {written.templates} templates;"
            f" {written.changed} {verb}, {written.removed} no longer wanted",
            highlight=False,
        )
    raise typer.Exit(1 if check and (written.changed or written.removed) else 0)
