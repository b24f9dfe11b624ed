"""What was read in hotline tickets: class of demand, community, tickets of one matter, masked summary."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE meta.ticket_reading (
            ticket_no text PRIMARY KEY,
            received_at timestamptz NOT NULL,
            demand_class text NOT NULL,
            demand_class_zh text NOT NULL,
            matter text NOT NULL,
            matter_zh text NOT NULL,
            lead_department text NOT NULL,
            chance double precision NOT NULL CHECK (chance BETWEEN 0 AND 1),
            village_code text CHECK (village_code ~ '^[0-9]{12}$'),
            named_place text NOT NULL DEFAULT '',
            place_how text NOT NULL CHECK (place_how IN ('exact', 'sound', 'typo', 'undecided')),
            place_score double precision NOT NULL,
            group_ticket_no text NOT NULL,
            summary text NOT NULL,
            text_md5 text NOT NULL CHECK (text_md5 ~ '^[0-9a-f]{32}$'),
            reader_version text NOT NULL,
            read_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT place_when_decided CHECK ((place_how = 'undecided') = (village_code IS NULL))
        );
        CREATE INDEX ticket_reading_of_village ON meta.ticket_reading (village_code, received_at);
        COMMENT ON TABLE meta.ticket_reading IS
            'One row per hotline ticket as the reader understands it; of the words only the masked summary';
        COMMENT ON COLUMN meta.ticket_reading.chance IS 'Of the class of demand, as the model sees it';
        COMMENT ON COLUMN meta.ticket_reading.village_code IS
            'Null when the words fit several communities or none';
        COMMENT ON COLUMN meta.ticket_reading.group_ticket_no IS
            'The first ticket about the same matter at the same place and time';
        COMMENT ON COLUMN meta.ticket_reading.text_md5 IS
            'Of the text and the county on the form: a ticket is read again when they changed';
        CREATE TABLE meta.ticket_reading_batch (
            batch_id bigint PRIMARY KEY REFERENCES meta.batch ON DELETE CASCADE,
            reader_version text NOT NULL,
            read_at timestamptz NOT NULL DEFAULT now()
        );
        COMMENT ON TABLE meta.ticket_reading_batch IS
            'One row per batch of tickets that was read, and by which version';
        REVOKE ALL ON meta.ticket_reading, meta.ticket_reading_batch FROM citybrain_loader;
        GRANT SELECT, INSERT, UPDATE, DELETE ON meta.ticket_reading, meta.ticket_reading_batch
            TO citybrain_loader;
        GRANT SELECT ON meta.ticket_reading TO citybrain_transformer;
    """)
