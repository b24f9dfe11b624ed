"""Known bytes that are delivered again count with their newest day and version; batches are judged again."""

from alembic import op

revision = "0010"
down_revision = "0009"

DELIVERIES = """
ALTER TABLE meta.delivery ADD COLUMN logical_date date;
COMMENT ON COLUMN meta.delivery.logical_date IS 'The day this arrival stands for; null when it was refused';
UPDATE meta.delivery AS d SET logical_date =
    CASE d.outcome WHEN 'landed' THEN b.logical_date
        ELSE (d.delivered_at AT TIME ZONE 'Asia/Shanghai')::date END
FROM meta.batch AS b WHERE b.batch_id = d.batch_id;
CREATE INDEX delivery_of_batch ON meta.delivery (batch_id, delivered_at);
"""

BATCHES = """
ALTER TABLE meta.batch
    ADD COLUMN newest_logical_date date,
    ADD COLUMN newest_version text,
    ADD COLUMN restated_at timestamptz,
    ADD COLUMN revision integer NOT NULL DEFAULT 0 CHECK (revision >= 0),
    ADD CONSTRAINT stated_again_with_day_and_version
        CHECK ((newest_logical_date IS NULL) = (newest_version IS NULL));
COMMENT ON COLUMN meta.batch.newest_logical_date IS
    'Day of the newest delivery of these bytes, when they came again; the batch is ordered by it';
COMMENT ON COLUMN meta.batch.newest_version IS
    'Source version of the newest delivery of these bytes, when they came again; the batch is ordered by it';
COMMENT ON COLUMN meta.batch.restated_at IS
    'When the batch last became current again: its bytes came after those of another batch';
COMMENT ON COLUMN meta.batch.revision IS
    'How often the content of the batch began to count anew: it overtook another batch, or gave more rows';
UPDATE meta.batch AS b SET newest_logical_date = d.logical_date, newest_version = d.source_version
FROM (
    SELECT DISTINCT ON (batch_id) batch_id, logical_date, source_version FROM meta.delivery
    WHERE batch_id IS NOT NULL AND source_version IS NOT NULL
    ORDER BY batch_id, logical_date DESC, source_version DESC
) AS d
WHERE d.batch_id = b.batch_id AND (d.logical_date, d.source_version) > (b.logical_date, b.source_version);
"""

# What was kept out stays on record when a batch is judged again; only what is kept out now counts.
QUARANTINE = """
CREATE TABLE quarantine.past_row (
    LIKE quarantine.rejected_row INCLUDING CONSTRAINTS,
    set_aside_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE quarantine.past_row IS
    'One row per row that an earlier judgement of its batch kept out; the batch was judged again since';
CREATE INDEX past_row_of_batch ON quarantine.past_row (batch_id, line);

CREATE FUNCTION quarantine.set_aside(judged_again bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ''
BEGIN ATOMIC
    INSERT INTO quarantine.past_row
        SELECT r.*, now() FROM quarantine.rejected_row AS r WHERE r.batch_id = judged_again;
    DELETE FROM quarantine.rejected_row AS r WHERE r.batch_id = judged_again;
END;
COMMENT ON FUNCTION quarantine.set_aside(bigint) IS
    'Moves the quarantined rows of a batch to quarantine.past_row, before its new judgement writes its own';
"""

GRANTS = """
REVOKE ALL ON quarantine.past_row FROM citybrain_loader, citybrain_transformer;
GRANT SELECT ON quarantine.past_row TO citybrain_loader, citybrain_transformer;
REVOKE EXECUTE ON FUNCTION quarantine.set_aside(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION quarantine.set_aside(bigint) TO citybrain_loader;
"""


def upgrade() -> None:
    for part in (DELIVERIES, BATCHES, QUARANTINE, GRANTS):
        op.execute(part)
