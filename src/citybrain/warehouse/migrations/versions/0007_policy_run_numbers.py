"""A match run takes its number before its results, so that all of them are written once."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("GRANT USAGE ON SEQUENCE policy.match_run_run_id_seq TO citybrain_matcher")
