"""`citybrain share …`: marts as Iceberg tables, for engines outside the platform."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from citybrain.settings import get_settings

if TYPE_CHECKING:
    from citybrain.sharing import SharedMart

app = typer.Typer(
    help="Marts as Iceberg tables in the lake, for DuckDB, Spark or Trino.", no_args_is_help=True
)
Json = Annotated[bool, typer.Option("--json", help="print JSON instead of a table")]


@app.command()
def marts(
    mart: Annotated[list[str] | None, typer.Option(help="only this one; may be given again")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be written")] = False,
    as_json: Json = False,
) -> None:
    """Write each mart that was built anew since its table was written.

    Example: citybrain share marts --mart mart_air_quality
    """
    from citybrain.sharing import SharingError, share_marts, waiting_marts

    settings, progress = get_settings(), Console(stderr=True)
    try:
        if dry_run:
            waiting = list(waiting_marts(settings, mart or ()))
            typer.echo(json.dumps({"would_write": waiting}) if as_json else "\n".join(waiting) or "nothing")
            return
        with progress.status("sharing marts") as status:
            done = share_marts(settings, mart or (), lambda shared: status.update(f"{shared.mart} written"))
    except SharingError as error:
        progress.print(f"[red]error:[/red] {error}", highlight=False)
        raise typer.Exit(1) from error
    _show(done, as_json)


@app.command("list")
def list_tables(as_json: Json = False) -> None:
    """The open tables with their rows and the address an engine opens."""
    from citybrain.sharing import shared_tables

    _show(shared_tables(get_settings()), as_json)


def _show(found: "list[SharedMart]", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(shared) for shared in found]))
        return
    if not found:
        typer.echo("nothing to write: every table holds its mart's last build")
        return
    table = Table("mart", "rows")
    table.add_column("metadata", overflow="fold")
    for shared in found:
        table.add_row(shared.mart, f"{shared.rows:,}", shared.metadata)
    Console().print(table)
