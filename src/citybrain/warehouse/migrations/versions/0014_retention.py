"""When the rows and the object of a batch were removed because their time was over."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE meta.batch ADD COLUMN expired_at timestamptz, ADD COLUMN object_removed_at timestamptz,"
        " ADD CONSTRAINT removed_after_it_expired CHECK (object_removed_at IS NULL OR expired_at IS NOT NULL)"
    )
    op.execute(
        "COMMENT ON COLUMN meta.batch.expired_at IS"
        " 'When rows in raw and quarantine were removed by the retention limit of the personal-data class'"
    )
