"""Looks that the patrol left out because it had fallen behind; how a thing looked when it was last seen."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE vision.look_request DROP CONSTRAINT look_request_state_check,"
        " ADD CONSTRAINT look_request_state_check"
        " CHECK (state IN ('pending', 'claimed', 'done', 'failed', 'superseded', 'skipped'))"
    )
    op.execute(
        "COMMENT ON COLUMN vision.look_request.state IS"
        " 'superseded: a later round of the camera was done before; failed: it broke every attempt;"
        " skipped: nobody took it within the budget of its round'"
    )
    op.execute("ALTER TABLE vision.seen_object ADD COLUMN patch bytea")
    op.execute(
        "COMMENT ON COLUMN vision.seen_object.patch IS"
        " 'Its box when last seen, 24 x 24 grey values: whether another thing took the place'"
    )
