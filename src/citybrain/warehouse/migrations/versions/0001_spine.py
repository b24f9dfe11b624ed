"""Schemas, manifest, gate results, human decisions, quarantine, and the grants of each login role."""

from alembic import op

revision = "0001"
down_revision = None

SCHEMAS = """
CREATE SCHEMA IF NOT EXISTS raw;
CREATE SCHEMA IF NOT EXISTS quarantine;
CREATE SCHEMA IF NOT EXISTS stage;
COMMENT ON SCHEMA meta IS 'manifest of deliveries, gate results, decisions, watermarks, runs';
COMMENT ON SCHEMA raw IS 'rows as delivered, typed, append-only, every version';
COMMENT ON SCHEMA quarantine IS 'rows the gate kept out, with the reasons';
COMMENT ON SCHEMA stage IS 'unlogged tables of the batches in the gate; empty between runs';
"""

MANIFEST = """
CREATE TABLE meta.batch (
    batch_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset text NOT NULL CHECK (dataset ~ '^[a-z][a-z0-9_]{0,47}$'),
    object_key text NOT NULL UNIQUE,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    bytes bigint NOT NULL CHECK (bytes >= 0),
    source_name text NOT NULL,
    source_version text NOT NULL,
    logical_date date NOT NULL,
    landed_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'landed' CHECK (state IN ('landed', 'held', 'loaded', 'refused', 'rejected')),
    card text CHECK (card IN ('green', 'yellow', 'red')),
    rows_in bigint NOT NULL DEFAULT 0 CHECK (rows_in >= 0),
    rows_loaded bigint NOT NULL DEFAULT 0 CHECK (rows_loaded >= 0),
    rows_quarantined bigint NOT NULL DEFAULT 0 CHECK (rows_quarantined >= 0),
    rows_rejected bigint NOT NULL DEFAULT 0 CHECK (rows_rejected >= 0),
    reason text,
    claimed_by text,
    claim_expires_at timestamptz,
    gated_at timestamptz,
    settled_at timestamptz,
    UNIQUE (dataset, sha256),
    CONSTRAINT every_row_accounted_for CHECK (
        state NOT IN ('loaded', 'refused', 'rejected') OR rows_in = rows_loaded + rows_quarantined +
        rows_rejected
    ),
    CONSTRAINT nothing_loaded_unless_loaded CHECK (state = 'loaded' OR rows_loaded = 0),
    CONSTRAINT a_settled_batch_has_its_time CHECK ((state IN ('loaded', 'refused', 'rejected')) = (settled_at
    IS NOT NULL)),
    CONSTRAINT a_refusal_has_its_reason CHECK (state NOT IN ('refused', 'rejected') OR reason IS NOT NULL)
);
COMMENT ON TABLE meta.batch IS 'One row per distinct delivery (dataset and content); the manifest of the
lake';
COMMENT ON COLUMN meta.batch.source_version IS 'Orders re-statements: ISO 8601 UTC time of the delivery';
CREATE INDEX batch_waiting ON meta.batch (batch_id) WHERE state = 'landed';
CREATE INDEX batch_of_dataset ON meta.batch (dataset, logical_date, source_version);

CREATE TABLE meta.delivery (
    delivery_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset text NOT NULL,
    batch_id bigint REFERENCES meta.batch,
    outcome text NOT NULL CHECK (outcome IN ('landed', 'duplicate', 'refused')),
    source_name text NOT NULL,
    source_version text,
    etag text,
    bytes bigint,
    reason text,
    delivered_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT refused_without_batch CHECK ((outcome = 'refused') = (batch_id IS NULL)),
    CONSTRAINT refused_with_reason CHECK (outcome <> 'refused' OR reason IS NOT NULL)
);
COMMENT ON TABLE meta.delivery IS 'One row per arrival, duplicates and refused ones too';
CREATE INDEX delivery_seen ON meta.delivery (dataset, source_name, etag);

CREATE TABLE meta.watermark (
    dataset text NOT NULL,
    name text NOT NULL,
    value text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dataset, name)
);
COMMENT ON TABLE meta.watermark IS 'One row per connector cursor: ETag, Last-Modified';

CREATE TABLE meta.gate_result (
    gate_result_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id bigint NOT NULL REFERENCES meta.batch,
    rule_id text NOT NULL,
    rule_kind text NOT NULL,
    column_name text,
    card text CHECK (card IN ('yellow', 'red')),
    unexpected_rows bigint,
    evaluated_rows bigint,
    detail jsonb NOT NULL DEFAULT '{}',
    gated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE meta.gate_result IS 'One row per rule and gate run of a batch; card is null when the rule
passed';
CREATE INDEX gate_result_of_batch ON meta.gate_result (batch_id);

CREATE TABLE meta.batch_decision (
    batch_id bigint PRIMARY KEY REFERENCES meta.batch,
    decision text NOT NULL CHECK (decision IN ('release', 'refuse')),
    decided_by text NOT NULL CHECK (decided_by <> ''),
    decided_at timestamptz NOT NULL DEFAULT now(),
    note text NOT NULL DEFAULT ''
);
COMMENT ON TABLE meta.batch_decision IS 'One row per held batch that a person decided on; never changed
afterwards';

CREATE TABLE quarantine.rejected_row (
    batch_id bigint NOT NULL REFERENCES meta.batch,
    line bigint NOT NULL,
    dataset text NOT NULL,
    object_key text NOT NULL,
    reasons text[] NOT NULL CHECK (cardinality(reasons) > 0),
    record jsonb NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (batch_id, line)
);
COMMENT ON TABLE quarantine.rejected_row IS 'One row per row kept out by the gate: where it stood, why, and
the record as delivered';
CREATE INDEX rejected_row_of_dataset ON quarantine.rejected_row (dataset, quarantined_at);
"""

