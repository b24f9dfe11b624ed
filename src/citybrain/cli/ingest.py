"""`citybrain land | gate | batches | quarantine | orders | retention | release | refuse`: getting data in."""

import getpass
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from citybrain.ingest import BatchOutcome, LandingReport

app = typer.Typer()
console = Console(highlight=False)
progress = Console(stderr=True, highlight=False)
COLOURS = {"green": "green", "yellow": "yellow", "red": "red"}

Json = Annotated[bool, typer.Option("--json", help="machine-readable, on standard output")]
Note = Annotated[str, typer.Option(help="why, for the record")]
By = Annotated[str, typer.Option("--by", help="who decides", default_factory=getpass.getuser)]


@contextmanager
def plain_errors() -> Iterator[None]:
    """Errors people can act on, without a traceback; exit code 2."""
    import psycopg

    from citybrain.catalogue import ContentError
    from citybrain.ingest import DecisionError, GateError, SourceError
    from citybrain.lake import LakeError
    from citybrain.warehouse.raw_tables import RawTableError

    try:
        yield
    except psycopg.OperationalError as error:
        progress.print(f"[red]PostgreSQL: {escape(str(error))}[/] Is the stack up? See `citybrain status`.")
        raise typer.Exit(2) from error
    except (ContentError, DecisionError, GateError, SourceError, LakeError, RawTableError, OSError) as error:
        progress.print(f"[red]{escape(str(error))}[/]")
        raise typer.Exit(2) from error


