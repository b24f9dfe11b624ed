"""Grant lists and their lines, what people decided on them, notices, objections and payment files.

Money is in yuan, `numeric(18,2)`. What the database itself refuses (four eyes, an amount nobody proposed, a
step out of order, a changed decision) stands in the migration `0002_rules`.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class ListState(models.TextChoices):
    """Where a list stands. The words say what it waits for."""

    DRAFT = "draft", "待初审"
    FIRST_REVIEW = "first_review", "待复核"
    SECOND_REVIEW = "second_review", "待公示"
    NOTICE_OPEN = "notice_open", "公示中"
    NOTICE_CLOSED = "notice_closed", "公示结束"
    PAYABLE = "payable", "待拨付"
    PAID_FILE_MADE = "paid_file_made", "已出拨付文件"
    RETURNED = "returned", "已退回"
    WITHDRAWN = "withdrawn", "已作废"


class LineState(models.TextChoices):
    """Where one enterprise's line stands. `released` lines count for nothing: a later list may hold them."""

    PROPOSED = "proposed", "拟发放"
    EXCLUDED = "excluded", "已剔除"
    OBJECTED = "objected", "有异议，暂停"
    HELD = "held", "拨付前复查不一致，暂停"
    PAID = "paid", "已列入拨付文件"
    RELEASED = "released", "已作废"


COUNTED = (LineState.PROPOSED, LineState.OBJECTED, LineState.HELD, LineState.PAID)


class Step(models.TextChoices):
    """What kind of act a decision is. Who did one of the first four on a list does none of the others there;
    only objections may be settled by who countersigned."""

    FIRST_REVIEW = "first_review", "初审"
    COUNTERSIGN = "countersign", "复核"
    OBJECTION = "objection", "异议核处"
    PAYMENT = "payment", "拨付"
    NOTICE = "notice", "公示"
    CONFIRMATION = "confirmation", "企业确认"
    MATCHING = "matching", "匹配"


class Decision(models.TextChoices):
    MADE = "made", "生成名单"
    APPROVE = "approve", "通过"
    RETURN = "return", "退回"
    EXCLUDE = "exclude", "剔除"
    RESTORE = "restore", "恢复"
    WITHDRAW = "withdraw", "作废"
    OPEN = "open", "开始公示"
    CLOSE = "close", "公示期满"
    CONFIRM = "confirm", "登记确认"
    UPHOLD = "uphold", "异议成立"
    DISMISS = "dismiss", "异议不成立"
    HOLD = "hold", "拨付前暂停"
    PAY = "pay", "生成拨付文件"


