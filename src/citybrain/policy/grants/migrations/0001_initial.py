"""Grant lists, lines, decisions, notices, objections and payment files."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GrantList",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("item_id", models.CharField(max_length=48, verbose_name="项目编号")),
                ("item_version_id", models.BigIntegerField(verbose_name="条款版本")),
                ("title", models.CharField(max_length=200, verbose_name="项目")),
                ("department", models.CharField(max_length=64, verbose_name="部门编号")),
                ("department_name", models.CharField(max_length=200, verbose_name="部门")),
                ("channel", models.CharField(max_length=8, verbose_name="方式")),
                ("origin", models.CharField(max_length=9, verbose_name="来源")),
                ("exclusion_group", models.CharField(blank=True, max_length=48, verbose_name="不重复享受组")),
                ("run_id", models.BigIntegerField(verbose_name="匹配运行")),
                ("facts_sha256", models.CharField(max_length=64, verbose_name="数据快照")),
                ("as_of", models.DateField(verbose_name="数据日期")),
                ("period_year", models.IntegerField(verbose_name="年度")),
                ("number", models.IntegerField(verbose_name="批次")),
                (
                    "reviewers_needed",
                    models.IntegerField(default=2, help_text="初审一人，其余为复核", verbose_name="审核人数"),
                ),
                ("notice_days", models.IntegerField(verbose_name="公示工作日")),
                ("confirm_by_enterprise", models.BooleanField(verbose_name="须企业确认")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "待初审"),
                            ("first_review", "待复核"),
                            ("second_review", "待公示"),
                            ("notice_open", "公示中"),
                            ("notice_closed", "公示结束"),
                            ("payable", "待拨付"),
                            ("paid_file_made", "已出拨付文件"),
                            ("returned", "已退回"),
                            ("withdrawn", "已作废"),
                        ],
                        default="draft",
                        max_length=16,
                        verbose_name="状态",
                    ),
                ),
                ("round", models.IntegerField(default=1, verbose_name="审核轮次")),
                ("version", models.IntegerField(default=1, verbose_name="版本")),
                ("line_count", models.IntegerField(default=0, verbose_name="户数")),
                (
                    "total",
                    models.DecimalField(
                        decimal_places=2, default=0, max_digits=18, verbose_name="合计（元）"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="生成时间")),
                (
                    "approved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="初审人",
                    ),
                ),
                (
                    "countersigned_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="复核人",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="主管部门",
                    ),
                ),
            ],
            options={
                "verbose_name": "拟发放名单",
                "verbose_name_plural": "拟发放名单",
                "db_table": "grant_list",
                "ordering": ["-id"],
                "permissions": [
                    ("approve_list", "初审名单"),
                    ("countersign_list", "复核名单"),
                    ("settle_objection", "核处异议"),
                    ("make_payment_file", "生成拨付文件"),
                    ("export_list", "导出名单"),
                ],
            },
        ),
        migrations.CreateModel(
            name="GrantLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("item_id", models.CharField(max_length=48, verbose_name="项目编号")),
                ("period_year", models.IntegerField(verbose_name="年度")),
                ("uscc", models.CharField(max_length=18, verbose_name="统一社会信用代码")),
                ("enterprise_name", models.CharField(max_length=200, verbose_name="企业名称")),
                ("county_code", models.CharField(blank=True, max_length=6, verbose_name="县区代码")),
                ("rank", models.IntegerField(verbose_name="排序")),
                ("amount", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="金额（元）")),
                ("facts", models.JSONField(verbose_name="依据的数据")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "拟发放"),
                            ("excluded", "已剔除"),
                            ("objected", "有异议，暂停"),
                            ("held", "拨付前复查不一致，暂停"),
                            ("paid", "已列入拨付文件"),
                            ("released", "已作废"),
                        ],
                        default="proposed",
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="原因")),
                ("confirmed_at", models.DateTimeField(null=True, verbose_name="企业确认时间")),
                ("confirmed_how", models.CharField(blank=True, max_length=200, verbose_name="企业确认方式")),
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
                    "list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="grants.grantlist",
                    ),
                ),
            ],
            options={
                "verbose_name": "名单明细",
                "verbose_name_plural": "名单明细",
                "db_table": "grant_line",
                "ordering": ["rank", "uscc"],
            },
        ),
        migrations.CreateModel(
            name="GrantDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("round", models.IntegerField(verbose_name="审核轮次")),
                (
                    "step",
                    models.CharField(
                        choices=[
                            ("first_review", "初审"),
                            ("countersign", "复核"),
                            ("objection", "异议核处"),
                            ("payment", "拨付"),
                            ("notice", "公示"),
                            ("confirmation", "企业确认"),
                            ("matching", "匹配"),
                        ],
                        max_length=16,
                        verbose_name="环节",
                    ),
                ),
                (
                    "decision",
                    models.CharField(
                        choices=[
                            ("made", "生成名单"),
                            ("approve", "通过"),
                            ("return", "退回"),
                            ("exclude", "剔除"),
                            ("restore", "恢复"),
                            ("withdraw", "作废"),
                            ("open", "开始公示"),
                            ("close", "公示期满"),
                            ("confirm", "登记确认"),
                            ("uphold", "异议成立"),
                            ("dismiss", "异议不成立"),
                            ("hold", "拨付前暂停"),
                            ("pay", "生成拨付文件"),
                        ],
                        max_length=8,
                        verbose_name="决定",
                    ),
                ),
                ("roles", models.CharField(blank=True, max_length=200, verbose_name="岗位")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="理由")),
                ("line_count", models.IntegerField(verbose_name="户数")),
                ("total", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="合计（元）")),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="时间")),
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
                    "person",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="grants.grantline",
                    ),
                ),
                (
                    "list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="grants.grantlist",
                    ),
                ),
            ],
            options={
                "verbose_name": "名单决定",
                "verbose_name_plural": "名单决定",
                "db_table": "grant_decision",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="GrantNotice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slug", models.SlugField(max_length=80, unique=True, verbose_name="地址")),
                ("working_days", models.IntegerField(verbose_name="工作日")),
                ("opened_at", models.DateTimeField(verbose_name="开始")),
                ("closes_at", models.DateTimeField(verbose_name="截止")),
                ("provisional", models.BooleanField(default=False, verbose_name="节假日安排未公布")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="关闭时间")),
                (
                    "list",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notice",
                        to="grants.grantlist",
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
            ],
            options={
                "verbose_name": "公示",
                "verbose_name_plural": "公示",
                "db_table": "grant_notice",
                "ordering": ["-opened_at"],
            },
        ),
        migrations.CreateModel(
            name="GrantObjection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(max_length=1000, verbose_name="异议内容")),
                ("contact", models.CharField(max_length=100, verbose_name="联系方式")),
                (
                    "sender",
                    models.CharField(
                        help_text="来访地址的带密钥摘要，只用于限制次数", max_length=64, verbose_name="来源"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "待核处"), ("upheld", "成立"), ("dismissed", "不成立")],
                        default="open",
                        max_length=9,
                        verbose_name="状态",
                    ),
                ),
                ("answer", models.CharField(blank=True, max_length=500, verbose_name="核处意见")),
                ("filed_at", models.DateTimeField(auto_now_add=True, verbose_name="提交时间")),
                ("settled_at", models.DateTimeField(null=True, verbose_name="核处时间")),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="objections",
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
                "verbose_name": "公示异议",
                "verbose_name_plural": "公示异议",
                "db_table": "grant_objection",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="PaymentFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.IntegerField(verbose_name="序号")),
                ("sha256", models.CharField(max_length=64, unique=True, verbose_name="SHA-256")),
                ("object_key", models.CharField(max_length=200, unique=True, verbose_name="对象")),
                ("rows", models.IntegerField(verbose_name="行数")),
                ("total", models.DecimalField(decimal_places=2, max_digits=18, verbose_name="合计（元）")),
                ("checked_run_id", models.BigIntegerField(verbose_name="复查所用匹配运行")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="生成时间")),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="payment_files",
                        to="grants.grantlist",
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
            ],
            options={
                "verbose_name": "拨付文件",
                "verbose_name_plural": "拨付文件",
                "db_table": "payment_file",
                "ordering": ["id"],
            },
        ),
        migrations.AddField(
            model_name="grantline",
            name="payment_file",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="lines",
                to="grants.paymentfile",
            ),
        ),
        migrations.AddConstraint(
            model_name="grantlist",
            constraint=models.UniqueConstraint(
                models.F("item_id"), models.F("period_year"), models.F("number"), name="grant_list_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="grantlist",
            constraint=models.UniqueConstraint(
                models.F("item_id"),
                models.F("period_year"),
                condition=models.Q(("state", "draft")),
                name="grant_list_one_draft",
            ),
        ),
        migrations.AddConstraint(
            model_name="grantlist",
            constraint=models.CheckConstraint(
                condition=models.Q(("countersigned_by", models.F("approved_by")), _negated=True),
                name="grant_list_four_eyes",
            ),
        ),
        migrations.AddConstraint(
            model_name="grantlist",
            constraint=models.CheckConstraint(
                condition=models.Q(("reviewers_needed__gte", 2)), name="grant_list_two_reviewers_at_least"
            ),
        ),
        migrations.AddConstraint(
            model_name="grantlist",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "draft",
                            "first_review",
                            "second_review",
                            "notice_open",
                            "notice_closed",
                            "payable",
                            "paid_file_made",
                            "returned",
                            "withdrawn",
                        ],
                    )
                ),
                name="grant_list_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="grantlist",
            constraint=models.CheckConstraint(condition=models.Q(("total__gte", 0)), name="grant_list_total"),
        ),
        migrations.AddConstraint(
            model_name="grantdecision",
            constraint=models.UniqueConstraint(
                models.F("list"),
                models.F("round"),
                models.F("step"),
                models.F("person"),
                condition=models.Q(("decision", "approve")),
                name="grant_decision_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="grantdecision",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decision__in", ["return", "exclude", "restore", "withdraw", "uphold", "dismiss"]),
                        _negated=True,
                    ),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="grant_decision_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="grantnotice",
            constraint=models.CheckConstraint(
                condition=models.Q(("closes_at__gt", models.F("opened_at"))), name="grant_notice_in_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="grantnotice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("closed_at__isnull", True), ("closed_at__gte", models.F("closes_at")), _connector="OR"
                ),
                name="grant_notice_not_closed_early",
            ),
        ),
        migrations.AddIndex(
            model_name="grantobjection",
            index=models.Index(fields=["sender", "filed_at"], name="grant_objection_sender"),
        ),
        migrations.AddConstraint(
            model_name="grantobjection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("settled_by__isnull", True), ("state", "open")),
                    models.Q(
                        models.Q(("state", "open"), _negated=True),
                        ("settled_by__isnull", False),
                        models.Q(("answer", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="grant_objection_settled_by_a_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentfile",
            constraint=models.UniqueConstraint(
                models.F("list"), models.F("number"), name="payment_file_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentfile",
            constraint=models.CheckConstraint(condition=models.Q(("rows__gt", 0)), name="payment_file_rows"),
        ),
        migrations.AddConstraint(
            model_name="paymentfile",
            constraint=models.CheckConstraint(
                condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="payment_file_sha256"
            ),
        ),
        migrations.AddIndex(
            model_name="grantline",
            index=models.Index(fields=["uscc"], name="grant_line_uscc"),
        ),
        migrations.AddConstraint(
            model_name="grantline",
            constraint=models.UniqueConstraint(
                models.F("item_id"),
                models.F("period_year"),
                models.F("uscc"),
                condition=models.Q(("state", "released"), _negated=True),
                name="grant_line_once_a_period",
            ),
        ),
        migrations.AddConstraint(
            model_name="grantline",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="grant_line_amount"
            ),
        ),
        migrations.AddConstraint(
            model_name="grantline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["proposed", "excluded", "objected", "held", "paid", "released"])
                ),
                name="grant_line_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="grantline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("payment_file__isnull", False), ("state", "paid")),
                    models.Q(models.Q(("state", "paid"), _negated=True), ("payment_file__isnull", True)),
                    _connector="OR",
                ),
                name="grant_line_paid_by_a_file",
            ),
        ),
        migrations.AddConstraint(
            model_name="grantline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["excluded", "held"]), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="grant_line_reason",
            ),
        ),
    ]
