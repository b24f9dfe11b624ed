"""Organisations and people. What people may do hangs on their roles; how far they see, on both."""

from django.contrib.auth.models import AbstractUser
from django.db import models

from citybrain.desk.accounts.roles import load_roles, widest
from citybrain.warehouse.row_scope import RowScope


class Organisation(models.Model):
    """A department, a county government, a community office or a company that handles cases."""

    class Kind(models.TextChoices):
        DEPARTMENT = "department", "市级部门"
        COUNTY = "county", "县区"
        COMMUNITY = "community", "社区（村）"
        COMPANY = "company", "物业或运营单位"

    code = models.CharField("编码", max_length=64, unique=True)
    kind = models.CharField("类别", max_length=16, choices=Kind)
    name = models.CharField("名称", max_length=200)
    county_code = models.CharField("县区代码", max_length=6, blank=True, help_text="GB/T 2260；市级部门留空")
    area_code = models.CharField("所在村（社区）代码", max_length=12, blank=True)
    notify_urls = models.JSONField(
        "通知地址", default=list, blank=True, help_text="Apprise 地址列表；留空则只写日志"
    )
    is_active = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "机构"
        db_table = "organisation"
        ordering = ["kind", "code"]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person who signs in. `display_name` is what colleagues see, usually the post."""

    display_name = models.CharField("显示名", max_length=60, blank=True)
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="people", verbose_name="所属机构"
    )

    warden_code = models.CharField(
        "防汛责任人编号", max_length=64, blank=True, help_text="易涝点登记中的责任人编号；不是责任人的留空"
    )

    class Meta:
        verbose_name = verbose_name_plural = "人员"
        db_table = "person"

    def __str__(self) -> str:
        return self.display_name or self.username

    @property
    def row_scope(self) -> RowScope:
        """The widest view of the person's roles, bound to their organisation and its county."""
        roles = load_roles()
        names = list(self.groups.values_list("name", flat=True))
        width = widest([roles[name].sees for name in names if name in roles])
        organisation = self.organisation
        return RowScope(
            width=width,
            user_id=self.pk,
            organisation_id=organisation.pk if organisation else None,
            county_code=organisation.county_code if organisation else "",
        )


class SavedView(models.Model):
    """Filters of the queue that a person kept under a name. `query` is what `cases.filters` made of them."""

    person = models.ForeignKey(User, models.CASCADE, related_name="saved_views", verbose_name="人员")
    name = models.CharField("名称", max_length=30)
    query = models.CharField("筛选", max_length=600)

    class Meta:
        verbose_name = verbose_name_plural = "保存的视图"
        db_table = "saved_view"
        ordering = ["name"]
        constraints = [models.UniqueConstraint("person", "name", name="saved_view_once")]

    def __str__(self) -> str:
        return self.name
