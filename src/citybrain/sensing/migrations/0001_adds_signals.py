"""The sensor adds pending signals, and reads of signals and cases what a replay holds its alerts against."""

from django.db import migrations

RIGHTS = """
CREATE POLICY sensor_adds ON ops.signal FOR INSERT TO citybrain_sensor
    WITH CHECK (state = 'pending' AND case_id IS NULL AND reporter_id IS NULL);
CREATE POLICY sensor_reads ON ops.signal FOR SELECT TO citybrain_sensor USING (true);
CREATE POLICY sensor_reads ON ops.event_case FOR SELECT TO citybrain_sensor USING (true);
GRANT INSERT (key, scenario, class_code, kind, source_kind, source_id, zone, place_id, place_name, area_code,
    lon, lat, observed_at, score, evidence, detail, model, origin) ON ops.signal TO citybrain_sensor;
GRANT SELECT (key, case_id) ON ops.signal TO citybrain_sensor;
GRANT SELECT (id, state) ON ops.event_case TO citybrain_sensor;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0002_rules")]  # noqa: RUF012 - as Django wants it
    operations = [migrations.RunSQL(RIGHTS)]  # noqa: RUF012
