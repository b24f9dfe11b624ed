"""Photos with what people write on a case: evidence of a kind of its own, tied to its message for good."""

from django.db import migrations, models

# Seen with its message, and so with its case; a message carries photos of its own case only.
PICTURES = """
ALTER TABLE ops.case_message_picture ENABLE ROW LEVEL SECURITY;
ALTER TABLE ops.case_message_picture FORCE ROW LEVEL SECURITY;
CREATE POLICY desk_scope ON ops.case_message_picture TO citybrain_desk, citybrain_owner
    USING (EXISTS (SELECT FROM ops.case_message m WHERE m.id = case_message_picture.casemessage_id))
    WITH CHECK (EXISTS (
        SELECT FROM ops.case_message m JOIN ops.evidence e ON e.case_id = m.case_id
        WHERE m.id = case_message_picture.casemessage_id AND e.id = case_message_picture.evidence_id
            AND e.kind = 'message'
    ));
REVOKE UPDATE, DELETE, TRUNCATE ON ops.case_message_picture FROM citybrain_desk;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.case_message_picture
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change_of_case_history();
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0009_messages")]

    operations = [
        migrations.AlterField(
            model_name="evidence",
            name="kind",
            field=models.CharField(
                choices=[
                    ("near", "近景"),
                    ("before", "处置前"),
                    ("after", "处置后"),
                    ("reference", "参照"),
                    ("recheck", "复核"),
                    ("message", "留言照片"),
                ],
                max_length=12,
                verbose_name="种类",
            ),
        ),
        migrations.AddField(
            model_name="casemessage",
            name="pictures",
            field=models.ManyToManyField(
                db_table="case_message_picture",
                related_name="+",
                to="events.evidence",
                verbose_name="照片",
            ),
        ),
        migrations.RunSQL(PICTURES),
    ]
