"""What the transformation knows and leaves: catalogue rows, places of points, runs, results, publications."""

from alembic import op

revision = "0002"
down_revision = "0001"

CATALOGUE = """
CREATE TABLE meta.dataset (
    dataset text PRIMARY KEY,
    title_zh text NOT NULL,
    title_en text NOT NULL,
    owner text NOT NULL,
    owner_zh text NOT NULL,
    owner_en text NOT NULL,
    family text NOT NULL,
    origin text NOT NULL CHECK (origin IN ('real', 'synthetic')),
    source_note text NOT NULL,
    personal_data text NOT NULL CHECK (personal_data IN ('none', 'low', 'high')),
    schedule text,
    arrival_sla interval,
    is_active boolean NOT NULL,
    synced_at timestamptz NOT NULL
);
COMMENT ON TABLE meta.dataset IS 'One row per dataset of dags/sources/, written before each build';

CREATE TABLE meta.area (
    area_code text PRIMARY KEY,
    level text NOT NULL CHECK (level IN ('city', 'county')),
    name_zh text NOT NULL,
    name_en text NOT NULL,
    residents integer CHECK (residents > 0),
    synced_at timestamptz NOT NULL
);
COMMENT ON TABLE meta.area IS 'One row per city and county of the catalogue, written before each build';
COMMENT ON COLUMN meta.area.residents IS 'Approximate residents of the catalogue, rounded to thousands';

CREATE TABLE meta.point_area (
    dataset text NOT NULL,
    point_code text NOT NULL,
    longitude double precision NOT NULL,
    latitude double precision NOT NULL,
    county_code text,
    located_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dataset, point_code)
);
COMMENT ON TABLE meta.point_area IS
    'One row per fixed point of a dataset (an air station) and the county around it, if any';
"""

RUNS = """
CREATE TABLE meta.transform_run (
    transform_run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    command text NOT NULL,
    selection text,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    outcome text NOT NULL CHECK (outcome IN ('running', 'succeeded', 'failed')),
    invocation_id text,
    models integer,
    tests integer,
    failures integer,
    CONSTRAINT finished_with_outcome CHECK ((outcome = 'running') = (finished_at IS NULL))
);
COMMENT ON TABLE meta.transform_run IS
    'One row per dbt invocation; a killed one stays running until the next build closes it';

CREATE TABLE meta.transform_result (
    transform_run_id bigint NOT NULL REFERENCES meta.transform_run ON DELETE CASCADE,
    node text NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    seconds double precision NOT NULL,
    rows_affected bigint,
    failures bigint,
    message text,
    PRIMARY KEY (transform_run_id, node)
);
COMMENT ON TABLE meta.transform_result IS 'One row per model, test, snapshot, seed or source of a run';

CREATE TABLE meta.mart_check (
    mart text NOT NULL,
    test text NOT NULL,
    build_oid bigint NOT NULL,
    passed boolean NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mart, test)
);
COMMENT ON TABLE meta.mart_check IS
    'One row per test of a display mart: its newest outcome and the built table (its oid) it looked at';

CREATE TABLE meta.mart_publication (
    mart text PRIMARY KEY,
    build_oid bigint NOT NULL,
    published_rows bigint NOT NULL,
    published_at timestamptz NOT NULL
);
COMMENT ON TABLE meta.mart_publication IS
    'One row per display mart: the built table that stands in schema marts';
"""

GRANTS = """
REVOKE ALL ON meta.dataset, meta.area, meta.point_area, meta.transform_run, meta.transform_result,
    meta.mart_check, meta.mart_publication FROM citybrain_loader;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    meta.dataset, meta.area, meta.point_area, meta.mart_check, meta.mart_publication TO citybrain_transformer;
GRANT SELECT, INSERT, UPDATE ON meta.transform_run TO citybrain_transformer;
GRANT SELECT, INSERT ON meta.transform_result TO citybrain_transformer;
"""


def upgrade() -> None:
    for part in (CATALOGUE, RUNS, GRANTS):
        op.execute(part)
