"""The vision room: looks to be done, rounds done, things seen over rounds, re-checks of handlers' photos."""

from alembic import op

revision = "0009"
down_revision = "0008"

WORK = """
CREATE TABLE vision.look_request (
    look_request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    detector text NOT NULL,
    camera_id text NOT NULL,
    due_at timestamptz NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'pending'
        CHECK (state IN ('pending', 'claimed', 'done', 'failed', 'superseded')),
    attempts integer NOT NULL DEFAULT 0,
    claimed_by text,
    claim_expires_at timestamptz,
    done_at timestamptz,
    error text NOT NULL DEFAULT '',
    UNIQUE (detector, camera_id, due_at),
    CONSTRAINT claimed_by_somebody CHECK (state <> 'claimed' OR (claimed_by IS NOT NULL
        AND claim_expires_at IS NOT NULL)),
    CONSTRAINT done_at_its_end CHECK ((state IN ('pending', 'claimed')) = (done_at IS NULL))
);
CREATE INDEX look_request_open ON vision.look_request (due_at, look_request_id)
    WHERE state IN ('pending', 'claimed');
COMMENT ON TABLE vision.look_request IS
    'One row per camera and time of a round: the work of the vision workers, claimed with SKIP LOCKED';
COMMENT ON COLUMN vision.look_request.state IS
    'superseded: a later round of the camera was done before; failed: it broke every attempt';
COMMENT ON COLUMN vision.look_request.claim_expires_at IS
    'Then another worker may take it: the first one died';
"""

ROUNDS = """
CREATE TABLE vision.round (
    round_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    detector text NOT NULL,
    camera_id text NOT NULL,
    at timestamptz NOT NULL,
    still_at timestamptz,
    sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    outcome text NOT NULL CHECK (outcome IN ('clean', 'occupied', 'unusable', 'missing')),
    reason text NOT NULL DEFAULT '',
    condition text CHECK (condition <> ''),
    boxes jsonb NOT NULL DEFAULT '[]',
    signals integer NOT NULL DEFAULT 0,
    seconds double precision NOT NULL,
    weights text,
    weights_sha256 text CHECK (weights_sha256 ~ '^[0-9a-f]{64}$'),
    device text,
    done_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (detector, camera_id, at),
    CONSTRAINT reason_unless_seen CHECK ((outcome IN ('clean', 'occupied')) = (reason = '')),
    CONSTRAINT looked_with_weights CHECK (outcome NOT IN ('clean', 'occupied')
        OR (still_at IS NOT NULL AND sha256 IS NOT NULL AND weights_sha256 IS NOT NULL))
);
COMMENT ON TABLE vision.round IS
    'One row per look at a camera in a round; written with the things seen and the signals, or not at all';
COMMENT ON COLUMN vision.round.at IS 'When the round was due';
COMMENT ON COLUMN vision.round.still_at IS 'When the still was taken; null when there was none';
COMMENT ON COLUMN vision.round.outcome IS
    'clean and occupied: the still was usable; unusable and missing say nothing about the place';
COMMENT ON COLUMN vision.round.reason IS
    'black, white, blurred, truncated, not_a_picture, too_large, frozen, repeated; without a still: absent,'
    ' stale, unreachable, not_allowed';
COMMENT ON COLUMN vision.round.condition IS
    'What the look said about the camera, normal or what is wrong; null when it said nothing';
COMMENT ON COLUMN vision.round.boxes IS 'What the network saw: [class, x1, y1, x2, y2, score], fractions';

CREATE TABLE vision.seen_object (
    seen_object_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    detector text NOT NULL,
    camera_id text NOT NULL,
    class_code text NOT NULL,
    zone text NOT NULL,
    anchor double precision[] NOT NULL CHECK (cardinality(anchor) = 4),
    boxes jsonb NOT NULL,
    scores double precision[] NOT NULL,
    score double precision NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    hits integer NOT NULL CHECK (hits > 0),
    misses integer NOT NULL CHECK (misses >= 0),
    state text NOT NULL CHECK (state IN ('present', 'gone')),
    signalled_at timestamptz,
    cleared_at timestamptz,
    CONSTRAINT seen_in_order CHECK (last_seen >= first_seen),
    CONSTRAINT cleared_after_signal CHECK (cleared_at >= signalled_at OR cleared_at IS NULL)
);
CREATE INDEX seen_object_of_camera ON vision.seen_object (detector, camera_id)
    WHERE state = 'present' OR (signalled_at IS NOT NULL AND cleared_at IS NULL);
CREATE INDEX seen_object_cleared ON vision.seen_object (detector, camera_id, cleared_at)
    WHERE cleared_at IS NOT NULL;
CREATE UNIQUE INDEX seen_object_one_open_signal
    ON vision.seen_object (detector, camera_id, zone, class_code)
    WHERE signalled_at IS NOT NULL AND cleared_at IS NULL;
COMMENT ON TABLE vision.seen_object IS
    'One row per thing of one class that stood at one place before a camera, followed over the rounds';
COMMENT ON COLUMN vision.seen_object.anchor IS 'x1, y1, x2, y2: the median of its last boxes, fractions';
COMMENT ON COLUMN vision.seen_object.scores IS 'Of the last ten usable looks, 0 for a look that missed it';
COMMENT ON COLUMN vision.seen_object.misses IS 'Usable looks in a row without it';
COMMENT ON COLUMN vision.seen_object.zone IS 'Where it stands, empty outside every zone';
COMMENT ON COLUMN vision.seen_object.signalled_at IS
    'The still that made its signal; at most one is open for a camera, zone and class';
"""

