"""`citybrain desk`: the site in which cases and grants are decided."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The desk: its tables, roles, organisations and look.")


def start_django() -> None:
    """Load the desk's apps into this process, without the lines they log when they are loaded."""
    import logging
    import os

    import django

    for talkative in ("procrastinate", "axes"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.desk.settings")
    django.setup()


@app.command()
def prepare() -> None:
    """Create or change the desk's tables as their owner, then do what `sync` does. Safe to run again."""
    start_django()
    from django.core.management import call_command

    call_command("prepare")


@app.command()
def sync(as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False) -> None:
    """Bring roles, organisations and (in the demo city) accounts up to date with files and marts.

    Example: citybrain desk sync --json
    """
    import json

    start_django()
    from citybrain.desk.accounts.sync import sync as bring_up_to_date
    from citybrain.settings import get_settings

    done = asdict(bring_up_to_date(get_settings()))
    typer.echo(json.dumps(done) if as_json else " · ".join(f"{count} {name}" for name, count in done.items()))


@app.command()
def tokens() -> None:
    """Print the style variables made from dashboards/theme/tokens.yml (static/desk/tokens.css)."""
    from citybrain.bi.semantics import Tokens
    from citybrain.catalogue.content_file import load_content
    from citybrain.desk.look import css_variables
    from citybrain.settings import get_settings

    path = get_settings().dashboards_dir / "theme" / "tokens.yml"
    typer.echo(css_variables(load_content(path, Tokens)), nl=False)


@app.command()
def icons(
    folder: Annotated[Path, typer.Argument(help="where to write them", file_okay=False, exists=True)],
) -> None:
    """Draw the home screen's icons in the colours of dashboards/theme/tokens.yml.

    Example: citybrain desk icons src/citybrain/desk/static/desk
    """
    from citybrain.bi.semantics import Tokens
    from citybrain.catalogue.content_file import load_content
    from citybrain.desk.look import ICON_SIDES, icon
    from citybrain.settings import get_settings

    tokens = load_content(get_settings().dashboards_dir / "theme" / "tokens.yml", Tokens)
    for side in ICON_SIDES:
        (folder / f"icon-{side}.png").write_bytes(icon(tokens, side))


systems = typer.Typer(
    no_args_is_help=True, help="Systems of others that call the desk: their keys and counts."
)
app.add_typer(systems, name="systems")


@systems.command("add")
def add_system(
    code: Annotated[str, typer.Argument(help="short name, like wechat-mini")],
    name: Annotated[str, typer.Option(help="what people call it")],
    organisation: Annotated[str, typer.Option(help="code of the organisation it belongs to")],
    calls_a_day: Annotated[int, typer.Option(min=1, help="calls above this are refused")] = 5000,
    role: Annotated[
        list[str] | None, typer.Option(help="a role of the desk; may be given several times")
    ] = None,
) -> None:
    """Register a system and print its key, which nobody can read again.

    Without a role it reports and follows its reports; with roles it sees and handles cases as people of the
    organisation do.

    Example: citybrain desk systems add city-app --name 城市随手拍 --organisation urban_management
    """
    start_django()
    from citybrain.desk.systems.keys import SystemRefusedError, register

    try:
        made = register(code, name, organisation, calls_a_day, role or [])
    except SystemRefusedError as refused:
        raise typer.BadParameter(str(refused)) from refused
    typer.echo(made.key)


@systems.command("renew")
def renew_system(code: str) -> None:
    """Print a new key for a system; the one before is refused from now on."""
    start_django()
    from citybrain.desk.systems.keys import SystemRefusedError, renew

    try:
        typer.echo(renew(code).key)
    except SystemRefusedError as refused:
        raise typer.BadParameter(str(refused)) from refused


@systems.command("roles")
def roles_of_system(
    code: str,
    role: Annotated[list[str] | None, typer.Option(help="all that it holds from now on")] = None,
) -> None:
    """Give a system roles of the desk in place of those it had; none takes them all away.

    Example: citybrain desk systems roles fire-desk --role department_handler
    """
    start_django()
    from citybrain.desk.systems.keys import SystemRefusedError, give_roles

    try:
        typer.echo(f"{give_roles(code, role or []).code}: {', '.join(role or []) or 'no role'}")
    except SystemRefusedError as refused:
        raise typer.BadParameter(str(refused)) from refused


@systems.command("switch")
def switch_system(
    code: str, on: Annotated[bool, typer.Option("--on/--off", help="let it in or keep it out")]
) -> None:
    """Let a system in, or keep it out, without touching its key."""
    start_django()
    from citybrain.desk.systems.keys import SystemRefusedError, switch

    try:
        typer.echo(f"{switch(code, on).code}: {'on' if on else 'off'}")
    except SystemRefusedError as refused:
        raise typer.BadParameter(str(refused)) from refused


@systems.command("list")
def list_systems(as_json: Annotated[bool, typer.Option("--json", help="for scripts")] = False) -> None:
    """Every system with its calls of today and of the last thirty days."""
    import json

    start_django()
    from citybrain.desk.systems.counting import counts

    found = [asdict(one) for one in counts()]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found:
        state = "on" if one["is_active"] else "off"
        typer.echo(
            f"{one['code']:24} {state:3} {one['today']:>7,} of {one['calls_a_day']:,} today"
            f"  {one['thirty_days']:>9,} in 30 days  {one['refused']:,} refused  {one['name']}"
        )
