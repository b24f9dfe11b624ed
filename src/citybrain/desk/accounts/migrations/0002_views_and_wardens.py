"""Views that people keep of the queue; who of them is a warden of the register of flood points."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="warden_code",
            field=models.CharField(
                blank=True,
                default="",
                help_text="易涝点登记中的责任人编号；不是责任人的留空",
                max_length=64,
                verbose_name="防汛责任人编号",
            ),
            preserve_default=False,
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=30, verbose_name="名称")),
                ("query", models.CharField(max_length=600, verbose_name="筛选")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="人员",
                    ),
                ),
            ],
            options={
                "verbose_name": "保存的视图",
                "verbose_name_plural": "保存的视图",
                "db_table": "saved_view",
                "ordering": ["name"],
                "constraints": [models.UniqueConstraint("person", "name", name="saved_view_once")],
            },
        ),
    ]
