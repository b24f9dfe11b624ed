"""The sensing room: spells over readings, points of tracks with their distances, sweeps, scores of rules."""

from alembic import op

revision = "0015"
down_revision = "0014"

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS sensing;
COMMENT ON SCHEMA sensing IS 'rules over readings, tracks and tables: what stands, what was told of it';
GRANT USAGE ON SCHEMA sensing TO citybrain_sensor, citybrain_loader, citybrain_transformer, citybrain_desk;
GRANT USAGE ON SCHEMA ops, meta TO citybrain_sensor;
"""

SPELLS = """
CREATE TABLE sensing.spell (
    spell_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    detector text NOT NULL,
    rule text NOT NULL,
    subject text NOT NULL,
    class_code text NOT NULL,
    started_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    ended_at timestamptz,
    last_observed_at timestamptz NOT NULL,
    peak double precision,
    threshold double precision,
    lon double precision,
    lat double precision,
    detail jsonb NOT NULL DEFAULT '{}',
    told_key text,
    cleared_key text,
    told_until timestamptz,
    changed_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (detector, rule, subject, class_code, started_at),
    CONSTRAINT spell_in_order CHECK (confirmed_at >= started_at AND ended_at >= started_at),
    CONSTRAINT cleared_after_told CHECK (cleared_key IS NULL OR told_key IS NOT NULL)
);
CREATE UNIQUE INDEX spell_one_stands ON sensing.spell (detector, rule, subject, class_code)
    WHERE ended_at IS NULL;
CREATE INDEX spell_ended ON sensing.spell (detector, rule, subject, ended_at);
COMMENT ON TABLE sensing.spell IS
    'One row per time that a rule''s condition stood for a device, a vehicle or a record';
COMMENT ON COLUMN sensing.spell.confirmed_at IS
    'When it had stood as long as the rule asks; null: it never had, and nobody is told';
COMMENT ON COLUMN sensing.spell.told_key IS 'Key of the signal that told of it; null when nobody was told';
COMMENT ON COLUMN sensing.spell.cleared_key IS 'Key of the signal that told of its end';
COMMENT ON COLUMN sensing.spell.told_until IS
    'Moment of its newest signal: what is told later of the same subject and class is not told as older';
"""

SWEEPS = """
CREATE TABLE sensing.swept (
    detector text NOT NULL,
    rule text NOT NULL,
    rule_sha256 text NOT NULL CHECK (rule_sha256 ~ '^[0-9a-f]{64}$'),
    arrived_until timestamptz,
    reference_until timestamptz,
    fingerprint text,
    clock timestamptz,
    swept_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (detector, rule)
);
COMMENT ON TABLE sensing.swept IS 'One row per rule: up to which arrival its rows were looked at';
COMMENT ON COLUMN sensing.swept.clock IS 'The newest moment its rows speak of: the rule''s now';

CREATE TABLE sensing.sweep (
    sweep_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    detector text NOT NULL,
    rule text NOT NULL,
    swept_at timestamptz NOT NULL DEFAULT now(),
    clock timestamptz,
    subjects integer NOT NULL,
    rows_too_late integer NOT NULL,
    detected integer NOT NULL,
    cleared integer NOT NULL,
    seconds double precision NOT NULL
);
COMMENT ON TABLE sensing.sweep IS
    'One row per sweep of a rule that had something new to look at, for ninety days';
COMMENT ON COLUMN sensing.sweep.rows_too_late IS
    'New rows older than the lateness of the detector: left aside';
"""

TRACKS = """
CREATE TABLE sensing.track_point (
    dataset text NOT NULL,
    subject text NOT NULL,
    observed_at timestamptz NOT NULL,
    longitude double precision NOT NULL,
    latitude double precision NOT NULL,
    speed_kmh double precision,
    engine_on boolean,
    off_corridor_m double precision,
    off_place_m double precision,
    source_version text NOT NULL,
    batch_id bigint NOT NULL,
    measured_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dataset, subject, observed_at)
);
CREATE INDEX track_point_measured ON sensing.track_point (measured_at);
COMMENT ON TABLE sensing.track_point IS
    'One row per vehicle and point of its track, the newest statement of it';
COMMENT ON COLUMN sensing.track_point.off_corridor_m IS
    'Distance from the vehicle''s approved corridor in m; null for vehicles without one';
COMMENT ON COLUMN sensing.track_point.off_place_m IS
    'Distance from the nearest approved place (a dump, an end of the corridor) in m';

CREATE TABLE sensing.measured_batch (
    batch_id bigint PRIMARY KEY,
    dataset text NOT NULL,
    points integer NOT NULL,
    measured_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sensing.measured_batch IS 'One row per batch of tracks whose points were measured';
"""

SCORES = """
CREATE TABLE meta.rule_score (
    scenario text NOT NULL,
    scored_at timestamptz NOT NULL DEFAULT now(),
    truths integer NOT NULL,
    found integer NOT NULL,
    told integer NOT NULL,
    right_told integer NOT NULL,
    recall double precision,
    precision_share double precision,
    PRIMARY KEY (scenario, scored_at)
);
COMMENT ON TABLE meta.rule_score IS
    'One row per scenario and scoring: what the demo city had planted against what its rules told';
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON sensing.spell, sensing.swept TO citybrain_sensor;
GRANT SELECT, INSERT, DELETE ON sensing.sweep TO citybrain_sensor;
GRANT SELECT ON sensing.track_point TO citybrain_sensor;
GRANT SELECT, INSERT, UPDATE, DELETE ON sensing.track_point, sensing.measured_batch TO citybrain_loader;
GRANT SELECT ON sensing.spell, sensing.swept, sensing.sweep TO citybrain_transformer, citybrain_desk;
REVOKE ALL ON meta.rule_score FROM citybrain_loader;
GRANT SELECT ON meta.rule_score TO citybrain_sensor, citybrain_transformer;
GRANT INSERT ON meta.rule_score TO citybrain_sensor;
DO $$ BEGIN
    IF to_regclass('meta.satellite_change') IS NOT NULL THEN
        GRANT SELECT ON meta.satellite_change TO citybrain_sensor;
    END IF;
END $$;
"""


def upgrade() -> None:
    for part in (SCHEMA, SPELLS, SWEEPS, TRACKS, SCORES, GRANTS):
        op.execute(part)
