"""`citybrain ledger`: is the chain of case, evidence and grant entries whole?"""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from citybrain.settings import DatabaseRole, get_settings

app = typer.Typer(
    no_args_is_help=True, help="The append-only chain of hashes over cases, evidence and grants."
)


@app.callback()
def _room() -> None:
    """Keeps `verify` a command of its own while it is the only one."""


@app.command()
def verify(
    as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False,
) -> None:
    """Recompute every hash of the chain. Exit code 1 when an entry was changed, removed or slipped in.

    Example: citybrain ledger verify --json
    """
    from citybrain.ledger import verify as verify_chain
    from citybrain.warehouse.connection import connect

    with connect(get_settings(), DatabaseRole.DESK, "citybrain ledger verify") as connection:
        found = verify_chain(connection)
    if as_json:
        typer.echo(json.dumps(asdict(found) | {"holds": found.holds}))
    elif found.holds:
        typer.echo(f"the chain holds: {found.entries} entries, head {found.head or '(empty)'}")
    else:
        for item in found.breaks:
            typer.echo(f"entry {item.entry_id} ({item.kind}, {item.subject}): {'; '.join(item.reasons)}")
    if not found.holds:
        raise typer.Exit(1)
