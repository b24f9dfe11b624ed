"""People take steps in their own name: the transaction says who asks (citybrain.user)."""

from django.db import migrations

OWN_NAME = """
CREATE FUNCTION ops.guard_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.actor_id IS DISTINCT FROM nullif(current_setting('citybrain.user', true), '')::bigint
        OR (NEW.actor_id IS NULL AND current_setting('citybrain.scope', true) IS DISTINCT FROM 'system')
    THEN
        RAISE check_violation USING CONSTRAINT = 'transition_own_name',
            MESSAGE = 'a step of a case is taken in the name of who asks';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER own_name BEFORE INSERT ON ops.transition
    FOR EACH ROW EXECUTE FUNCTION ops.guard_transition();
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0002_rules")]

    operations = [migrations.RunSQL(OWN_NAME)]
