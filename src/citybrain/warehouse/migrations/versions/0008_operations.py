"""For the marts of cases and grants: scenarios and departments by name, and what a build had read of them."""

from alembic import op

revision = "0008"
down_revision = "0007"

CATALOGUE = """
CREATE TABLE meta.department (
    department text PRIMARY KEY,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    synced_at timestamptz NOT NULL
);
COMMENT ON TABLE meta.department IS 'One row per department of the catalogue, written before each build';

CREATE TABLE meta.scenario (
    scenario text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('event', 'display')),
    title_zh text NOT NULL,
    title_en text NOT NULL,
    domain text NOT NULL,
    domain_zh text NOT NULL,
    domain_en text NOT NULL,
    provenance text NOT NULL CHECK (provenance IN ('source', 'public', 'completion')),
    synced_at timestamptz NOT NULL
);
COMMENT ON TABLE meta.scenario IS 'One row per scenario of the catalogue, written before each build';
GRANT SELECT, INSERT, UPDATE, DELETE ON meta.department, meta.scenario TO citybrain_transformer;
REVOKE ALL ON meta.department, meta.scenario FROM citybrain_loader;
"""

SEEN = """
ALTER TABLE meta.transform_run ADD COLUMN recorded jsonb;
COMMENT ON COLUMN meta.transform_run.recorded IS
    'How much people and machines had recorded when this run began; null when nobody noted it';
"""


def upgrade() -> None:
    for part in (CATALOGUE, SEEN):
        op.execute(part)
