"""Policies as published, the runs that matched them, and what each run found for each enterprise."""

from alembic import op

revision = "0006"
down_revision = "0005"

RULES = """
CREATE TABLE policy.document (
    document_id text PRIMARY KEY,
    title text NOT NULL,
    number text,
    issuer text,
    department text NOT NULL,
    published_on date,
    uri text NOT NULL,
    origin text NOT NULL CHECK (origin IN ('real', 'synthetic')),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE policy.document IS 'One row per policy document of policies/';
COMMENT ON COLUMN policy.document.origin IS
    'real: restated from a public page, to be checked with its department; synthetic: made for the demo city';
COMMENT ON COLUMN policy.document.number IS 'Document number; null when nobody has confirmed it';

CREATE TABLE policy.item (
    item_id text PRIMARY KEY,
    document_id text NOT NULL REFERENCES policy.document,
    title text NOT NULL,
    department text NOT NULL,
    department_zh text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('auto', 'confirm', 'apply')),
    origin text NOT NULL CHECK (origin IN ('real', 'synthetic')),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE policy.item IS 'One row per thing that may be granted; a document has one or more';
COMMENT ON COLUMN policy.item.channel IS
    'auto: granted without asking; confirm: the enterprise confirms; apply: it must hand something in';

CREATE TABLE policy.item_version (
    item_version_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id text NOT NULL REFERENCES policy.item,
    valid_from date NOT NULL,
    valid_to date,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    definition jsonb NOT NULL,
    clause text NOT NULL,
    source_url text NOT NULL,
    amount_words text NOT NULL,
    payable boolean NOT NULL,
    unconfirmed text[] NOT NULL DEFAULT '{}',
    exclusion_group text,
    exclusion_rule text CHECK (exclusion_rule IN ('highest_wins', 'once_per_year')),
    fund_id text,
    fund_amount numeric(18, 2) CHECK (fund_amount >= 0),
    review jsonb NOT NULL,
    recheck_before_pay text[] NOT NULL DEFAULT '{}',
    published_at timestamptz NOT NULL DEFAULT now(),
    withdrawn_at timestamptz,
    CONSTRAINT valid_in_order CHECK (valid_to >= valid_from),
    CONSTRAINT payable_when_confirmed CHECK (payable = (cardinality(unconfirmed) = 0)),
    CONSTRAINT group_with_rule CHECK ((exclusion_group IS NULL) = (exclusion_rule IS NULL))
);
CREATE UNIQUE INDEX item_version_in_force ON policy.item_version (item_id, valid_from)
    WHERE withdrawn_at IS NULL;
COMMENT ON TABLE policy.item_version IS
    'One row per published version of an item; a changed file adds a row and withdraws the older one';
COMMENT ON COLUMN policy.item_version.valid_to IS 'Last day it holds, included; null while no end is known';
COMMENT ON COLUMN policy.item_version.definition IS 'The version and the facts it names, as published';
COMMENT ON COLUMN policy.item_version.payable IS
    'False while a number of it is unconfirmed: nobody is eligible';

CREATE TABLE policy.criterion (
    item_version_id bigint NOT NULL REFERENCES policy.item_version,
    bit smallint NOT NULL CHECK (bit BETWEEN 0 AND 62),
    criterion_id text NOT NULL,
    label text NOT NULL,
    sentence text NOT NULL,
    fact text,
    fact_label text,
    source_department text,
    gate boolean NOT NULL,
    PRIMARY KEY (item_version_id, bit),
    UNIQUE (item_version_id, criterion_id)
);
COMMENT ON TABLE policy.criterion IS 'One row per bit of the masks in match_result: what that bit asks for';
COMMENT ON COLUMN policy.criterion.sentence IS 'The condition as an officer reads it, bounds spelt out';
COMMENT ON COLUMN policy.criterion.gate IS 'An enterprise cannot work towards it (its county, its industry)';
COMMENT ON COLUMN policy.criterion.fact IS 'Key of the facts catalogue; null for the amount''s own bit';
"""