@app.command()
def land(
    datasets: Annotated[list[str] | None, typer.Argument(metavar="[DATASET]...")] = None,
    everything: Annotated[bool, typer.Option("--all", help="every active dataset")] = False,
    file: Annotated[Path | None, typer.Option(help="one file for one dataset, instead of its source")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only name what would be looked at")] = False,
    as_json: Json = False,
) -> None:
    """Fetch what sources have and put what is new into the lake, unchanged."""
    from citybrain.catalogue import active_datasets, load_datasets
    from citybrain.ingest import land_dataset, land_file, waiting
    from citybrain.settings import get_settings

    with plain_errors():
        wanted = list(active_datasets(get_settings())) if everything else datasets or []
        known = load_datasets(get_settings())
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise typer.BadParameter(
                f"no dataset {', '.join(unknown)} in dags/sources; there are {', '.join(known)}"
            )
        if not wanted or (file is not None and len(wanted) != 1):
            raise typer.BadParameter(
                "name one dataset for --file" if file else "name a dataset, or give --all"
            )
        if dry_run:
            _show_waiting({name: [str(file)] if file else waiting(name) for name in wanted}, as_json)
            return
        if file is not None:
            show_landed([land_file(wanted[0], file)], {}, as_json)
            return
        reports, failures = [], {}
        with progress.status("landing") as status:
            for name in wanted:
                status.update(f"landing {name}")
                try:
                    reports.append(land_dataset(name))
                except Exception as error:
                    if len(wanted) == 1:
                        raise
                    failures[name] = str(error)  # one bad source keeps no other from landing
        show_landed(reports, failures, as_json)
    if failures:
        raise typer.Exit(1)


def _show_waiting(names: dict[str, list[str]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(names, ensure_ascii=False))
        return
    for dataset, found in names.items():
        console.print(f"{dataset}: {len(found)} waiting")
        for name in found:
            console.print(f"  {escape(name)}")


def show_landed(reports: Sequence["LandingReport"], failures: dict[str, str], as_json: bool) -> None:
    """Landing reports as a table, with what failed below it."""
    if as_json:
        typer.echo(json.dumps({"reports": [asdict(report) for report in reports], "failures": failures}))
        return
    table = Table("数据集", "新批次", "重复", "拒收", "字节", title="落地")
    for report in reports:
        new = ", ".join(map(str, report.landed)) or "-"
        table.add_row(report.dataset, new, str(report.duplicates), str(report.rejected), f"{report.bytes:,}")
    console.print(table)
    for name, reason in failures.items():
        progress.print(f"[red]{name}: {escape(reason)}[/]")


@app.command()
def gate(
    limit: Annotated[int | None, typer.Option(help="at most so many batches")] = None, as_json: Json = False
) -> None:
    """Judge what has landed: load good rows, quarantine bad ones, hold red cards.

    Exit code 1 when the gate of a batch broke down.
    """
    from citybrain.ingest import gate_landed_batches

    outcomes: list[BatchOutcome] = []
    with plain_errors(), progress.status("gate: nothing judged yet") as status:
        while limit is None or len(outcomes) < limit:
            settled = gate_landed_batches(limit=1)
            if not settled:
                break
            outcomes += settled
            status.update(f"gate: {len(outcomes)} judged, last {settled[0].dataset} {settled[0].state}")
    show_batches([asdict(outcome) for outcome in outcomes], as_json)
    if any(outcome.state == "landed" for outcome in outcomes):
        raise typer.Exit(1)


@app.command()
def bridge() -> None:
    """Receive messages of MQTT brokers into the lake until stopped; `up` runs this as mqtt-bridge."""
    from citybrain.ingest.mqtt.bridge import main

    with plain_errors():
        main()


@app.command()
def batches(
    state: Annotated[
        str | None, typer.Option(help="landed, held, loaded, refused or rejected; default all")
    ] = None,
    limit: Annotated[int, typer.Option(help="the newest so many")] = 50,
    as_json: Json = False,
) -> None:
    """The manifest: what was delivered and where it stands."""
    from citybrain.ingest import batches as list_batches

    if state is not None and state not in ("landed", "held", "loaded", "refused", "rejected"):
        raise typer.BadParameter(f"no state {state!r}: landed, held, loaded, refused or rejected")
    with plain_errors():
        show_batches([asdict(batch) for batch in list_batches(state, limit)], as_json)


@app.command()
def quarantine(
    dataset: str,
    sample: Annotated[int, typer.Option(help="so many rows as examples")] = 10,
    as_json: Json = False,
) -> None:
    """Why rows of a dataset were kept out, with examples."""
    from citybrain.ingest import quarantine_of

    with plain_errors():
        summary = quarantine_of(dataset, sample=sample)
    if as_json:
        typer.echo(json.dumps(asdict(summary), ensure_ascii=False, default=str))
        return
    reasons = Table("原因", "行数", title=f"{dataset} 隔离区：{summary.rows} 行")
    for reason, count in summary.reasons.items():
        reasons.add_row(escape(reason), str(count))
    console.print(reasons)
    rows = Table("批次", "行号", "文件", "原因", "记录")
    for row in summary.sample:
        record = json.dumps(row.record, ensure_ascii=False)
        rows.add_row(
            str(row.batch_id),
            str(row.line),
            escape(row.source_name),
            escape("；".join(row.reasons)),
            escape(record[:200]),
        )
    if summary.sample:
        console.print(rows)


@app.command()
def release(batch: int, by: By, note: Note = "", as_json: Json = False) -> None:
    """Load the good rows of a batch that a red card held."""
    _decide(batch, "release", by, note, as_json)


@app.command()
def refuse(batch: int, by: By, note: Note = "", as_json: Json = False) -> None:
    """Load nothing of a batch that a red card held."""
    _decide(batch, "refuse", by, note, as_json)


def _decide(batch: int, decision: Literal["release", "refuse"], by: str, note: str, as_json: bool) -> None:
    from citybrain.ingest import decide_held_batch

    with plain_errors(), progress.status(f"{decision} batch {batch}"):
        outcome = decide_held_batch(batch, decision, by, note)
    show_batches([asdict(outcome)], as_json)


def show_batches(found: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Batches or outcomes as a table."""
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=str))
        return
    table = Table("批次", "数据集", "状态", "牌", "行数", "入库", "隔离", "拒收", "原因")
    for batch in found:
        card = batch["card"] or ""
        counts = (
            f"{batch[name]:,}" for name in ("rows_in", "rows_loaded", "rows_quarantined", "rows_rejected")
        )
        table.add_row(
            str(batch["batch_id"]),
            batch["dataset"],
            batch["state"],
            f"[{COLOURS[card]}]{card}[/]" if card else "",
            *counts,
            escape(batch["reason"] or ""),
        )
    console.print(table)


@app.command()
def orders(
    department: Annotated[str | None, typer.Option(help="id of the owner department; default all")] = None,
    closed: Annotated[bool, typer.Option("--closed", help="closed ones, too")] = False,
    as_json: Json = False,
) -> None:
    """Data work orders: rules that deliveries break, by the department that owns the data.

    Example: citybrain orders --department taxation
    """
    from citybrain.ingest import data_orders

    try:
        with plain_errors():
            found = data_orders(department, closed)
    except KeyError as error:
        raise typer.BadParameter(f"no department is called {department!r}") from error
    if as_json:
        typer.echo(json.dumps([asdict(order) for order in found], default=str, ensure_ascii=False))
        return
    table = Table("owner", "dataset", "rule", "card", "rows", "since", "closed")
    for order in found:
        rows = f"{order.unexpected_rows or 0:,} / {order.evaluated_rows or 0:,}"
        since, ended = f"{order.opened_at:%Y-%m-%d %H:%M}", order.closed_at
        closed_at = f"{ended:%Y-%m-%d %H:%M}" if ended else ""
        table.add_row(order.owner, order.title, order.rule_id, order.card, rows, since, closed_at)
    console.print(table)


@app.command()
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go, remove nothing")] = False,
    as_json: Json = False,
) -> None:
    """Remove data whose retention is over: rows, quarantined records, every version of the object.

    Limits by personal-data class stand in the catalogue's retention.yml.
    """
    from citybrain.ingest import apply_retention, expired_batches
    from citybrain.settings import get_settings

    settings, today = get_settings(), datetime.now(ZoneInfo("Asia/Shanghai")).date()
    with plain_errors():
        found = expired_batches(settings, today) if dry_run else apply_retention(settings, today)
    if as_json:
        typer.echo(json.dumps([asdict(batch) for batch in found], default=str))
        return
    table = Table("batch", "dataset", "logical date", "kept until", "rows")
    for batch in found:
        dates = f"{batch.logical_date}", f"{batch.kept_until}"
        table.add_row(str(batch.batch_id), batch.dataset, *dates, f"{batch.rows:,}")
    console.print(table if found else "nothing is over its limit")
