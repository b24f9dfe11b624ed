"""Who sees every case of the city sees what belongs to it without a look at the case each, as the platform does.

A page of the queue asks about the limits of all open cases: for a dispatcher, half of what it read were those
looks, each of which says yes.
"""

from django.db import migrations

_SEES_ALL = "coalesce(current_setting('citybrain.scope', true) IN ('system', 'city'), false)"
_TABLES = ("transition", "evidence", "clock", "wake_up", "case_message")


def _seen_with_its_case(table: str) -> str:
    visible = f"({_SEES_ALL} OR EXISTS (SELECT FROM ops.event_case c WHERE c.id = {table}.case_id))"
    return f"ALTER POLICY desk_scope ON ops.{table} USING ({visible}) WITH CHECK ({visible});"


class Migration(migrations.Migration):
    dependencies = [("events", "0012_words_of_cases")]

    operations = [migrations.RunSQL(_seen_with_its_case(table)) for table in _TABLES]
