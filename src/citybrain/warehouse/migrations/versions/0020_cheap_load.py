"""What a load pays for each row: raw tables give their unique index for a block range index, and a credit
code is checked in half the time."""

from alembic import op

revision = "0020"
down_revision = "0019"

# A batch is loaded once because its row of the manifest goes from landed to loaded in the same
# transaction, under a lock; its rows then stand together, in the order of batches.
RAW_INDEXES = """
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT c.conrelid::regclass AS raw_table, c.conname AS unique_index
        FROM pg_constraint AS c JOIN pg_class AS t ON t.oid = c.conrelid
        WHERE t.relnamespace = 'raw'::regnamespace AND c.contype = 'p'
            AND (
                SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute AS a
                WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
            ) = ARRAY['_batch_id', '_line']
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.raw_table, found.unique_index);
        EXECUTE format(
            'CREATE INDEX ON %s USING brin (_batch_id, _line)'
            ' WITH (pages_per_range = 32, autosummarize = on)', found.raw_table
        );
    END LOOP;
END;
$$;
"""

# GB 32100-2015: 18 characters of 0-9 A-Z without I O S V Z; the weighted sum (weights 3^n mod 31, the check
# character's is 1) is a multiple of 31. One inlinable expression without a pattern: the value of a character
# stands in an array by its byte, from 0 (48) on; a byte without a value makes the sum null. A backslash is
# told first, since the cast to bytea reads it.
CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # pragma: allowlist secret
VALUES = ",".join(
    str(CHARACTERS.index(chr(code))) if chr(code) in CHARACTERS else "NULL"
    for code in range(ord("0"), ord("Y") + 1)
)
WEIGHTS = [pow(3, position, 31) for position in range(17)] + [1]
SUM = " + ".join(
    f"{weight} * ('{{{VALUES}}}'::integer[])[get_byte(code::bytea, {position}) - 47]"
    for position, weight in enumerate(WEIGHTS)
)
USCC = f"""
CREATE OR REPLACE FUNCTION meta.uscc_is_valid(code text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN code IS NULL THEN NULL
    WHEN octet_length(code) <> 18 OR strpos(code, E'\\\\') > 0 THEN false
    ELSE coalesce(({SUM}) % 31 = 0, false)
END;
"""


def upgrade() -> None:
    for part in (RAW_INDEXES, USCC):
        op.execute(part)
