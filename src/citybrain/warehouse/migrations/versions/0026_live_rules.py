"""Rules that judge messages as they come: spells told ahead of the warehouse, and what stands by subject."""

from alembic import op

revision = "0026"
down_revision = "0022"

SPELLS = """
ALTER TABLE sensing.spell ADD COLUMN live boolean NOT NULL DEFAULT false;
CREATE INDEX spell_live ON sensing.spell (detector, rule) WHERE live;
CREATE INDEX spell_told ON sensing.spell (told_key) WHERE told_key IS NOT NULL;
COMMENT ON COLUMN sensing.spell.live IS
    'Its newest signal was told from a message that the warehouse may not hold yet; a sweep takes it over';
"""

STANDING = """
CREATE TABLE sensing.live_standing (
    detector text NOT NULL,
    rule text NOT NULL,
    subject text NOT NULL,
    class_code text NOT NULL,
    rule_sha256 text NOT NULL CHECK (rule_sha256 ~ '^[0-9a-f]{64}$'),
    started_at timestamptz NOT NULL,
    judged_until timestamptz NOT NULL,
    raised integer NOT NULL,
    good integer NOT NULL,
    peak double precision NOT NULL,
    threshold double precision NOT NULL,
    confirmed_at timestamptz,
    told_key text,
    PRIMARY KEY (detector, rule, subject, class_code)
);
COMMENT ON TABLE sensing.live_standing IS
    'One row per subject and class that is not quiet, by its messages: a killed bridge goes on from it';
COMMENT ON COLUMN sensing.live_standing.judged_until IS
    'The newest message judged: an older one is a repetition';
COMMENT ON COLUMN sensing.live_standing.raised IS 'Readings over the limit since it began';
COMMENT ON COLUMN sensing.live_standing.good IS 'Good readings in a row';
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON sensing.live_standing TO citybrain_sensor;
GRANT SELECT ON sensing.live_standing TO citybrain_transformer, citybrain_desk;
"""


def upgrade() -> None:
    for part in (SPELLS, STANDING, GRANTS):
        op.execute(part)