class GrantList(models.Model):
    """The enterprises to which one version of an item is to be granted, from one match run.

    The first list of an item in a year has number 1; what later runs find besides comes as a supplement with
    the next number. `version` grows with every change: a page that shows an older one is stale.
    """

    item_id = models.CharField("项目编号", max_length=48)
    item_version_id = models.BigIntegerField("条款版本")
    title = models.CharField("项目", max_length=200)
    department = models.CharField("部门编号", max_length=64)
    department_name = models.CharField("部门", max_length=200)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, null=True, related_name="+", verbose_name="主管部门"
    )
    channel = models.CharField("方式", max_length=8)
    origin = models.CharField("来源", max_length=9)
    exclusion_group = models.CharField("不重复享受组", max_length=48, blank=True)
    run_id = models.BigIntegerField("匹配运行")
    facts_sha256 = models.CharField("数据快照", max_length=64)
    as_of = models.DateField("数据日期")
    period_year = models.IntegerField("年度")
    number = models.IntegerField("批次")
    reviewers_needed = models.IntegerField("审核人数", default=2, help_text="初审一人，其余为复核")
    notice_days = models.IntegerField("公示工作日")
    confirm_by_enterprise = models.BooleanField("须企业确认")
    state = models.CharField("状态", max_length=16, choices=ListState, default=ListState.DRAFT)
    round = models.IntegerField("审核轮次", default=1)
    version = models.IntegerField("版本", default=1)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="初审人"
    )
    countersigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="复核人"
    )
    line_count = models.IntegerField("户数", default=0)
    total = models.DecimalField("合计（元）", max_digits=18, decimal_places=2, default=0)
    created_at = models.DateTimeField("生成时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "拟发放名单"
        db_table = "grant_list"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint("item_id", "period_year", "number", name="grant_list_number"),
            models.UniqueConstraint(
                "item_id",
                "period_year",
                condition=Q(state=ListState.DRAFT),
                name="grant_list_one_draft",
            ),
            models.CheckConstraint(
                condition=~Q(countersigned_by=F("approved_by")), name="grant_list_four_eyes"
            ),
            models.CheckConstraint(
                condition=Q(reviewers_needed__gte=2), name="grant_list_two_reviewers_at_least"
            ),
            models.CheckConstraint(condition=Q(state__in=ListState.values), name="grant_list_state"),
            models.CheckConstraint(condition=Q(total__gte=0), name="grant_list_total"),
        ]
        permissions = [
            ("approve_list", "初审名单"),
            ("countersign_list", "复核名单"),
            ("settle_objection", "核处异议"),
            ("make_payment_file", "生成拨付文件"),
            ("export_list", "导出名单"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def code(self) -> str:
        """What people and the ledger call it, e.g. `UI-STABLE-2025/2026/1`."""
        return f"{self.item_id}/{self.period_year}/{self.number}"

    @property
    def is_supplement(self) -> bool:
        return self.number > 1


class PaymentFile(models.Model):
    """A file for the treasury, written once. Its rows are parts of lines; a line names the first file with a
    part of it."""

    list = models.ForeignKey(GrantList, models.PROTECT, related_name="payment_files")
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, null=True, related_name="+")
    number = models.IntegerField("序号")
    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    object_key = models.CharField("对象", max_length=200, unique=True)
    rows = models.IntegerField("行数")
    total = models.DecimalField("合计（元）", max_digits=18, decimal_places=2)
    checked_run_id = models.BigIntegerField("复查所用匹配运行")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField("生成时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "拨付文件"
        db_table = "payment_file"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("list", "number", name="payment_file_number"),
            models.CheckConstraint(condition=Q(rows__gt=0), name="payment_file_rows"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="payment_file_sha256"),
        ]


class GrantLine(models.Model):
    """What one enterprise gets from one list. Amount and facts are as proposed and never change."""

    list = models.ForeignKey(GrantList, models.PROTECT, related_name="lines")
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, null=True, related_name="+")
    item_id = models.CharField("项目编号", max_length=48)
    period_year = models.IntegerField("年度")
    uscc = models.CharField("统一社会信用代码", max_length=18)
    enterprise_name = models.CharField("企业名称", max_length=200)
    county_code = models.CharField("县区代码", max_length=6, blank=True)
    rank = models.IntegerField("排序")
    amount = models.DecimalField("金额（元）", max_digits=18, decimal_places=2)
    facts = models.JSONField("依据的数据")
    state = models.CharField("状态", max_length=8, choices=LineState, default=LineState.PROPOSED)
    reason = models.CharField("原因", max_length=500, blank=True)
    confirmed_at = models.DateTimeField("企业确认时间", null=True)
    confirmed_how = models.CharField("企业确认方式", max_length=200, blank=True)
    payment_file = models.ForeignKey(PaymentFile, models.PROTECT, null=True, related_name="lines")

    class Meta:
        verbose_name = verbose_name_plural = "名单明细"
        db_table = "grant_line"
        ordering = ["rank", "uscc"]
        constraints = [
            models.UniqueConstraint(
                "item_id",
                "period_year",
                "uscc",
                condition=~Q(state=LineState.RELEASED),
                name="grant_line_once_a_period",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="grant_line_amount"),
            models.CheckConstraint(condition=Q(state__in=LineState.values), name="grant_line_state"),
            models.CheckConstraint(
                condition=Q(state=LineState.PAID, payment_file__isnull=False)
                | (~Q(state=LineState.PAID) & Q(payment_file__isnull=True)),
                name="grant_line_paid_by_a_file",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[LineState.EXCLUDED, LineState.HELD]) | ~Q(reason=""),
                name="grant_line_reason",
            ),
        ]
        indexes = [models.Index(fields=["uscc"], name="grant_line_uscc")]