# GB 32100-2015: 18 characters of 0-9 A-Z without I O S V Z; the weighted sum (weights 3^n mod 31, the check
# character's is 1)
# is a multiple of 31. One inlinable expression: a table of a million codes is checked in seconds.
USCC_WEIGHTS = [pow(3, position, 31) for position in range(17)] + [1]
USCC_SUM = " + ".join(
    f"{weight} * (strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, {position}, 1)) - 1)"
    for position, weight in enumerate(USCC_WEIGHTS, start=1)
)
USCC = f"""
CREATE FUNCTION meta.uscc_is_valid(code text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN code ~ '^[0-9A-HJ-NPQRTUWXY]{{18}}$' AND ({USCC_SUM}) % 31 = 0;
COMMENT ON FUNCTION meta.uscc_is_valid(text) IS
    'Is the text a unified social credit code (GB 32100-2015) with a right check character; null for null';
"""

# The manifest changes by the loader's hand; what happened and what people decided is only ever added.
GRANTS = """
GRANT USAGE ON SCHEMA meta, raw, quarantine TO citybrain_loader, citybrain_transformer;
GRANT USAGE, CREATE ON SCHEMA stage TO citybrain_loader;
REVOKE ALL ON ALL TABLES IN SCHEMA meta, quarantine FROM citybrain_loader, citybrain_transformer;
GRANT SELECT, INSERT, UPDATE ON meta.batch, meta.watermark TO citybrain_loader;
GRANT SELECT, INSERT ON meta.delivery, meta.gate_result, meta.batch_decision, quarantine.rejected_row TO
citybrain_loader;
GRANT SELECT ON meta.batch, meta.delivery, meta.gate_result, meta.batch_decision, meta.watermark,
quarantine.rejected_row
    TO citybrain_transformer;
ALTER DEFAULT PRIVILEGES IN SCHEMA raw GRANT SELECT, INSERT ON TABLES TO citybrain_loader;
ALTER DEFAULT PRIVILEGES IN SCHEMA raw GRANT SELECT ON TABLES TO citybrain_transformer;
REVOKE EXECUTE ON FUNCTION meta.uscc_is_valid(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION meta.uscc_is_valid(text) TO citybrain_loader, citybrain_transformer;
"""


def upgrade() -> None:
    for part in (SCHEMAS, MANIFEST, USCC, GRANTS):
        op.execute(part)
