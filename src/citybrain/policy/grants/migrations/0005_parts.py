"""Parts of lines: what each payer pays of each stage. What was in payment files is one part, paid by the city."""

import django.db.models.deletion
from django.db import migrations, models

# Receipts are append-only for everybody; that they name their part is no change of what they say.
PARTS_OF_EARLIER_FILES = """
SELECT set_config('citybrain.scope', 'system', true);
INSERT INTO ops.grant_part
    (line_id, payment_file_id, organisation_id, "row", stage, stage_number, stage_label, payer, amount)
SELECT id, payment_file_id, organisation_id, row_number() OVER (PARTITION BY payment_file_id ORDER BY uscc),
    'whole', 1, '一次拨付', 'city', amount
FROM ops.grant_line WHERE payment_file_id IS NOT NULL;
ALTER TABLE ops.payment_receipt DISABLE TRIGGER append_only;
UPDATE ops.payment_receipt r SET part_id = p.id FROM ops.grant_part p WHERE p.line_id = r.line_id;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("grants", "0004_receipt_rules")]

    operations = [
        migrations.CreateModel(
            name="GrantPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("row", models.IntegerField(verbose_name="序号")),
                ("stage", models.CharField(max_length=48, verbose_name="阶段编号")),
                ("stage_number", models.IntegerField(verbose_name="第几期")),
                ("stage_label", models.CharField(max_length=200, verbose_name="阶段")),
                (
                    "payer",
                    models.CharField(
                        choices=[
                            ("nation", "中央"),
                            ("province", "省级"),
                            ("city", "市级"),
                            ("county", "县级"),
                        ],
                        max_length=8,
                        verbose_name="出资",
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="金额（元）")),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="parts",
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
                        related_name="parts",
                        to="grants.paymentfile",
                    ),
                ),
            ],
            options={
                "verbose_name": "拨付明细",
                "verbose_name_plural": "拨付明细",
                "db_table": "grant_part",
                "ordering": ["payment_file", "row"],
                "constraints": [
                    models.UniqueConstraint(models.F("payment_file"), models.F("row"), name="grant_part_row"),
                    models.UniqueConstraint(
                        models.F("line"), models.F("stage_number"), models.F("payer"), name="grant_part_once"
                    ),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="grant_part_amount"),
                    models.CheckConstraint(
                        condition=models.Q(("stage_number__gt", 0)), name="grant_part_stage"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("payer__in", ["nation", "province", "city", "county"])),
                        name="grant_part_payer",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="paymentreceipt",
            name="part",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="receipts",
                to="grants.grantpart",
            ),
        ),
        migrations.AddField(
            model_name="paymentreceipt",
            name="account_hash",
            field=models.CharField(
                blank=True, default="", help_text="账号的带密钥摘要", max_length=64, verbose_name="收款账户"
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(PARTS_OF_EARLIER_FILES),
    ]
