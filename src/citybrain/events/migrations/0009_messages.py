"""What people write on a case: seen with the case, in one's own name, never changed; how far each has read."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# dbt reads nothing of it: no mart wants what people write.
MESSAGES = """
ALTER TABLE ops.case_message ENABLE ROW LEVEL SECURITY;
ALTER TABLE ops.case_message FORCE ROW LEVEL SECURITY;
CREATE POLICY desk_scope ON ops.case_message TO citybrain_desk, citybrain_owner
    USING (EXISTS (SELECT FROM ops.event_case c WHERE c.id = case_message.case_id))
    WITH CHECK (EXISTS (SELECT FROM ops.event_case c WHERE c.id = case_message.case_id));
REVOKE UPDATE, DELETE, TRUNCATE ON ops.case_message FROM citybrain_desk;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.case_message
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change_of_case_history();
CREATE FUNCTION ops.guard_case_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.author_id IS DISTINCT FROM nullif(current_setting('citybrain.user', true), '')::bigint THEN
        RAISE check_violation USING CONSTRAINT = 'case_message_own_name',
            MESSAGE = 'a message is written in the name of who asks';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER own_name BEFORE INSERT ON ops.case_message
    FOR EACH ROW EXECUTE FUNCTION ops.guard_case_message();
"""

# How far somebody has read is nobody else's business.
READ_MARKS = """
ALTER TABLE ops.case_read_mark ENABLE ROW LEVEL SECURITY;
ALTER TABLE ops.case_read_mark FORCE ROW LEVEL SECURITY;
CREATE POLICY own_marks ON ops.case_read_mark TO citybrain_desk, citybrain_owner
    USING (person_id = nullif(current_setting('citybrain.user', true), '')::bigint)
    WITH CHECK (person_id = nullif(current_setting('citybrain.user', true), '')::bigint);
REVOKE DELETE, TRUNCATE ON ops.case_read_mark FROM citybrain_desk;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_views_and_wardens"),
        ("events", "0008_resources"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CaseMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("role", models.CharField(max_length=48, verbose_name="岗位")),
                ("text", models.CharField(max_length=1000, verbose_name="内容")),
                ("key", models.CharField(max_length=64, verbose_name="幂等键")),
                ("at", models.DateTimeField(verbose_name="时间")),
                (
                    "author",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="留言人",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="events.case",
                        verbose_name="案件",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="留言单位",
                    ),
                ),
            ],
            options={
                "verbose_name": "案件留言",
                "verbose_name_plural": "案件留言",
                "db_table": "case_message",
                "permissions": [("write_case", "案件留言")],
                "ordering": ["id"],
                "indexes": [models.Index(fields=["case", "id"], name="case_message_case")],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("case"), models.F("author"), models.F("key"), name="case_message_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ReadMark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("message_id", models.BigIntegerField(verbose_name="读到")),
                (
                    "case",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="read_marks",
                        to="events.case",
                        verbose_name="案件",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="人员",
                    ),
                ),
            ],
            options={
                "verbose_name": "已读标记",
                "verbose_name_plural": "已读标记",
                "db_table": "case_read_mark",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(models.F("case"), models.F("person"), name="case_read_mark_once")
                ],
            },
        ),
        migrations.RunSQL(MESSAGES),
        migrations.RunSQL(READ_MARKS),
    ]
