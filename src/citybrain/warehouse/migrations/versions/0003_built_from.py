"""What a build was made from, so that the next run can tell whether there is anything to build."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE meta.transform_run
            ADD COLUMN project_sha256 text CHECK (project_sha256 ~ '^[0-9a-f]{64}$'),
            ADD COLUMN batches_loaded bigint CHECK (batches_loaded >= 0);
        COMMENT ON COLUMN meta.transform_run.project_sha256 IS
            'Hash of the dbt project and the source files this run was built from; null when nobody noted it';
        COMMENT ON COLUMN meta.transform_run.batches_loaded IS
            'Loaded batches when this run began: at least those it read; null when nobody noted it';
    """)
