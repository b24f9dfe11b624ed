"""Batches of told cases: which stand, and that nobody changes them."""

from django.db import migrations, models

from citybrain.warehouse.row_scope import row_security

BATCHES = row_security("case_history", "NULL::text", [])
APPEND_ONLY = """
REVOKE UPDATE, DELETE, TRUNCATE ON ops.case_history FROM citybrain_desk;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.case_history
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_change_of_case_history();
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0003_own_name")]

    operations = [
        migrations.CreateModel(
            name="HistoryBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=120, unique=True, verbose_name="批次")),
                ("told_sha256", models.CharField(max_length=64, verbose_name="所述内容 SHA-256")),
                ("sha256", models.CharField(max_length=64, verbose_name="流转记录 SHA-256")),
                ("cases", models.IntegerField(verbose_name="案件数")),
                ("steps", models.IntegerField(verbose_name="流转数")),
                ("clocks", models.IntegerField(verbose_name="时限数")),
                ("as_of", models.DateTimeField(verbose_name="截至时间")),
                ("written_at", models.DateTimeField(verbose_name="写入时间")),
                (
                    "origin",
                    models.CharField(
                        choices=[("synthetic", "合成数据"), ("real", "真实数据")],
                        max_length=9,
                        verbose_name="数据性质",
                    ),
                ),
            ],
            options={
                "verbose_name": "历史案件批次",
                "verbose_name_plural": "历史案件批次",
                "db_table": "case_history",
                "ordering": ["id"],
            },
        ),
        migrations.AddConstraint(
            model_name="historybatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("origin__in", ["synthetic", "real"])), name="case_history_origin"
            ),
        ),
        migrations.RunSQL(BATCHES),
        migrations.RunSQL(APPEND_ONLY),
    ]