RUNS = """
CREATE TABLE policy.match_run (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    as_of date NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    rules_sha256 text NOT NULL CHECK (rules_sha256 ~ '^[0-9a-f]{64}$'),
    sql_sha256 text NOT NULL CHECK (sql_sha256 ~ '^[0-9a-f]{64}$'),
    facts_sha256 text NOT NULL CHECK (facts_sha256 ~ '^[0-9a-f]{64}$'),
    facts_object_key text NOT NULL,
    facts_as_of timestamptz,
    awards_seen bigint NOT NULL,
    code_version text NOT NULL,
    items integer NOT NULL CHECK (items >= 0),
    enterprises integer NOT NULL CHECK (enterprises >= 0),
    eligible bigint NOT NULL,
    needs_data bigint NOT NULL,
    near bigint NOT NULL,
    firms_found integer NOT NULL,
    yuan_proposed numeric(18, 2) NOT NULL
);
COMMENT ON TABLE policy.match_run IS
    'One row per matching of all items in force; written with its results in one transaction, or not at all';
COMMENT ON COLUMN policy.match_run.facts_sha256 IS 'Of the facts table as CSV, kept in the lake';
COMMENT ON COLUMN policy.match_run.awards_seen IS 'Rows of policy.award that the exclusions looked at';

CREATE TABLE policy.match_run_item (
    run_id bigint NOT NULL REFERENCES policy.match_run,
    item_version_id bigint NOT NULL REFERENCES policy.item_version,
    sql_sha256 text NOT NULL CHECK (sql_sha256 ~ '^[0-9a-f]{64}$'),
    sql_text text NOT NULL,
    eligible integer NOT NULL,
    needs_data integer NOT NULL,
    near integer NOT NULL,
    seconds double precision NOT NULL,
    PRIMARY KEY (run_id, item_version_id)
);
COMMENT ON TABLE policy.match_run_item IS 'One row per item version of a run, with the statement it ran';

CREATE TABLE policy.match_result (
    run_id bigint NOT NULL REFERENCES policy.match_run DEFERRABLE INITIALLY DEFERRED,
    item_version_id bigint NOT NULL REFERENCES policy.item_version,
    uscc text NOT NULL,
    enterprise_name text,
    county_code text,
    status text NOT NULL CHECK (status IN ('eligible', 'needs_data', 'near')),
    unmet_mask bigint NOT NULL,
    unknown_mask bigint NOT NULL,
    distance smallint NOT NULL CHECK (distance >= 0),
    amount numeric(18, 2),
    facts jsonb,
    PRIMARY KEY (run_id, item_version_id, uscc),
    CONSTRAINT missing_never_pays CHECK (status <> 'eligible' OR amount > 0),
    CONSTRAINT facts_of_eligible CHECK ((status = 'eligible') = (facts IS NOT NULL))
);
CREATE INDEX match_result_of_enterprise ON policy.match_result (uscc, run_id);
COMMENT ON TABLE policy.match_result IS
    'One row per enterprise and item version: eligible, lacking data or near; ineligible ones are left out';
COMMENT ON COLUMN policy.match_result.unmet_mask IS 'Bits (policy.criterion) that are not met';
COMMENT ON COLUMN policy.match_result.unknown_mask IS 'Bits that nobody can judge: a fact is missing';
COMMENT ON COLUMN policy.match_result.distance IS 'Fewest criteria to change, unknown ones counted as unmet';
COMMENT ON COLUMN policy.match_result.amount IS 'Yuan before exclusion and budget';

CREATE TABLE policy.proposal (
    run_id bigint NOT NULL REFERENCES policy.match_run DEFERRABLE INITIALLY DEFERRED,
    item_version_id bigint NOT NULL REFERENCES policy.item_version,
    uscc text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('pay', 'excluded', 'unfunded')),
    amount numeric(18, 2) NOT NULL CHECK (amount > 0),
    rank integer NOT NULL,
    reason text,
    excluded_by bigint REFERENCES policy.item_version,
    PRIMARY KEY (run_id, item_version_id, uscc),
    FOREIGN KEY (run_id, item_version_id, uscc) REFERENCES policy.match_result DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT reason_unless_paid CHECK ((outcome = 'pay') = (reason IS NULL))
);
COMMENT ON TABLE policy.proposal IS
    'One row per eligible line after exclusion and budget: pay, or why not. People decide on it in the desk';

CREATE TABLE policy.award (
    award_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES policy.match_run,
    item_version_id bigint NOT NULL REFERENCES policy.item_version,
    item_id text NOT NULL REFERENCES policy.item,
    uscc text NOT NULL,
    exclusion_group text,
    period_year integer NOT NULL,
    amount numeric(18, 2) NOT NULL CHECK (amount > 0),
    awarded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (item_id, uscc, period_year)
);
CREATE INDEX award_in_group ON policy.award (exclusion_group, uscc, period_year);
COMMENT ON TABLE policy.award IS
    'One row per grant that officers decided to pay; later runs exclude what was paid already';
"""

SUMMARY = """
CREATE VIEW policy.latest_run WITH (security_invoker = true) AS
SELECT run_id, as_of, finished_at, items, enterprises, eligible, needs_data, near, firms_found, yuan_proposed
FROM policy.match_run ORDER BY run_id DESC LIMIT 1;
COMMENT ON VIEW policy.latest_run IS 'The newest run in figures: items matched, firms found, yuan proposed';
"""

GRANTS = """
GRANT SELECT ON ALL TABLES IN SCHEMA policy TO citybrain_matcher, citybrain_desk, citybrain_transformer;
GRANT INSERT ON policy.match_run, policy.match_run_item, policy.match_result, policy.proposal
    TO citybrain_matcher;
GRANT INSERT ON policy.award TO citybrain_desk;
"""


def upgrade() -> None:
    for part in (RULES, RUNS, SUMMARY, GRANTS):
        op.execute(part)