class Payer(models.TextChoices):
    """Whose budget a part comes from."""

    NATION = "nation", "中央"
    PROVINCE = "province", "省级"
    CITY = "city", "市级"
    COUNTY = "county", "县级"


class GrantPart(models.Model):
    """What one payer pays of one stage of a line: a row of a payment file, written with it, never changed.

    `row` is the number of the row in its file; the bank's return may name it.
    """

    line = models.ForeignKey(GrantLine, models.PROTECT, related_name="parts")
    payment_file = models.ForeignKey(PaymentFile, models.PROTECT, related_name="parts")
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, null=True, related_name="+")
    row = models.IntegerField("序号")
    stage = models.CharField("阶段编号", max_length=48)
    stage_number = models.IntegerField("第几期")
    stage_label = models.CharField("阶段", max_length=200)
    payer = models.CharField("出资", max_length=8, choices=Payer)
    amount = models.DecimalField("金额（元）", max_digits=18, decimal_places=2)

    class Meta:
        verbose_name = verbose_name_plural = "拨付明细"
        db_table = "grant_part"
        ordering = ["payment_file", "row"]
        constraints = [
            models.UniqueConstraint("payment_file", "row", name="grant_part_row"),
            models.UniqueConstraint("line", "stage_number", "payer", name="grant_part_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="grant_part_amount"),
            models.CheckConstraint(condition=Q(stage_number__gt=0), name="grant_part_stage"),
            models.CheckConstraint(condition=Q(payer__in=Payer.values), name="grant_part_payer"),
        ]


class GrantDecision(models.Model):
    """One act on a list or on a line of it; never changed, never removed. `person` is empty for the clock."""

    list = models.ForeignKey(GrantList, models.PROTECT, related_name="decisions")
    line = models.ForeignKey(GrantLine, models.PROTECT, null=True, related_name="decisions")
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, null=True, related_name="+")
    round = models.IntegerField("审核轮次")
    step = models.CharField("环节", max_length=16, choices=Step)
    decision = models.CharField("决定", max_length=8, choices=Decision)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    roles = models.CharField("岗位", max_length=200, blank=True)
    reason = models.CharField("理由", max_length=500, blank=True)
    line_count = models.IntegerField("户数")
    total = models.DecimalField("合计（元）", max_digits=18, decimal_places=2)
    at = models.DateTimeField("时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "名单决定"
        db_table = "grant_decision"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                "list",
                "round",
                "step",
                "person",
                condition=Q(decision=Decision.APPROVE),
                name="grant_decision_once",
            ),
            models.CheckConstraint(
                condition=~Q(decision__in=["return", "exclude", "restore", "withdraw", "uphold", "dismiss"])
                | ~Q(reason=""),
                name="grant_decision_reason",
            ),
        ]


class GrantNotice(models.Model):
    """The public notice of a list. It runs for whole working days and closes at midnight, `closes_at`."""

    list = models.OneToOneField(GrantList, models.PROTECT, related_name="notice")
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, null=True, related_name="+")
    slug = models.SlugField("地址", max_length=80, unique=True)
    working_days = models.IntegerField("工作日")
    opened_at = models.DateTimeField("开始")
    closes_at = models.DateTimeField("截止")
    provisional = models.BooleanField("节假日安排未公布", default=False)
    closed_at = models.DateTimeField("关闭时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "公示"
        db_table = "grant_notice"
        ordering = ["-opened_at"]
        constraints = [
            models.CheckConstraint(condition=Q(closes_at__gt=F("opened_at")), name="grant_notice_in_order"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=F("closes_at")),
                name="grant_notice_not_closed_early",
            ),
        ]


