"""Raw rows no longer repeat what their batch says of them: the object and the version stand in meta.batch.

Rows loaded before keep theirs in columns that nobody reads any more; rows loaded from now on leave them
empty.
"""

from alembic import op

revision = "0026"
down_revision = "0025"

REPEATED = """
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT a.attrelid::regclass AS raw_table, a.attname AS repeated
        FROM pg_attribute AS a JOIN pg_class AS t ON t.oid = a.attrelid
        WHERE t.relnamespace = 'raw'::regnamespace AND t.relkind = 'r'
            AND a.attname IN ('_object_key', '_source_version') AND a.attnotnull
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', found.raw_table, found.repeated);
    END LOOP;
END;
$$;
"""


def upgrade() -> None:
    op.execute(REPEATED)
