"""The words of new cases are kept for a statement's cases at once: a year of told cases is one statement a
day, and a row at a time took a third longer.
"""

from django.db import migrations

SET_BY_SET = """
CREATE FUNCTION ops.keep_words_of_new_cases() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO ops.case_words
    SELECT id, ops.letter_pairs(number || chr(10) || place_name || chr(10) || title) FROM new_cases;
    RETURN NULL;
END $$;
DROP TRIGGER new_words ON ops.event_case;
CREATE TRIGGER new_words AFTER INSERT ON ops.event_case REFERENCING NEW TABLE AS new_cases
    FOR EACH STATEMENT EXECUTE FUNCTION ops.keep_words_of_new_cases();
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0015_quick_in_a_burst")]

    operations = [migrations.RunSQL(SET_BY_SET)]
