"""Schemas of the services that people and machines work in, and the ledger: an append-only chain."""

from alembic import op

revision = "0005"
down_revision = "0004"

SCHEMAS = """
CREATE SCHEMA IF NOT EXISTS ops;
CREATE SCHEMA IF NOT EXISTS policy;
CREATE SCHEMA IF NOT EXISTS vision;
CREATE SCHEMA IF NOT EXISTS ledger;
COMMENT ON SCHEMA ops IS 'accounts, cases, grants: what people decide, under row security';
COMMENT ON SCHEMA policy IS 'policy items, match runs and their results';
COMMENT ON SCHEMA vision IS 'patrol rounds, objects seen over rounds, re-checks';
COMMENT ON SCHEMA ledger IS 'one append-only chain of hashes over cases, evidence and grants';
GRANT USAGE ON SCHEMA ops TO citybrain_desk, citybrain_transformer, citybrain_watcher;
GRANT USAGE ON SCHEMA policy TO citybrain_matcher, citybrain_desk, citybrain_transformer;
GRANT USAGE ON SCHEMA vision TO citybrain_watcher, citybrain_desk, citybrain_transformer;
GRANT USAGE ON SCHEMA ledger TO citybrain_desk, citybrain_matcher, citybrain_transformer;
ALTER DEFAULT PRIVILEGES IN SCHEMA ops GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO citybrain_desk;
ALTER DEFAULT PRIVILEGES IN SCHEMA ops GRANT USAGE, SELECT ON SEQUENCES TO citybrain_desk;
"""

# The hash covers every field of the entry and the hash before it. jsonb keeps its keys in an order of its
# own, so its text is the same for the same content; the length before the subject keeps it from running into
# the payload.
LEDGER = """
CREATE TABLE ledger.entry (
    entry_id bigint PRIMARY KEY,
    recorded_at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,47}$'),
    subject text NOT NULL CHECK (subject <> ''),
    payload jsonb NOT NULL,
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE ledger.entry IS 'One row per recorded fact; each hash covers the row and the hash before it';
CREATE INDEX entry_of_subject ON ledger.entry (subject, entry_id);

CREATE FUNCTION ledger.entry_hash(
    entry_id bigint, recorded_at timestamptz, kind text, subject text, payload jsonb, previous_hash bytea
) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN sha256(previous_hash || convert_to(
    entry_id || '|' || (extract(epoch FROM recorded_at) * 1000000)::bigint || '|' || kind || '|'
    || length(subject) || '|' || subject || '|' || payload::text, 'UTF8'));

CREATE FUNCTION ledger.append(kind text, subject text, payload jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last ledger.entry;
    next_id bigint;
    moment timestamptz := clock_timestamp();
    before bytea;
BEGIN
    -- One writer at a time until its transaction ends: a chain has no gaps and no forks.
    PERFORM pg_advisory_xact_lock(hashtext('citybrain ledger'));
    SELECT * INTO last FROM ledger.entry ORDER BY entry_id DESC LIMIT 1;
    next_id := coalesce(last.entry_id, 0) + 1;
    before := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
    INSERT INTO ledger.entry VALUES (next_id, moment, append.kind, append.subject, append.payload, before,
        ledger.entry_hash(next_id, moment, append.kind, append.subject, append.payload, before));
    RETURN next_id;
END $$;
COMMENT ON FUNCTION ledger.append(text, text, jsonb) IS
    'Add an entry to the chain and return its number; it holds the chain until the transaction ends';

CREATE FUNCTION ledger.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

REVOKE EXECUTE ON FUNCTION ledger.append(text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.append(text, text, jsonb) TO citybrain_desk, citybrain_matcher;
GRANT SELECT ON ledger.entry TO citybrain_desk, citybrain_transformer;
"""


def upgrade() -> None:
    for part in (SCHEMAS, LEDGER):
        op.execute(part)
