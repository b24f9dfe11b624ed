"""Open tables: the catalog's schema, and what their writer may read beside the marts."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("GRANT USAGE, CREATE ON SCHEMA published TO citybrain_publisher")
    op.execute("GRANT USAGE ON SCHEMA meta TO citybrain_publisher")
    op.execute("GRANT SELECT ON meta.mart_publication TO citybrain_publisher")
