"""`citybrain …`: the verbs people and DAGs call. One module a room; heavy imports stand in the commands."""

import typer

from citybrain.cli import (
    backfill,
    bi,
    desk,
    events,
    grants,
    hotline,
    ingest,
    ledger,
    lineage,
    policy,
    quality,
    rules,
    settings,
    sharing,
    simulate,
    stack,
    transform,
    validate,
    vision,
)

app = typer.Typer(
    help="The open city data platform: lake, quality gate, warehouse, dashboards.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # a local variable may hold a password
)

for room in (stack, ingest, backfill, lineage, validate, settings):
    app.add_typer(room.app)
app.add_typer(quality.app, name="expectations")
app.add_typer(simulate.app, name="simulate")
app.add_typer(transform.app, name="transform")
app.add_typer(bi.app, name="bi")
app.add_typer(policy.app, name="policy")
app.add_typer(sharing.app, name="share")
app.add_typer(ledger.app, name="ledger")
app.add_typer(desk.app, name="desk")
app.add_typer(vision.app, name="vision")
app.add_typer(rules.app, name="rules")
app.add_typer(events.app, name="events")
app.add_typer(events.cases, name="cases")
app.add_typer(grants.app, name="grants")
app.add_typer(hotline.app, name="hotline")
