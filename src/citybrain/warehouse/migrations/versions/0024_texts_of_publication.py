"""Which publication the kept texts of policy documents are of: the same one is not read again."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.execute("ALTER TABLE policy.publication ADD COLUMN texts_kept_at timestamptz")
    op.execute(
        "COMMENT ON COLUMN policy.publication.texts_kept_at IS"
        " 'When the texts of its documents stood in the lake and could be found by words; null until then'"
    )
