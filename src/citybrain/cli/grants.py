"""`citybrain grants`: lists for review from a match run, and lists to look at; people decide in the desk."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from citybrain.cli.desk import start_django

app = typer.Typer(no_args_is_help=True, help="Grant lists: make them from a match run, look at them.")

AsJson = Annotated[bool, typer.Option("--json", help="for scripts")]


@app.command("make-lists")
def make_lists(
    run: Annotated[
        int | None, typer.Option(min=1, help="the run must be the newest one, else refuse")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make draft lists from the newest match run. The same run gives nothing new.

    Example: citybrain grants make-lists --json
    """
    start_django()
    from citybrain.policy.grants.making import make_lists as make

    try:
        made = make(run)
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps(asdict(made), default=str))
        return
    typer.echo(
        f"run {made.run_id or '-'}: {len(made.made)} made, {len(made.replaced)} replaced,"
        f" {len(made.kept)} as they were; {made.lines} enterprises, {made.total:,.2f} yuan"
    )


@app.command("list")
def list_lists(
    state: Annotated[str | None, typer.Option(help="only lists in this state, e.g. draft")] = None,
    as_json: AsJson = False,
) -> None:
    """The newest lists first, withdrawn ones left out. Example: citybrain grants list --state draft"""
    start_django()
    from citybrain.policy.grants.acts import scope
    from citybrain.policy.grants.models import GrantList, ListState
    from citybrain.policy.grants.overview import list_row

    if state is not None and state not in ListState.values:
        raise typer.BadParameter(f"one of {', '.join(ListState.values)}", param_hint="--state")
    with scope():
        found = GrantList.objects.order_by("-id")
        chosen = found.filter(state=state) if state else found.exclude(state=ListState.WITHDRAWN)
        rows = [list_row(one) for one in chosen]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        typer.echo(
            f"{row['id']:5}  {row['state']:14}  {row['lines']:6} firms  {row['total']:>16}  {row['title']}"
        )


@app.command()
def show(
    list_id: Annotated[int, typer.Argument(help="the number from `citybrain grants list`")],
    as_json: AsJson = False,
) -> None:
    """One list with its decisions and payment files. Exit code 1 when there is none."""
    start_django()
    from citybrain.policy.grants.acts import scope

    with scope():
        found = _shown(list_id)
    if found is None:
        typer.echo(f"there is no grant list {list_id}", err=True)
        raise typer.Exit(1)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2, default=str))
        return
    typer.echo(
        f"{found['code']}  {found['title']}  {found['state']}  {found['lines']} firms, {found['total']} yuan"
    )
    for step in found["decisions"]:
        typer.echo(f"  {step['at']:%Y-%m-%d %H:%M:%S}  {step['decision']:14} {step['reason']}")
    for file in found["payment_files"]:
        typer.echo(
            f"  file {file['number']}: {file['rows']} firms, {file['total']} yuan, sha256 {file['sha256']}"
        )


def _shown(list_id: int) -> dict[str, Any] | None:
    from citybrain.policy.grants.models import GrantList
    from citybrain.policy.grants.overview import list_row

    grant_list = GrantList.objects.filter(pk=list_id).first()
    if grant_list is None:
        return None
    return list_row(grant_list) | {
        "decisions": list(
            grant_list.decisions.order_by("id").values("at", "step", "decision", "reason", "total")
        ),
        "payment_files": list(
            grant_list.payment_files.order_by("number").values("number", "rows", "total", "sha256")
        ),
    }


@app.command()
def counts(as_json: AsJson = False) -> None:
    """Lists, enterprises, yuan listed, countersigned and in payment files."""
    start_django()
    from citybrain.policy.grants.acts import scope
    from citybrain.policy.grants.overview import counts as count

    with scope():
        found = count()
    typer.echo(
        json.dumps(found) if as_json else " · ".join(f"{number} {name}" for name, number in found.items())
    )


@app.command("close-notices")
def close_notices(as_json: AsJson = False) -> None:
    """Close the public notices whose time has run; the desk's worker does it every five minutes."""
    start_django()
    from citybrain.policy.grants.notices import close_due_notices

    closed = close_due_notices()
    typer.echo(json.dumps(closed) if as_json else f"{len(closed)} closed: {', '.join(closed) or '-'}")


@app.command("import-receipts")
def import_receipts(
    payment_file: Annotated[int, typer.Argument(help="id of the payment file")],
    file: Annotated[Path, typer.Argument(help="the bank's return, CSV", exists=True, dir_okay=False)],
    person: Annotated[str, typer.Option(help="user name of the treasury's person who takes it in")],
    as_json: AsJson = False,
) -> None:
    """Take in what the bank says became of a payment file, all of it or nothing.

    Example: citybrain grants import-receipts 3 return.csv --person treasury_1
    """
    start_django()
    from django.contrib.auth import get_user_model

    from citybrain.policy.grants.acts import GrantRefusedError, scope
    from citybrain.policy.grants.receipt_rows import ReceiptError
    from citybrain.policy.grants.receipts import import_receipts as take_in
    from citybrain.settings import get_settings

    with scope():
        who = get_user_model().objects.filter(username=person, is_active=True).first()
    if who is None:
        typer.echo(f"nobody is called {person}", err=True)
        raise typer.Exit(1)
    try:
        with scope(who.row_scope):
            taken = take_in(get_settings(), payment_file, file.read_bytes(), who)
    except (GrantRefusedError, ReceiptError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(
        json.dumps(asdict(taken))
        if as_json
        else f"{taken.paid} paid, {taken.failed} failed{'' if taken.new else ' (taken in before)'}"
    )


@app.command()
def reconcile(
    payment_file: Annotated[int, typer.Argument(help="id of the payment file")],
    as_json: AsJson = False,
) -> None:
    """A payment file beside its receipts. Exit code 1 while a line of it is not paid."""
    start_django()
    from citybrain.policy.grants.acts import GrantRefusedError, scope
    from citybrain.policy.grants.receipts import reconcile as compare

    try:
        with scope():
            found = compare(payment_file)
    except GrantRefusedError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    if as_json:
        typer.echo(json.dumps({**asdict(found), "settled": found.settled}, default=str))
    else:
        typer.echo(
            f"file {found.file_id}: {found.paid} of {found.rows} paid, {found.yuan_paid:,.2f} of"
            f" {found.total:,.2f} yuan; {len(found.failed)} failed, {len(found.open)} open,"
            f" {found.yuan_open:,.2f} yuan open, {found.yuan_to_recover:,.2f} asked back,"
            f" {found.yuan_recovered:,.2f} given back"
        )
    raise typer.Exit(0 if found.settled else 1)
