"""Connected systems and their daily counts of calls."""

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
        permissions = [("report_from_outside", "从接入系统上报")]

    def __str__(self) -> str:
        return self.name


class SystemUse(models.Model):
    """How often a system called one capability on one day of Shanghai."""

    system = models.ForeignKey(System, models.CASCADE, related_name="uses", verbose_name="系统")
    day = models.DateField("日期")
    capability = models.CharField("能力", max_length=48)
    calls = models.PositiveIntegerField("调用次数", default=0)
    refused = models.PositiveIntegerField("被拒次数", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "调用计量"
        db_table = "connected_system_use"
        ordering = ["-day", "system", "capability"]
        constraints = [models.UniqueConstraint("day", "system", "capability", name="system_use_once")]

    def __str__(self) -> str:
        return f"{self.system} {self.day} {self.capability}"
