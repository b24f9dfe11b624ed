"""`citybrain ledger`: is the chain of case, evidence and grant entries whole?"""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from citybrain.settings import DatabaseRole, get_settings

app = typer.Typer(
    no_args_is_help=True, help="The append-only chain of hashes over cases, evidence and grants."
)


@app.command()
def verify(
    evidence: Annotated[
        bool, typer.Option("--evidence", help="hold signals and pictures of cases against the chain, too")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False,
) -> None:
    """Recompute every hash of the chain and look up every anchor. Exit code 1 when something was changed.

    Example: citybrain ledger verify --evidence --json
    """
    from citybrain.cli.desk import start_django
    from citybrain.ledger import lost_anchors
    from citybrain.ledger import verify as verify_chain
    from citybrain.warehouse.connection import connect

    start_django()
    from citybrain.events.anchoring import anchors, evidence_faults

    settings = get_settings()
    known = anchors(settings)
    with connect(settings, DatabaseRole.DESK, "citybrain ledger verify") as connection:
        found = verify_chain(connection)
        lost = lost_anchors(connection, known)
    faults = evidence_faults() if evidence else []
    holds = found.holds and not lost and not faults
    if as_json:
        told = {"anchors": len(known), "lost_anchors": [asdict(one) for one in lost]}
        if evidence:
            told["evidence_faults"] = [asdict(one) for one in faults]
        typer.echo(json.dumps(asdict(found) | told | {"holds": holds}))
    elif holds:
        typer.echo(
            f"the chain holds: {found.entries} entries, head {found.head or '(empty)'}, {len(known)} anchors"
            + (", evidence as recorded" if evidence else "")
        )
    else:
        for item in found.breaks:
            typer.echo(f"entry {item.entry_id} ({item.kind}, {item.subject}): {'; '.join(item.reasons)}")
        for one in lost:
            typer.echo(f"entry {one.entry_id}: anchored on {one.anchored_at} with another hash")
        for fault in faults:
            typer.echo(f"{fault.subject}: {fault.reason}")
    if not holds:
        raise typer.Exit(1)


@app.command()
def anchor() -> None:
    """Put the chain's head into the locked bucket now; the desk's worker does it once an hour."""
    from citybrain.cli.desk import start_django

    start_django()
    from citybrain.events.anchoring import anchor_head

    done = anchor_head()
    typer.echo(f"anchored entry {done.entry_id}, {done.hash}" if done else "nothing new to anchor")