RECHECKS = """
CREATE TABLE vision.recheck (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    scenario text NOT NULL,
    camera_id text NOT NULL,
    zone text NOT NULL,
    bucket text NOT NULL,
    object_key text NOT NULL,
    sha256 text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    claimed_by text,
    claim_expires_at timestamptz,
    verdict text CHECK (verdict IN ('clear', 'occupied', 'unreadable', 'doubtful')),
    detail jsonb NOT NULL DEFAULT '{}',
    done_at timestamptz,
    CONSTRAINT verdict_when_done CHECK ((state = 'done') = (verdict IS NOT NULL))
);
CREATE INDEX recheck_pending ON vision.recheck (id) WHERE state = 'pending';
CREATE INDEX recheck_of_camera ON vision.recheck (camera_id, zone) WHERE verdict = 'clear';
COMMENT ON TABLE vision.recheck IS
    'One row per handler''s photo that a detector judges: asked for by the desk, answered by a vision worker';
COMMENT ON COLUMN vision.recheck.verdict IS
    'doubtful: the photo shows the place clear and a still taken since does not; unreadable: no usable photo';
"""

WORKERS = """
CREATE TABLE vision.worker (
    worker text PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT now(),
    beat_at timestamptz NOT NULL DEFAULT now(),
    looks bigint NOT NULL DEFAULT 0,
    rechecks bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE vision.worker IS 'One row per running vision worker; a row whose beat is old is a dead one';
"""

GRANTS = """
GRANT SELECT ON vision.look_request, vision.round, vision.seen_object, vision.recheck, vision.worker
    TO citybrain_watcher, citybrain_desk, citybrain_transformer;
GRANT INSERT, UPDATE ON vision.look_request, vision.seen_object TO citybrain_watcher;
GRANT INSERT ON vision.round TO citybrain_watcher;
GRANT UPDATE ON vision.recheck TO citybrain_watcher;
GRANT INSERT, UPDATE, DELETE ON vision.worker TO citybrain_watcher;
GRANT INSERT ON vision.recheck TO citybrain_desk;
"""


def upgrade() -> None:
    for part in (WORK, ROUNDS, RECHECKS, WORKERS, GRANTS):
        op.execute(part)
