"""Editions nobody edits, addresses nobody but the platform reads, hashes of signals, whose time a clock is."""

from django.db import migrations

EDITIONS = """
REVOKE UPDATE, DELETE, TRUNCATE ON ops.case_class_edition FROM citybrain_desk;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.case_class_edition
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change_of_case_history();
GRANT SELECT ON ops.case_class_edition TO citybrain_transformer;
"""


def _for_the_platform(table: str) -> str:
    """Addresses may hold secrets: only the platform's own work sees them."""
    alone = "current_setting('citybrain.scope', true) = 'system'"
    return f"""
        ALTER TABLE ops.{table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE ops.{table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY platform_alone ON ops.{table} TO citybrain_desk, citybrain_owner
            USING ({alone}) WITH CHECK ({alone});
    """


# A warden is a code of a register; whoever sees a case sees who was woken about it.
WARDENS = """
ALTER TABLE ops.warden ENABLE ROW LEVEL SECURITY;
ALTER TABLE ops.warden FORCE ROW LEVEL SECURITY;
CREATE POLICY desk_reads ON ops.warden FOR SELECT TO citybrain_desk, citybrain_owner USING (true);
CREATE POLICY platform_writes ON ops.warden TO citybrain_desk, citybrain_owner
    USING (current_setting('citybrain.scope', true) = 'system')
    WITH CHECK (current_setting('citybrain.scope', true) = 'system');
ALTER TABLE ops.wake_up ENABLE ROW LEVEL SECURITY;
ALTER TABLE ops.wake_up FORCE ROW LEVEL SECURITY;
CREATE POLICY desk_scope ON ops.wake_up TO citybrain_desk, citybrain_owner
    USING (EXISTS (SELECT FROM ops.event_case c WHERE c.id = wake_up.case_id))
    WITH CHECK (EXISTS (SELECT FROM ops.event_case c WHERE c.id = wake_up.case_id));
CREATE POLICY warehouse_reads ON ops.wake_up FOR SELECT TO citybrain_transformer USING (true);
GRANT SELECT ON ops.wake_up TO citybrain_transformer;
REVOKE DELETE, TRUNCATE ON ops.wake_up FROM citybrain_desk;
"""

# What a signal says, whatever became of it: its state and its case are not part of it. Texts carry their
# length, so that none runs into the next one.
HASH = """
CREATE FUNCTION ops.signal_sha256(told ops.signal) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256(convert_to((
    SELECT string_agg(length(part) || ':' || part, '|' ORDER BY place)
    FROM unnest(ARRAY[
        told.key, told.scenario, told.class_code, told.kind, told.source_kind, told.source_id, told.zone,
        told.place_id, told.place_name, told.area_code, coalesce(told.lon::text, ''),
        coalesce(told.lat::text, ''), (extract(epoch FROM told.observed_at) * 1000000)::bigint::text,
        coalesce(told.score::text, ''), told.evidence::text, told.detail::text, told.model, told.origin
    ]) WITH ORDINALITY AS parts (part, place)), 'UTF8'));
COMMENT ON FUNCTION ops.signal_sha256(ops.signal) IS 'SHA-256 of everything a signal says, as the ledger keeps it';
"""

CLOCKS = """
SELECT set_config('citybrain.scope', 'system', true);
UPDATE ops.clock SET handler_id = c.handler_id
FROM ops.event_case c WHERE c.id = clock.case_id AND clock.state <> 'stopped';
"""

# The platform sees every case, so its own rows need no look at the case each: most rows are the platform's.
_SEES_ALL = "coalesce(current_setting('citybrain.scope', true) = 'system', false)"


def _seen_with_its_case(table: str) -> str:
    visible = f"({_SEES_ALL} OR EXISTS (SELECT FROM ops.event_case c WHERE c.id = {table}.case_id))"
    return f"ALTER POLICY desk_scope ON ops.{table} USING ({visible}) WITH CHECK ({visible});"


WAREHOUSE = """
GRANT SELECT (reopened_count, extended_count, petition, forced, exempt, satisfaction)
    ON ops.event_case TO citybrain_transformer;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0005_life_cycle")]

    operations = [
        migrations.RunSQL(part)
        for part in (
            EDITIONS,
            _for_the_platform("notify_target"),
            WARDENS,
            HASH,
            CLOCKS,
            *(_seen_with_its_case(table) for table in ("transition", "evidence", "clock", "wake_up")),
            WAREHOUSE,
        )
    ]
