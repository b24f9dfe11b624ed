"""`citybrain transform …`: build the warehouse with dbt, check sources for freshness, publish docs."""

import json
import logging
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Build, test and publish the warehouse with dbt.", no_args_is_help=True)
console = Console(stderr=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="the report as JSON on standard output")]
MARKS = {"success": "green", "pass": "green", "warn": "yellow", "skipped": "yellow"}


@app.command()
def build(
    select: Annotated[
        str | None, typer.Option("--select", "-s", help="dbt's selection syntax; default everything")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build, test and publish the warehouse; only what failed, when the last build left failures."""
    from citybrain.warehouse.dbt_process import DbtError, NodeLine
    from citybrain.warehouse.transform import build_warehouse

    logging.getLogger("citybrain.warehouse.dbt_process").setLevel(logging.CRITICAL)

    def show(node: NodeLine) -> None:
        colour = MARKS.get(node.status.lower(), "red")
        console.print(f"[{colour}]{node.status:<8}[/] {node.seconds:6.2f} s  {node.kind} {node.name}")

    try:
        report = build_warehouse(select, show)
    except DbtError as error:
        console.print(f"[red]{error}[/]")
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps(asdict(report), ensure_ascii=False))
    for failure in report.failures:
        console.print(f"[red]{failure}[/]")
    console.print(
        f"dbt {report.command}: {report.models} models, {report.tests} tests, {report.snapshots} snapshots,"
        f" {len(report.published_marts)} marts published, {len(report.failures)} failures"
    )
    raise typer.Exit(1 if report.failures else 0)


@app.command()
def freshness(as_json: Json = False) -> None:
    """Are the sources as fresh as their arrival limits ask? Exit code 1 when one is past its error limit."""
    from citybrain.warehouse.dbt_process import DbtError
    from citybrain.warehouse.transform import check_freshness

    try:
        report = check_freshness()
    except DbtError as error:
        console.print(f"[red]{error}[/]")
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps(asdict(report), ensure_ascii=False))
    for source in report.per_source:
        console.print(f"[{MARKS.get(source.status, 'red')}]{source.status:<14}[/] {source.name}")
    raise typer.Exit(1 if any(source.failed for source in report.per_source) else 0)


@app.command()
def docs() -> None:
    """Write the dbt documentation as one page among the published pages."""
    from citybrain.warehouse.model_docs import publish_docs

    typer.echo(publish_docs())


@app.command()
def sources(
    check: Annotated[
        bool, typer.Option("--check", help="write nothing; exit code 1 when a file is out of date")
    ] = False,
) -> None:
    """Write dbt's source files from dags/sources/*.yml."""
    from citybrain.catalogue import load_datasets
    from citybrain.settings import get_settings
    from citybrain.warehouse.dbt_sources import source_files, write_source_files

    settings = get_settings()
    datasets = load_datasets(settings)
    if not check:
        for path in write_source_files(settings, datasets):
            typer.echo(path)
        return
    stale = [
        path
        for path, text in source_files(settings, datasets).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        console.print(f"[red]{path}: out of date, run `citybrain transform sources`[/]")
    raise typer.Exit(1 if stale else 0)


@app.command()
def calendar() -> None:
    """Write the calendar seed from the chinesecalendar library."""
    from citybrain.settings import get_settings
    from citybrain.warehouse.calendar_seed import write_calendar_seed

    typer.echo(write_calendar_seed(get_settings()))
