"""What changed on the ground between two quarters' satellite composites, and where it could not be told."""

from alembic import op

revision = "0021"
down_revision = "0020"

LOOKS = """
CREATE TABLE meta.satellite_look (
    satellite_look_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    zone_kind text NOT NULL CHECK (zone_kind IN ('management_line', 'county', 'scene')),
    zone_id text NOT NULL,
    zone_name text NOT NULL,
    quarter_before date NOT NULL,
    quarter date NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('changed', 'unchanged', 'not_comparable')),
    compared_share double precision NOT NULL CHECK (compared_share BETWEEN 0 AND 1),
    changes integer NOT NULL,
    scenes_before text[] NOT NULL,
    scenes text[] NOT NULL,
    origin text NOT NULL CHECK (origin IN ('real', 'synthetic')),
    looked_at timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz,
    CONSTRAINT look_in_order CHECK (quarter > quarter_before)
);
CREATE UNIQUE INDEX one_standing_look ON meta.satellite_look (zone_kind, zone_id, quarter)
    WHERE superseded_at IS NULL;
COMMENT ON TABLE meta.satellite_look IS
    'One row per polygon and quarter compared with the quarter before; anew when a scene was restated';
COMMENT ON COLUMN meta.satellite_look.outcome IS
    'not_comparable: too little of the polygon was clear in both quarters, which says nothing about it';
COMMENT ON COLUMN meta.satellite_look.compared_share IS 'Of the polygon''s pixels, clear in both composites';
COMMENT ON COLUMN meta.satellite_look.superseded_at IS 'When a later look at the same quarter took its place';
"""

CHANGES = """
CREATE TABLE meta.satellite_change (
    satellite_change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL,
    satellite_look_id bigint NOT NULL REFERENCES meta.satellite_look,
    zone_kind text NOT NULL,
    zone_id text NOT NULL,
    zone_name text NOT NULL,
    area_code text,
    kind text NOT NULL CHECK (kind IN ('built', 'cleared')),
    quarter_before date NOT NULL,
    quarter date NOT NULL,
    before_at timestamptz NOT NULL,
    observed_at timestamptz NOT NULL,
    area_m2 double precision NOT NULL CHECK (area_m2 > 0),
    pixels integer NOT NULL CHECK (pixels > 0),
    ndvi_before double precision NOT NULL,
    ndvi_after double precision NOT NULL,
    score double precision NOT NULL CHECK (score BETWEEN 0 AND 1),
    lon double precision NOT NULL CHECK (lon BETWEEN -180 AND 180),
    lat double precision NOT NULL CHECK (lat BETWEEN -90 AND 90),
    geojson jsonb NOT NULL,
    evidence jsonb NOT NULL DEFAULT '[]',
    detail jsonb NOT NULL DEFAULT '{}',
    origin text NOT NULL CHECK (origin IN ('real', 'synthetic')),
    detected_at timestamptz NOT NULL DEFAULT now(),
    superseded_at timestamptz
);
CREATE UNIQUE INDEX one_standing_change ON meta.satellite_change (key) WHERE superseded_at IS NULL;
CREATE INDEX satellite_change_of_quarter ON meta.satellite_change (quarter, zone_kind);
COMMENT ON TABLE meta.satellite_change IS
    'One row per patch of ground that changed within a polygon from one quarter to the next';
COMMENT ON COLUMN meta.satellite_change.key IS
    'The same for the same patch, quarter and polygon, however often the quarter is looked at';
COMMENT ON COLUMN meta.satellite_change.zone_kind IS
    'management_line: zone_id is a river section; county: an area code; scene: a scene outside both';
COMMENT ON COLUMN meta.satellite_change.kind IS
    'built: plants gave way to bare, paved or roofed ground; cleared: such ground grew over';
COMMENT ON COLUMN meta.satellite_change.observed_at IS 'Newest scene of the later composite';
COMMENT ON COLUMN meta.satellite_change.score IS 'How far beyond its thresholds the patch changed, 0 to 1';
COMMENT ON COLUMN meta.satellite_change.geojson IS 'Outline of the patch in WGS84';
COMMENT ON COLUMN meta.satellite_change.evidence IS
    'Chips of the lake, [{bucket, key, sha256, kind: before or after, width, height}], as in ops.signal';
COMMENT ON COLUMN meta.satellite_change.superseded_at IS
    'When a later look at the same quarter did not confirm it or stated it anew; null: it stands';
"""

GRANTS = """
GRANT USAGE ON SCHEMA meta TO citybrain_watcher, citybrain_desk, citybrain_sensor;
GRANT SELECT ON meta.area_outline TO citybrain_watcher;
GRANT SELECT ON meta.satellite_look, meta.satellite_change
    TO citybrain_watcher, citybrain_desk, citybrain_transformer, citybrain_loader, citybrain_sensor;
GRANT INSERT ON meta.satellite_look, meta.satellite_change TO citybrain_watcher;
GRANT UPDATE (superseded_at) ON meta.satellite_look, meta.satellite_change TO citybrain_watcher;
REVOKE INSERT, UPDATE, DELETE ON meta.satellite_look, meta.satellite_change FROM citybrain_loader;
"""


def upgrade() -> None:
    for part in (LOOKS, CHANGES, GRANTS):
        op.execute(part)
