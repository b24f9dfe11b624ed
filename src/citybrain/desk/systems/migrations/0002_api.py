"""Webhooks, kept answers, how calls went; dbt reads systems and counts, never keys, addresses or secrets."""

import django.db.models.deletion
from django.db import migrations, models

# A view says whose a system is, so that dbt looks at no account.
WAREHOUSE = """
CREATE VIEW ops.connected_system_owner AS
SELECT s.id, s.code, s.name, o.code AS organisation_code, o.name AS organisation_name, s.is_active, s.made_at
FROM ops.connected_system s JOIN ops.person p ON p.id = s.account_id JOIN ops.organisation o ON o.id = p.organisation_id;
COMMENT ON VIEW ops.connected_system_owner IS 'One row per connected system, with the organisation it belongs to';
GRANT SELECT ON ops.connected_system_owner, ops.connected_system_use TO citybrain_transformer;
"""


def _id() -> tuple[str, models.Field]:  # type: ignore[type-arg]
    return "id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [("systems", "0001_initial")]

    operations = [
        migrations.AlterModelOptions(
            "system",
            options={
                "verbose_name": "接入系统",
                "verbose_name_plural": "接入系统",
                "ordering": ["code"],
                "permissions": [("report_from_outside", "从接入系统上报"), ("view_devices", "查看设备台账")],
            },
        ),
        migrations.AddField(
            "systemuse", "failed", models.PositiveIntegerField("失败次数", default=0, db_default=0)
        ),
        migrations.AddField(
            "systemuse", "total_ms", models.BigIntegerField("应答总时长（毫秒）", default=0, db_default=0)
        ),
        migrations.CreateModel(
            name="Webhook",
            fields=[
                _id(),
                ("url", models.CharField(max_length=500, verbose_name="地址")),
                ("events", models.JSONField(default=list, verbose_name="事件")),
                ("sealed_secret", models.TextField(verbose_name="密封的密钥")),
                ("former_sealed", models.TextField(blank=True, default="", verbose_name="密封的前一密钥")),
                ("former_until", models.DateTimeField(null=True, verbose_name="前一密钥有效至")),
                ("is_active", models.BooleanField(default=True, verbose_name="启用")),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="登记时间")),
                (
                    "system",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="webhooks",
                        to="systems.system",
                        verbose_name="系统",
                    ),
                ),
            ],
            options={
                "verbose_name": "事件推送",
                "verbose_name_plural": "事件推送",
                "db_table": "webhook",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                _id(),
                ("key", models.CharField(max_length=64, verbose_name="幂等键")),
                ("asked_sha256", models.CharField(max_length=64, verbose_name="请求 SHA-256")),
                ("status", models.PositiveSmallIntegerField(verbose_name="状态码")),
                ("body", models.TextField(blank=True, default="", verbose_name="应答")),
                ("path", models.CharField(blank=True, default="", max_length=200, verbose_name="位置")),
                ("kept_at", models.DateTimeField(verbose_name="保存时间")),
                (
                    "system",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="systems.system",
                        verbose_name="系统",
                    ),
                ),
            ],
            options={
                "verbose_name": "幂等应答",
                "verbose_name_plural": "幂等应答",
                "db_table": "kept_answer",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(models.F("system"), models.F("key"), name="kept_answer_once")
                ],
            },
        ),
        migrations.RunSQL(WAREHOUSE),
    ]
