"""`citybrain backfill`: go over past logical dates of a dataset again."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from citybrain.cli.ingest import plain_errors, show_batches, show_landed

if TYPE_CHECKING:
    from citybrain.ingest import BackfillStep

app = typer.Typer()
console = Console(highlight=False)
progress = Console(stderr=True, highlight=False)


@app.command()
def backfill(
    dataset: str,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first logical date")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="last logical date")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be done")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="machine-readable, on standard output")] = False,
) -> None:
    """Ask a source again for past days where it can be asked, and judge the days' deliveries again.

    Held and rejected deliveries go through the gate anew; of loaded ones, the rows in quarantine. Exit code 1
    when a day or a batch could not be done.
    """
    from citybrain.catalogue import load_datasets
    from citybrain.ingest import plan_backfill, run_backfill
    from citybrain.settings import get_settings

    with plain_errors():
        known = load_datasets(get_settings())
        if dataset not in known:
            raise typer.BadParameter(f"no dataset {dataset} in dags/sources; there are {', '.join(known)}")
        try:
            steps = plan_backfill(dataset, first.date(), last.date())
            if dry_run:
                _show_plan(steps, as_json)
                return
            with progress.status(f"backfill {dataset}: {len(steps)} steps"):
                report = run_backfill(dataset, first.date(), last.date())
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    if as_json:
        typer.echo(json.dumps(asdict(report), ensure_ascii=False, default=str))
    else:
        show_landed(report.landings, report.failures, as_json)
        show_batches([asdict(outcome) for outcome in report.outcomes], as_json)
    if report.failures:
        raise typer.Exit(1)


def _show_plan(steps: "list[BackfillStep]", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(step) for step in steps], ensure_ascii=False, default=str))
        return
    table = Table("业务日期", "将要执行", "批次", "现状", "隔离行数", "文件", title="补数计划")
    for step in steps:
        what = "重新拉取" if step.kind == "pull" else "重新过门禁"
        quarantined = f"{step.rows_quarantined:,}" if step.kind == "judge" else ""
        batch = str(step.batch_id or "")
        table.add_row(
            str(step.logical_date), what, batch, step.state or "", quarantined, escape(step.source_name or "")
        )
    console.print(table)
