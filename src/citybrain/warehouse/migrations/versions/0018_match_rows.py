"""Results and proposals as rows that hold from one run until another: a run writes only what changed.

`policy.match_result` and `policy.proposal` stay what readers see, one state a run; they are views now.
"""

from alembic import op

revision = "0018"
down_revision = "0017"

ROWS = """
ALTER TABLE policy.proposal RENAME TO proposal_row;
ALTER TABLE policy.proposal_row RENAME COLUMN run_id TO first_run;
ALTER TABLE policy.proposal_row DROP CONSTRAINT proposal_run_id_item_version_id_uscc_fkey;
ALTER TABLE policy.proposal_row DROP CONSTRAINT proposal_run_id_fkey;
ALTER TABLE policy.proposal_row DROP CONSTRAINT proposal_item_version_id_fkey;
ALTER TABLE policy.proposal_row DROP CONSTRAINT proposal_excluded_by_fkey;
ALTER TABLE policy.proposal_row DROP CONSTRAINT proposal_pkey;
ALTER TABLE policy.proposal_row ADD PRIMARY KEY (item_version_id, uscc, first_run);
ALTER TABLE policy.proposal_row ADD COLUMN until_run bigint CHECK (until_run > first_run);
UPDATE policy.proposal_row p
SET until_run = (SELECT min(r.run_id) FROM policy.match_run r WHERE r.run_id > p.first_run);

ALTER TABLE policy.match_result RENAME TO match_row;
ALTER TABLE policy.match_row RENAME COLUMN run_id TO first_run;
ALTER TABLE policy.match_row DROP CONSTRAINT match_result_run_id_fkey;
ALTER TABLE policy.match_row DROP CONSTRAINT match_result_item_version_id_fkey;
ALTER TABLE policy.match_row DROP CONSTRAINT match_result_pkey;
ALTER TABLE policy.match_row ADD PRIMARY KEY (item_version_id, uscc, first_run);
DROP INDEX policy.match_result_of_enterprise;
ALTER TABLE policy.match_row ADD COLUMN until_run bigint CHECK (until_run > first_run);
UPDATE policy.match_row m
SET until_run = (SELECT min(r.run_id) FROM policy.match_run r WHERE r.run_id > m.first_run);

COMMENT ON TABLE policy.match_row IS
    'One row per enterprise, item version and stretch of runs: eligible, lacking data or near. One writer '
    'holds the references: checking each of a million rows costs more than finding them';
COMMENT ON COLUMN policy.match_row.first_run IS 'The run that found it';
COMMENT ON COLUMN policy.match_row.until_run IS 'The first run that found otherwise; null while it holds';
COMMENT ON TABLE policy.proposal_row IS
    'One row per eligible line and stretch of runs, after exclusion and budget: pay, or why not';
COMMENT ON COLUMN policy.proposal_row.first_run IS 'The run that proposed it';
COMMENT ON COLUMN policy.proposal_row.until_run IS 'The first run that proposed otherwise; null while so';

CREATE FUNCTION policy.close_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING MESSAGE = format('%s: a row that was closed stays as it is', TG_TABLE_NAME);
END $$;
CREATE TRIGGER close_once BEFORE UPDATE ON policy.match_row FOR EACH ROW
    WHEN (OLD.until_run IS NOT NULL) EXECUTE FUNCTION policy.close_once();
CREATE TRIGGER close_once BEFORE UPDATE ON policy.proposal_row FOR EACH ROW
    WHEN (OLD.until_run IS NOT NULL) EXECUTE FUNCTION policy.close_once();
"""

