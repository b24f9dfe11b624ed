"""Connected systems and their counts."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="System",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(max_length=48, unique=True, verbose_name="编码")),
                ("name", models.CharField(max_length=120, verbose_name="名称")),
                ("key_sha256", models.CharField(max_length=64, unique=True, verbose_name="密钥 SHA-256")),
                ("calls_a_day", models.PositiveIntegerField(default=5000, verbose_name="每日调用上限")),
                ("is_active", models.BooleanField(default=True, verbose_name="启用")),
                ("made_at", models.DateTimeField(auto_now_add=True, verbose_name="登记时间")),
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="system",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="账号",
                    ),
                ),
            ],
            options={
                "verbose_name": "接入系统",
                "verbose_name_plural": "接入系统",
                "db_table": "connected_system",
                "ordering": ["code"],
                "permissions": [("report_from_outside", "从接入系统上报")],
            },
        ),
        migrations.CreateModel(
            name="SystemUse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField(verbose_name="日期")),
                ("capability", models.CharField(max_length=48, verbose_name="能力")),
                ("calls", models.PositiveIntegerField(default=0, verbose_name="调用次数")),
                ("refused", models.PositiveIntegerField(default=0, verbose_name="被拒次数")),
                (
                    "system",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="uses",
                        to="systems.system",
                        verbose_name="系统",
                    ),
                ),
            ],
            options={
                "verbose_name": "调用计量",
                "verbose_name_plural": "调用计量",
                "db_table": "connected_system_use",
                "ordering": ["-day", "system", "capability"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("day"), models.F("system"), models.F("capability"), name="system_use_once"
                    )
                ],
            },
        ),
    ]
