import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("grants", "0002_rules"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PaymentReceipt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("paid", models.BooleanField(verbose_name="已入账")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="金额（元）")),
                ("reference", models.CharField(max_length=64, unique=True, verbose_name="流水号")),
                ("booked_on", models.DateField(verbose_name="日期")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="失败原因")),
                ("sha256", models.CharField(max_length=64, verbose_name="回单文件 SHA-256")),
                ("received_at", models.DateTimeField(auto_now_add=True, verbose_name="导入时间")),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="receipts",
                        to="grants.grantline",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                    ),
                ),
                (
                    "payment_file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="receipts",
                        to="grants.paymentfile",
                    ),
                ),
                (
                    "received_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "拨付回单",
                "verbose_name_plural": "拨付回单",
                "db_table": "payment_receipt",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("line"), condition=models.Q(("paid", True)), name="payment_receipt_paid_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="payment_receipt_amount"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("paid", True), ("reason", "")),
                            models.Q(("paid", False), models.Q(("reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="payment_receipt_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Recovery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="应追回（元）")),
                ("reason", models.CharField(max_length=500, verbose_name="原因")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "追回中"), ("recovered", "已追回"), ("dropped", "不再追回")],
                        default="open",
                        max_length=9,
                        verbose_name="状态",
                    ),
                ),
                ("opened_at", models.DateTimeField(auto_now_add=True, verbose_name="提出时间")),
                ("answer", models.CharField(blank=True, max_length=500, verbose_name="办结说明")),
                ("settled_at", models.DateTimeField(null=True, verbose_name="办结时间")),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recoveries",
                        to="grants.grantline",
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                    ),
                ),
                (
                    "settled_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "追回",
                "verbose_name_plural": "追回",
                "db_table": "grant_recovery",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("line"),
                        condition=models.Q(("state", "open")),
                        name="grant_recovery_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)), name="grant_recovery_amount"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("settled_by__isnull", True), ("state", "open")),
                            models.Q(
                                models.Q(("state", "open"), _negated=True),
                                ("settled_by__isnull", False),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="grant_recovery_settled_by_a_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("opened_by", models.F("settled_by")), _negated=True),
                        name="grant_recovery_four_eyes",
                    ),
                ],
            },
        ),
    ]
