"""Changed rows for a table of the exchange database, written as the department that owns them would."""

import psycopg
from psycopg import sql

from citybrain.catalogue import Dataset, load_dataset
from citybrain.settings import DatabaseRole, Settings
from citybrain.simulate.delivery import Delivery


def write_exchange(settings: Settings, delivery: Delivery, content: bytes) -> None:
    """Insert the rows of a CSV, or replace those with the same key; all in one transaction.

    The first row names the columns. Writing a delivery again changes nothing. Raises psycopg.Error.
    """
    dataset = load_dataset(settings.sources_dir / f"{delivery.dataset}.yml")
    schema, table, _ = delivery.path.split("/")
    target = sql.Identifier(schema, table)
    names = [sql.Identifier(column.name) for column in dataset.columns]
    listed = sql.SQL(", ").join(names)
    keys = sql.SQL(", ").join(map(sql.Identifier, dataset.key))
    news = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in names)
    with psycopg.connect(settings.dsn(DatabaseRole.EXCHANGE), application_name="citybrain demo") as exchange:
        exchange.execute("SELECT pg_advisory_xact_lock(hashtext('citybrain exchange'))")
        exchange.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        exchange.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({}))").format(
                target, _columns(dataset), keys
            )
        )
        exchange.execute(sql.SQL("CREATE TEMPORARY TABLE arriving (LIKE {}) ON COMMIT DROP").format(target))
        copy = sql.SQL("COPY arriving ({}) FROM STDIN (FORMAT csv, HEADER match)").format(listed)
        with exchange.cursor().copy(copy) as rows:
            rows.write(content)
        exchange.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM arriving ON CONFLICT ({}) DO UPDATE SET {}").format(
                target, listed, listed, keys, news
            )
        )


def _columns(dataset: Dataset) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type))
        for column in dataset.columns
    )
