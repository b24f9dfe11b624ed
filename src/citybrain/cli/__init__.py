"""`citybrain …`: the verbs people and DAGs call. One module per room; heavy imports stand inside the commands."""

from importlib import import_module
from importlib.util import find_spec

import typer

app = typer.Typer(
    help="The open city data platform: lake, quality gate, warehouse, dashboards.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # a local variable may hold a password
)

for _module in ("stack", "ingest", "validate", "settings"):
    if find_spec(f"citybrain.cli.{_module}"):
        app.add_typer(import_module(f"citybrain.cli.{_module}").app)
for _module, _group in (
    ("quality", "expectations"),
    ("simulate", "simulate"),
    ("transform", "transform"),
    ("bi", "bi"),
):
    if find_spec(f"citybrain.cli.{_module}"):
        app.add_typer(import_module(f"citybrain.cli.{_module}").app, name=_group)
