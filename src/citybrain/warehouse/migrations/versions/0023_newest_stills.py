"""The newest still of a camera is found without reading its rounds: the register of devices asks for each."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.execute(
        "CREATE INDEX round_newest_still ON vision.round (camera_id, still_at DESC)"
        " WHERE still_at IS NOT NULL"
    )
