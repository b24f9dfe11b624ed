"""Connected systems, their daily counts of calls, their webhooks, and answers kept for calls sent again."""

from django.conf import settings
from django.db import models


class System(models.Model):
    """A system of a department, a company or a citizens' service that calls the desk with a key.

    Of the key only the hash is kept. What the system reports is reported by `account`, which nobody signs in
    with and whose organisation says how far the system sees.
    """

    code = models.SlugField("编码", max_length=48, unique=True)
    name = models.CharField("名称", max_length=120)
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="system", verbose_name="账号"
    )
    key_sha256 = models.CharField("密钥 SHA-256", max_length=64, unique=True)
    calls_a_day = models.PositiveIntegerField("每日调用上限", default=5000)
    is_active = models.BooleanField("启用", default=True)
    made_at = models.DateTimeField("登记时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "接入系统"
        db_table = "connected_system"
        ordering = ["code"]
        permissions = [("report_from_outside", "从接入系统上报"), ("view_devices", "查看设备台账")]

    def __str__(self) -> str:
        return self.name


class SystemUse(models.Model):
    """How often a system called one capability on one day of Shanghai."""

    system = models.ForeignKey(System, models.CASCADE, related_name="uses", verbose_name="系统")
    day = models.DateField("日期")
    capability = models.CharField("能力", max_length=48)
    calls = models.PositiveIntegerField("调用次数", default=0)
    refused = models.PositiveIntegerField("被拒次数", default=0)
    failed = models.PositiveIntegerField("失败次数", default=0, db_default=0)
    total_ms = models.BigIntegerField("应答总时长（毫秒）", default=0, db_default=0)

    class Meta:
        verbose_name = verbose_name_plural = "调用计量"
        db_table = "connected_system_use"
        ordering = ["-day", "system", "capability"]
        constraints = [models.UniqueConstraint("day", "system", "capability", name="system_use_once")]

    def __str__(self) -> str:
        return f"{self.system} {self.day} {self.capability}"


class Webhook(models.Model):
    """Where a system is told of its cases. Secrets are sealed (`hook_secrets`).

    `former_sealed` signs beside the newer one until `former_until`, while the receiver changes over.
    """

    system = models.ForeignKey(System, models.CASCADE, related_name="webhooks", verbose_name="系统")
    url = models.CharField("地址", max_length=500)
    events = models.JSONField("事件", default=list)
    sealed_secret = models.TextField("密封的密钥")
    former_sealed = models.TextField("密封的前一密钥", blank=True, default="")
    former_until = models.DateTimeField("前一密钥有效至", null=True)
    is_active = models.BooleanField("启用", default=True)
    made_at = models.DateTimeField("登记时间", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "事件推送"
        db_table = "webhook"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.system} {self.url}"


class KeptAnswer(models.Model):
    """The answer to a call with an Idempotency-Key; without a body where it held a secret."""

    system = models.ForeignKey(System, models.CASCADE, related_name="+", verbose_name="系统")
    key = models.CharField("幂等键", max_length=64)
    asked_sha256 = models.CharField("请求 SHA-256", max_length=64)
    status = models.PositiveSmallIntegerField("状态码")
    body = models.TextField("应答", blank=True, default="")
    path = models.CharField("位置", max_length=200, blank=True, default="")
    kept_at = models.DateTimeField("保存时间")

    class Meta:
        verbose_name = verbose_name_plural = "幂等应答"
        db_table = "kept_answer"
        ordering = ["id"]
        constraints = [models.UniqueConstraint("system", "key", name="kept_answer_once")]

    def __str__(self) -> str:
        return f"{self.system} {self.key}"
