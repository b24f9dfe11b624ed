"""`citybrain desk`: the site in which cases and grants are decided."""

from dataclasses import asdict
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
