"""Who sees which rows, what nobody changes, how a watcher adds signals, what dbt reads."""

from django.db import migrations

from citybrain.warehouse.row_scope import row_security

NUMBERS = """
CREATE SEQUENCE ops.case_number;
GRANT USAGE ON SEQUENCE ops.case_number TO citybrain_desk;
"""

CASES = row_security("event_case", "area_code", ["lead_id", "handler_id", "reporter_organisation_id"])
NOTIFICATIONS = row_security("notification", "NULL::text", ["organisation_id"])
DEVICES = row_security("device_health", "area_code", [])


def _with_its_case(table: str) -> str:
    """Row security of what belongs to a case: seen with it, since the case's own policy holds in the query."""
    visible = f"EXISTS (SELECT FROM ops.event_case c WHERE c.id = {table}.case_id)"
    return f"""
        ALTER TABLE ops.{table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE ops.{table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY desk_scope ON ops.{table} TO citybrain_desk, citybrain_owner
            USING ({visible}) WITH CHECK ({visible});
        CREATE POLICY warehouse_reads ON ops.{table} FOR SELECT TO citybrain_transformer USING (true);
        GRANT SELECT ON ops.{table} TO citybrain_transformer;
    """


# A signal is seen by its area, by whoever reported it, and with its case. A watcher adds pending signals and
# reads back nothing but keys, which `ON CONFLICT (key)` needs.
SIGNALS = """
ALTER TABLE ops.signal ENABLE ROW LEVEL SECURITY;
ALTER TABLE ops.signal FORCE ROW LEVEL SECURITY;
CREATE POLICY desk_scope ON ops.signal TO citybrain_desk, citybrain_owner
    USING (ops.row_visible(area_code, ARRAY[]::bigint[])
        OR reporter_id = nullif(current_setting('citybrain.user', true), '')::bigint
        OR EXISTS (SELECT FROM ops.event_case c WHERE c.id = signal.case_id))
    WITH CHECK (ops.row_visible(area_code, ARRAY[]::bigint[])
        OR reporter_id = nullif(current_setting('citybrain.user', true), '')::bigint);
CREATE POLICY warehouse_reads ON ops.signal FOR SELECT TO citybrain_transformer USING (true);
CREATE POLICY watcher_adds ON ops.signal FOR INSERT TO citybrain_watcher
    WITH CHECK (state = 'pending' AND case_id IS NULL AND reporter_id IS NULL);
CREATE POLICY watcher_reads_keys ON ops.signal FOR SELECT TO citybrain_watcher USING (true);
GRANT INSERT (key, scenario, class_code, kind, source_kind, source_id, zone, place_id, place_name, area_code,
    lon, lat, observed_at, score, evidence, detail, model, origin) ON ops.signal TO citybrain_watcher;
GRANT SELECT (key) ON ops.signal TO citybrain_watcher;
"""

HISTORY = """
REVOKE UPDATE, DELETE, TRUNCATE ON ops.transition, ops.evidence FROM citybrain_desk;
REVOKE DELETE, TRUNCATE ON ops.event_case, ops.signal, ops.clock, ops.notification, ops.device_health
    FROM citybrain_desk;
CREATE FUNCTION ops.refuse_change_of_case_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.transition
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change_of_case_history();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.evidence
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change_of_case_history();
"""

# dbt reads no person and no text that a person wrote.
WAREHOUSE = """
REVOKE SELECT ON ops.event_case, ops.transition, ops.evidence, ops.notification, ops.device_health
    FROM citybrain_transformer;
GRANT SELECT (id, number, scenario, class_code, class_scheme, class_version, class_big, class_small, title,
    place_id, place_name, area_code, grid_code, lon, lat, source_kind, source_kinds, source_id, zone, state,
    lead_id, handler_id, reporter_organisation_id, urgent, found_at, filed_at, deadline_at, handled_at,
    closed_at, sightings, last_seen_at, cleared_at, rework_count, origin, version)
    ON ops.event_case TO citybrain_transformer;
GRANT SELECT (id, case_id, version, from_state, to_state, action, organisation_id, rules_version, at)
    ON ops.transition TO citybrain_transformer;
GRANT SELECT (id, case_id, signal_id, kind, bucket, object_key, sha256, width, height, taken_at, added_at)
    ON ops.evidence TO citybrain_transformer;
GRANT SELECT (id, case_id, reason, organisation_id, channel, state, attempts, created_at, sent_at)
    ON ops.notification TO citybrain_transformer;
GRANT SELECT (id, source_kind, source_id, place_name, area_code, condition, observed_at)
    ON ops.device_health TO citybrain_transformer;
GRANT SELECT (id, key, scenario, class_code, kind, source_kind, source_id, zone, place_id, place_name,
    area_code, lon, lat, observed_at, received_at, score, model, origin, state, case_id)
    ON ops.signal TO citybrain_transformer;
GRANT SELECT (id, code, kind, name, county_code, area_code, is_active)
    ON ops.organisation TO citybrain_transformer;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0001_initial")]

    operations = [
        migrations.RunSQL(part)
        for part in (
            NUMBERS,
            CASES,
            NOTIFICATIONS,
            DEVICES,
            SIGNALS,
            *(_with_its_case(table) for table in ("transition", "evidence", "clock")),
            HISTORY,
            WAREHOUSE,
        )
    ]
