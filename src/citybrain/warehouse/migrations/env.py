"""How alembic reaches the database: the URL comes from `upgrade(settings)`, never from a file."""

from alembic import context
from sqlalchemy import create_engine, pool, text

MIGRATION_LOCK = 3_416_001  # any constant: two upgrades at once run one after the other


def run() -> None:
    engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS meta"))
        connection.commit()
        context.configure(connection=connection, version_table_schema="meta", transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
