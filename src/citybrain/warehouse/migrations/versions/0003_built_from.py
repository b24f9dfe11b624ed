"""What a build was made from, so that the next run can tell whether there is anything to build."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("""
        ALTER TABLE meta.transform_run ADD COLUMN project_sha256 text CHECK (project_sha256 ~ '^[0-9a-f]{64}$');
        COMMENT ON COLUMN meta.transform_run.project_sha256 IS
            'Hash of the dbt project and the source files this run was built from; null when nobody noted it';
    """)