VIEWS = """
CREATE VIEW policy.match_result WITH (security_invoker = true) AS
SELECT r.run_id, m.item_version_id, m.uscc, m.enterprise_name, m.county_code, m.status, m.unmet_mask,
    m.unknown_mask, m.distance, m.amount, m.facts
FROM policy.match_run r
JOIN policy.match_row m ON m.first_run <= r.run_id AND (m.until_run IS NULL OR m.until_run > r.run_id);
COMMENT ON VIEW policy.match_result IS
    'One row per run, enterprise and item version: eligible, lacking data or near; others are left out';

CREATE VIEW policy.proposal WITH (security_invoker = true) AS
SELECT r.run_id, p.item_version_id, p.uscc, p.outcome, p.amount, p.rank, p.reason, p.excluded_by
FROM policy.match_run r
JOIN policy.proposal_row p ON p.first_run <= r.run_id AND (p.until_run IS NULL OR p.until_run > r.run_id);
COMMENT ON VIEW policy.proposal IS
    'One row per run and eligible line after exclusion and budget: pay, or why not; people decide';
"""

RUNS = """
CREATE TABLE policy.plan (
    sha256 text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    plan jsonb NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE policy.plan IS
    'One row per compiled item version: the SQL of its criteria and of its amount, and how they are combined';

CREATE TABLE policy.publication (
    publication_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    inputs_sha256 text NOT NULL CHECK (inputs_sha256 ~ '^[0-9a-f]{64}$'),
    documents integer NOT NULL,
    items integer NOT NULL,
    versions integer NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE policy.publication IS
    'One row per time the files of policies/ were published; the same files and code are not read again';

ALTER TABLE policy.item_version ADD COLUMN plan_sha256 text REFERENCES policy.plan;
COMMENT ON COLUMN policy.item_version.plan_sha256 IS 'How it is matched now; a run keeps the plan it used';

ALTER TABLE policy.match_run_item ALTER COLUMN sql_text DROP NOT NULL;
COMMENT ON COLUMN policy.match_run_item.sql_sha256 IS 'Of the plan (policy.plan) the run used';
COMMENT ON COLUMN policy.match_run_item.sql_text IS 'Statement of runs before plans were kept; null since';

ALTER TABLE policy.match_run ADD COLUMN kind text NOT NULL DEFAULT 'full'
    CHECK (kind IN ('full', 'incremental'));
ALTER TABLE policy.match_run ADD COLUMN base_run bigint REFERENCES policy.match_run;
ALTER TABLE policy.match_run ADD COLUMN changed_enterprises integer;
ALTER TABLE policy.match_run ADD COLUMN changed_items integer;
ALTER TABLE policy.match_run ADD COLUMN catalogue_sha256 text;
ALTER TABLE policy.match_run ADD COLUMN rows_closed bigint;
ALTER TABLE policy.match_run ADD COLUMN rows_added bigint;
ALTER TABLE policy.match_run ADD CONSTRAINT base_of_incremental
    CHECK ((kind = 'incremental') = (base_run IS NOT NULL));
COMMENT ON COLUMN policy.match_run.kind IS
    'full: everything was matched; incremental: changed enterprises and items, and what time alone changes';
COMMENT ON COLUMN policy.match_run.base_run IS 'The run it continues; its facts object holds what changed';
COMMENT ON COLUMN policy.match_run.facts_sha256 IS 'Of the facts the rules saw, enterprise by enterprise';

CREATE TABLE policy.facts_seen (
    uscc text NOT NULL,
    first_run bigint NOT NULL,
    row_hash bigint,
    PRIMARY KEY (uscc, first_run)
);
COMMENT ON TABLE policy.facts_seen IS
    'One row per enterprise and run that saw other facts of it than the run before; no hash: it was gone';
"""

GRANTS = """
GRANT SELECT ON policy.match_result, policy.proposal, policy.plan, policy.publication
    TO citybrain_matcher, citybrain_desk, citybrain_transformer;
GRANT SELECT, INSERT ON policy.facts_seen TO citybrain_matcher;
GRANT MAINTAIN ON policy.match_row, policy.proposal_row TO citybrain_matcher;  -- ANALYZE after it wrote
GRANT UPDATE (until_run) ON policy.match_row, policy.proposal_row TO citybrain_matcher;
"""


def upgrade() -> None:
    for part in (ROWS, VIEWS, RUNS, GRANTS):
        op.execute(part)
