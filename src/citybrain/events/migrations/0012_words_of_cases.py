"""Looking cases up by a part of their number, place or title: every pair of letters in a table of its own.

An index on the cases themselves could not be used: row security lets no comparison of texts go before its own
question, and so every case would be read. The pairs say which cases can match; those are then read under the
reader's view and compared. Chinese words often have two characters, which trigrams do not find.
"""

from django.db import migrations

WORDS = """
CREATE FUNCTION ops.letter_pairs(words text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN (
    SELECT coalesce(array_agg(DISTINCT substr(upper(words), place, 2)), '{}')
    FROM generate_series(1, length(words) - 1) AS place
);
CREATE TABLE ops.case_words (
    case_id bigint PRIMARY KEY REFERENCES ops.event_case ON DELETE CASCADE,
    pairs text[] NOT NULL
);
COMMENT ON TABLE ops.case_words IS 'One row per case: the pairs of letters in its number, place and title';
REVOKE INSERT, UPDATE, DELETE ON ops.case_words FROM citybrain_desk;
CREATE FUNCTION ops.keep_case_words() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO ops.case_words VALUES (NEW.id,
        ops.letter_pairs(NEW.number || chr(10) || NEW.place_name || chr(10) || NEW.title))
    ON CONFLICT (case_id) DO UPDATE SET pairs = excluded.pairs;
    RETURN NULL;
END $$;
CREATE TRIGGER new_words AFTER INSERT ON ops.event_case
    FOR EACH ROW EXECUTE FUNCTION ops.keep_case_words();
CREATE TRIGGER other_words AFTER UPDATE OF number, place_name, title ON ops.event_case
    FOR EACH ROW WHEN ((OLD.number, OLD.place_name, OLD.title) IS DISTINCT FROM
        (NEW.number, NEW.place_name, NEW.title))
    EXECUTE FUNCTION ops.keep_case_words();
"""
# The owner, too, sees cases only in a view; this one ends with the migration.
KNOWN = """
SELECT set_config('citybrain.scope', 'system', true);
INSERT INTO ops.case_words
SELECT id, ops.letter_pairs(number || chr(10) || place_name || chr(10) || title) FROM ops.event_case;
SELECT set_config('citybrain.scope', '', true);
CREATE INDEX case_words_pairs ON ops.case_words USING gin (pairs);
ANALYZE ops.case_words;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0011_messages_by_channel")]

    operations = [migrations.RunSQL(WORDS), migrations.RunSQL(KNOWN)]
