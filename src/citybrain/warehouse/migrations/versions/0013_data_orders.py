"""Data work orders of the owner departments, identifiers of datasets, and the size of every table."""

from alembic import op

revision = "0013"
down_revision = "0012"

CATALOGUE = """
ALTER TABLE meta.dataset
    ADD COLUMN identifier text,
    ADD COLUMN columns_described integer;
COMMENT ON COLUMN meta.dataset.identifier IS 'Data identifier of GB/T 36625.2; null until the next build';
"""

ORDERS = """
CREATE TABLE meta.data_order (
    data_order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset text NOT NULL,
    rule_id text NOT NULL,
    rule_kind text NOT NULL,
    card text NOT NULL CHECK (card IN ('yellow', 'red')),
    opened_at timestamptz NOT NULL DEFAULT now(),
    opened_by_batch bigint NOT NULL REFERENCES meta.batch,
    last_batch bigint NOT NULL REFERENCES meta.batch,
    unexpected_rows bigint,
    evaluated_rows bigint,
    closed_at timestamptz,
    closed_by_batch bigint REFERENCES meta.batch,
    CONSTRAINT closed_by_a_batch CHECK ((closed_at IS NULL) = (closed_by_batch IS NULL))
);
CREATE UNIQUE INDEX one_open_order_a_rule ON meta.data_order (dataset, rule_id) WHERE closed_at IS NULL;
COMMENT ON TABLE meta.data_order IS
    'One row per rule that deliveries of a dataset broke, from the first to the delivery that kept it again: '
    'the work of the owner department';
GRANT SELECT, INSERT, UPDATE ON meta.data_order TO citybrain_loader;
GRANT SELECT ON meta.data_order TO citybrain_transformer;
"""

TABLES = """
CREATE VIEW meta.warehouse_table WITH (security_invoker = true) AS
SELECT n.nspname::text AS schema_name, c.relname::text AS table_name,
    greatest(c.reltuples, 0)::bigint AS rows_estimated, pg_total_relation_size(c.oid) AS bytes
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('raw', 'marts') AND c.relkind IN ('r', 'p');
COMMENT ON VIEW meta.warehouse_table IS 'One row per table of raw and marts, with its bytes on disk';
GRANT SELECT ON meta.warehouse_table TO citybrain_transformer;
"""


def upgrade() -> None:
    for part in (CATALOGUE, ORDERS, TABLES):
        op.execute(part)
