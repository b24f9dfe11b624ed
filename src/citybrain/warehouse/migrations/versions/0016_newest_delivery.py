"""Which delivery of a register counts, said once: the marts read it, and retention leaves it alone."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute(
        "CREATE VIEW meta.newest_delivery WITH (security_invoker = true) AS"
        " SELECT DISTINCT ON (dataset) dataset, batch_id FROM meta.batch"
        " WHERE state = 'loaded' AND rows_loaded > 0"
        " ORDER BY dataset, coalesce(newest_logical_date, logical_date) DESC,"
        " coalesce(newest_version, source_version) DESC, sha256 DESC"
    )
    op.execute(
        "COMMENT ON VIEW meta.newest_delivery IS"
        " 'Per dataset the loaded delivery with rows that is of the newest day, in its newest version."
        " Bytes delivered again after others count with the day and version they came again with.'"
    )
    op.execute("GRANT SELECT ON meta.newest_delivery TO citybrain_transformer")