class GrantObjection(models.Model):
    """What somebody holds against a line under notice. While it is open the line is not paid."""

    class State(models.TextChoices):
        OPEN = "open", "待核处"
        UPHELD = "upheld", "成立"
        DISMISSED = "dismissed", "不成立"

    line = models.ForeignKey(GrantLine, models.PROTECT, related_name="objections")
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, null=True, related_name="+")
    text = models.CharField("异议内容", max_length=1000)
    contact = models.CharField("联系方式", max_length=100)
    sender = models.CharField("来源", max_length=64, help_text="来访地址的带密钥摘要，只用于限制次数")
    state = models.CharField("状态", max_length=9, choices=State, default=State.OPEN)
    answer = models.CharField("核处意见", max_length=500, blank=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    filed_at = models.DateTimeField("提交时间", auto_now_add=True)
    settled_at = models.DateTimeField("核处时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "公示异议"
        db_table = "grant_objection"
        ordering = ["id"]
        indexes = [models.Index(fields=["sender", "filed_at"], name="grant_objection_sender")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", settled_by__isnull=True)
                | (~Q(state="open") & Q(settled_by__isnull=False) & ~Q(answer="")),
                name="grant_objection_settled_by_a_person",
            )
        ]


class PaymentReceipt(models.Model):
    """What became of one part in a payment file, as the bank says; never changed.

    A part that failed may be told again by a later return; of one that was paid nothing more is taken.
    """

    part = models.ForeignKey(GrantPart, models.PROTECT, related_name="receipts")
    line = models.ForeignKey(GrantLine, models.PROTECT, related_name="receipts")
    payment_file = models.ForeignKey(PaymentFile, models.PROTECT, related_name="receipts")
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, null=True, related_name="+")
    paid = models.BooleanField("已入账")
    amount = models.DecimalField("金额（元）", max_digits=18, decimal_places=2)
    reference = models.CharField("流水号", max_length=64, unique=True)
    booked_on = models.DateField("日期")
    reason = models.CharField("失败原因", max_length=500, blank=True)
    sha256 = models.CharField("回单文件 SHA-256", max_length=64)
    account_hash = models.CharField("收款账户", max_length=64, blank=True, help_text="账号的带密钥摘要")
    received_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    received_at = models.DateTimeField("导入时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "拨付回单"
        db_table = "payment_receipt"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("part", condition=Q(paid=True), name="payment_receipt_paid_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_receipt_amount"),
            models.CheckConstraint(
                condition=Q(paid=True, reason="") | (Q(paid=False) & ~Q(reason="")),
                name="payment_receipt_reason",
            ),
        ]


class Recovery(models.Model):
    """Money that an enterprise has to give back. Who asks for it does not say that it came."""

    class State(models.TextChoices):
        OPEN = "open", "追回中"
        RECOVERED = "recovered", "已追回"
        DROPPED = "dropped", "不再追回"

    line = models.ForeignKey(GrantLine, models.PROTECT, related_name="recoveries")
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, null=True, related_name="+")
    amount = models.DecimalField("应追回（元）", max_digits=18, decimal_places=2)
    reason = models.CharField("原因", max_length=500)
    state = models.CharField("状态", max_length=9, choices=State, default=State.OPEN)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField("提出时间", auto_now_add=True)
    answer = models.CharField("办结说明", max_length=500, blank=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField("办结时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "追回"
        db_table = "grant_recovery"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("line", condition=Q(state="open"), name="grant_recovery_one_open"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="grant_recovery_amount"),
            models.CheckConstraint(
                condition=Q(state="open", settled_by__isnull=True)
                | (~Q(state="open") & Q(settled_by__isnull=False) & ~Q(answer="")),
                name="grant_recovery_settled_by_a_person",
            ),
            models.CheckConstraint(condition=~Q(opened_by=F("settled_by")), name="grant_recovery_four_eyes"),
        ]
