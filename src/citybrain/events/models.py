"""Signals, the cases made of them, and a case's history, pictures, clocks and notifications.

Times are aware, coordinates WGS84 degrees. What the database itself refuses (a changed history, a row of
another organisation) stands in the migration `0002_rules`.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Origin(models.TextChoices):
    SYNTHETIC = "synthetic", "合成数据"
    REAL = "real", "真实数据"


class SourceKind(models.TextChoices):
    """Who or what noticed."""

    VIDEO = "video", "视频巡查"
    IOT = "iot", "物联感知"
    GPS = "gps", "车辆定位"
    SATELLITE = "satellite", "卫星遥感"
    DATA = "data", "数据比对"
    CITIZEN = "citizen", "市民上报"
    HOTLINE = "hotline", "12345热线"
    COLLECTOR = "collector", "采集员上报"


class State(models.TextChoices):
    """The states of a case; `transitions.yml` says how one follows another."""

    DETECTED = "detected", "待核实"
    CONFIRMED = "confirmed", "待立案"
    FILED = "filed", "待派遣"
    DISPATCHED = "dispatched", "待接单"
    ACCEPTED = "accepted", "已接单"
    HANDLING = "handling", "处置中"
    HANDLED = "handled", "已处置"
    CHECKING = "checking", "核查中"
    REWORK = "rework", "返工"
    SUSPENDED = "suspended", "挂账"
    CLOSED = "closed", "已结案"
    VOIDED = "voided", "已作废"


ENDED = (State.CLOSED, State.VOIDED)


class Petition(models.TextChoices):
    """What somebody has asked for on a case and nobody has answered yet; `rules.PetitionName` is the same."""

    EXTENSION = "extension", "申请延期"
    SUSPENSION = "suspension", "申请挂账"
    APPEAL = "appeal", "超时申诉待初审"
    SECOND_REVIEW = "second_review", "超时申诉待复审"


class Satisfaction(models.TextChoices):
    SATISFIED = "satisfied", "满意"
    UNSATISFIED = "unsatisfied", "不满意"


class Case(models.Model):
    """One thing that is wrong at one place, until it is put right.

    `class_code` is the scenario's own class (`all` where it has one); the four `class_*` columns after it are
    the class in a published scheme of one edition, since editions number differently. `version` grows with
    every transition: a page that shows an older one is stale. `exempt` takes a case out of statistics of
    lateness; that it was late stays a fact of its clocks.
    """

    State = State
    SourceKind = SourceKind

    number = models.CharField("编号", max_length=24, unique=True)
    scenario = models.CharField("场景", max_length=48)
    class_code = models.CharField("类别", max_length=48)
    class_scheme = models.CharField("分类标准", max_length=48)
    class_version = models.CharField("标准版本", max_length=24)
    class_big = models.CharField("大类", max_length=8)
    class_small = models.CharField("小类", max_length=8)
    title = models.CharField("标题", max_length=200)
    place_id = models.CharField("地点编号", max_length=64, blank=True)
    place_name = models.CharField("地点", max_length=200, blank=True)
    area_code = models.CharField("所在村（社区）代码", max_length=12, blank=True)
    grid_code = models.CharField("单元网格", max_length=15, blank=True)
    lon = models.DecimalField("经度", max_digits=9, decimal_places=6, null=True)
    lat = models.DecimalField("纬度", max_digits=9, decimal_places=6, null=True)
    source_kind = models.CharField("来源", max_length=16, choices=SourceKind, help_text="最先发现的来源")
    source_kinds = models.JSONField("全部来源", default=list)
    source_id = models.CharField("摄像头或设备", max_length=64, blank=True)
    zone = models.CharField("区域", max_length=64, blank=True)
    state = models.CharField("状态", max_length=16, choices=State, default=State.DETECTED)
    lead = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="+", verbose_name="牵头部门"
    )
    handler = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, null=True, related_name="+", verbose_name="承办单位"
    )
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="上报人"
    )
    reporter_organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, null=True, related_name="+", verbose_name="上报单位"
    )
    urgent = models.BooleanField("紧急", default=False)
    found_at = models.DateTimeField("发现时间")
    filed_at = models.DateTimeField("立案时间", null=True)
    deadline_at = models.DateTimeField("处置时限", null=True, help_text="暂停计时期间为空")
    handled_at = models.DateTimeField("处置完成时间", null=True)
    closed_at = models.DateTimeField("结案时间", null=True)
    sightings = models.IntegerField("发现次数", default=0)
    last_seen_at = models.DateTimeField("最近发现时间", null=True)
    cleared_at = models.DateTimeField("现场消除时间", null=True)
    rework_count = models.IntegerField("返工次数", default=0)
    reopened_count = models.IntegerField("重新办理次数", default=0, db_default=0)
    extended_count = models.IntegerField("延期次数", default=0, db_default=0)
    petition = models.CharField(
        "待批申请", max_length=16, choices=Petition, blank=True, default="", db_default=""
    )
    forced = models.BooleanField("强制结案", default=False, db_default=False)
    exempt = models.BooleanField("超时不计入考核", default=False, db_default=False)
    satisfaction = models.CharField(
        "回访结果", max_length=12, choices=Satisfaction, blank=True, default="", db_default=""
    )
    origin = models.CharField("数据性质", max_length=9, choices=Origin)
    version = models.IntegerField("版本", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "案件"
        db_table = "event_case"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(  # the device first: `repeating` looks cases up by it
                "source_id",
                "zone",
                "scenario",
                "class_code",
                condition=~Q(state__in=ENDED) & ~Q(source_id=""),
                name="event_case_one_open",
            ),
            models.CheckConstraint(condition=Q(state__in=State.values), name="event_case_state"),
            models.CheckConstraint(condition=Q(origin__in=Origin.values), name="event_case_origin"),
        ]
        indexes = [
            models.Index(fields=["state", "deadline_at"], name="event_case_queue"),
            models.Index(fields=["handler", "state"], name="event_case_handler"),
            models.Index(fields=["scenario", "place_id"], name="event_case_place"),
            models.Index(
                fields=["scenario", "found_at"],
                condition=~Q(state__in=ENDED) & Q(lat__isnull=False),
                name="event_case_near",
            ),
            models.Index(fields=["petition"], condition=~Q(petition=""), name="event_case_petition"),
        ]
        permissions = [
            ("report_case", "上报事件"),
            ("confirm_case", "核实"),
            ("file_case", "立案"),
            ("dispatch_case", "派遣"),
            ("handle_case", "处置"),
            ("check_case", "核查"),
            ("suspend_case", "挂账"),
            ("void_case", "作废"),
            ("approve_case", "审批延期与挂账"),
            ("judge_case", "审议超时申诉"),
            ("force_case", "强制结案"),
            ("visit_case", "回访"),
            ("split_case", "合并与拆分"),
            ("send_resource", "调派救援力量"),
            ("ask_resource", "请求支援"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.state not in ENDED


class Signal(models.Model):
    """One thing noticed once. Written by detectors and reporters, taken in by `citybrain.events.intake`."""

    class Kind(models.TextChoices):
        DETECTED = "detected", "发现"
        CLEARED = "cleared", "消除"
        HEALTH = "health", "设备健康"

    class State(models.TextChoices):
        PENDING = "pending", "待处理"
        ATTACHED = "attached", "已归案"
        DROPPED = "dropped", "不立案"

    key = models.TextField("幂等键", unique=True)
    scenario = models.TextField("场景")
    class_code = models.TextField("类别")
    kind = models.TextField("种类", choices=Kind)
    source_kind = models.TextField("来源", choices=SourceKind)
    source_id = models.TextField("摄像头或设备", db_default="")
    zone = models.TextField("区域", db_default="")
    place_id = models.TextField("地点编号", db_default="")
    place_name = models.TextField("地点", db_default="")
    area_code = models.TextField("所在村（社区）代码", db_default="")
    lon = models.DecimalField("经度", max_digits=9, decimal_places=6, null=True)
    lat = models.DecimalField("纬度", max_digits=9, decimal_places=6, null=True)
    observed_at = models.DateTimeField("观测时间")
    received_at = models.DateTimeField("接收时间", db_default=Now())
    score = models.DecimalField("置信度", max_digits=6, decimal_places=4, null=True)
    evidence = models.JSONField("证据", db_default=models.Value([], models.JSONField()))
    detail = models.JSONField("细节", db_default=models.Value({}, models.JSONField()))
    model = models.TextField("模型", db_default="")
    origin = models.TextField("数据性质", choices=Origin)
    state = models.TextField("状态", choices=State, db_default="pending")
    dropped_because = models.TextField("不立案原因", db_default="")
    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="上报人"
    )
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="signals", verbose_name="案件")

    class Meta:
        verbose_name = verbose_name_plural = "信号"
        db_table = "signal"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["detected", "cleared", "health"]), name="signal_kind"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "attached", "dropped"]), name="signal_state"
            ),
            models.CheckConstraint(condition=Q(source_kind__in=SourceKind.values), name="signal_source_kind"),
            models.CheckConstraint(condition=Q(origin__in=Origin.values), name="signal_origin"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="pending"), name="signal_pending"),
            models.Index(fields=["scenario", "id"], condition=Q(state="pending"), name="signal_urgent"),
            models.Index(fields=["source_id", "-observed_at"], name="signal_source"),
            models.Index(
                fields=["source_id", "zone", "case"],
                condition=Q(case__isnull=False) & ~Q(source_id=""),
                name="signal_joined",
            ),
            models.Index(
                fields=["scenario", "observed_at"],
                condition=Q(state="dropped", kind="cleared"),
                name="signal_early",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Transition(models.Model):
    """One step of a case. Append-only: replaying a case's rows gives its state and version.

    `actor` is None for the platform's own steps. The first row of a case goes from "" to `detected`.
    """

    # Steps are read by their case, whose index is that of the constraint below; writing hundreds of thousands
    # of them should not pay for indexes that nobody reads.
    case = models.ForeignKey(
        Case, models.PROTECT, related_name="transitions", verbose_name="案件", db_index=False
    )
    version = models.IntegerField("版本", help_text="这一步之后案件的版本")
    from_state = models.CharField("原状态", max_length=16, choices=State, blank=True)
    to_state = models.CharField("新状态", max_length=16, choices=State)
    action = models.CharField("动作", max_length=32)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name="办理人",
        db_index=False,
    )
    organisation = models.ForeignKey(
        "accounts.Organisation",
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name="办理单位",
        db_index=False,
    )
    reason = models.CharField("理由", max_length=500, blank=True)
    rules_version = models.IntegerField("流转规则版本")
    at = models.DateTimeField("时间")
    data = models.JSONField("细节", default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "流转记录"
        db_table = "transition"
        ordering = ["case_id", "version"]
        constraints = [models.UniqueConstraint("case", "version", name="transition_once")]
        indexes = [
            models.Index(fields=["case"], condition=Q(action="send_resource"), name="transition_sent"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.version} {self.action}"


class CaseMessage(models.Model):
    """What somebody wrote to the others on a case. Append-only; no step: the case's version stays.

    `role` is the post under which it was written. `key` is the form's own: sent twice it counts once.
    """

    case = models.ForeignKey(
        Case, models.PROTECT, related_name="messages", verbose_name="案件", db_index=False
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="留言人", db_index=False
    )
    organisation = models.ForeignKey(
        "accounts.Organisation",
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name="留言单位",
        db_index=False,
    )
    role = models.CharField("岗位", max_length=48)
    text = models.CharField("内容", max_length=1000)
    key = models.CharField("幂等键", max_length=64)
    at = models.DateTimeField("时间")
    pictures: "models.ManyToManyField[Evidence, models.Model]" = models.ManyToManyField(
        "Evidence", related_name="+", db_table="case_message_picture", verbose_name="照片"
    )

    class Meta:
        verbose_name = verbose_name_plural = "案件留言"
        db_table = "case_message"
        ordering = ["id"]
        constraints = [models.UniqueConstraint("case", "author", "key", name="case_message_once")]
        indexes = [models.Index(fields=["case", "id"], name="case_message_case")]
        permissions = [("write_case", "案件留言")]

    def __str__(self) -> str:
        return f"{self.case_id}#{self.pk}"


class ReadMark(models.Model):
    """How far a person has read what others wrote on a case: `message_id` is the last one shown."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name="人员"
    )
    case = models.ForeignKey(
        Case, models.CASCADE, related_name="read_marks", verbose_name="案件", db_index=False
    )
    message_id = models.BigIntegerField("读到")

    class Meta:
        verbose_name = verbose_name_plural = "已读标记"
        db_table = "case_read_mark"
        ordering = ["id"]
        constraints = [models.UniqueConstraint("case", "person", name="case_read_mark_once")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.person_id}"


class Evidence(models.Model):
    """A picture of a case, stored by its hash. EXIF stands in columns, not in the picture."""

    class Kind(models.TextChoices):
        NEAR = "near", "近景"
        BEFORE = "before", "处置前"
        AFTER = "after", "处置后"
        REFERENCE = "reference", "参照"
        RECHECK = "recheck", "复核"
        MESSAGE = "message", "留言照片"

    case = models.ForeignKey(Case, models.PROTECT, related_name="evidence", verbose_name="案件")
    signal = models.ForeignKey(
        Signal, models.PROTECT, null=True, related_name="pictures", verbose_name="信号"
    )
    kind = models.CharField("种类", max_length=12, choices=Kind)
    bucket = models.CharField("存储桶", max_length=80)
    object_key = models.CharField("对象键", max_length=200)
    sha256 = models.CharField("SHA-256", max_length=64)
    width = models.IntegerField("宽（像素）", null=True)
    height = models.IntegerField("高（像素）", null=True)
    taken_at = models.DateTimeField("拍摄时间", null=True, help_text="照片自己写明的时间")
    lon = models.DecimalField("经度", max_digits=9, decimal_places=6, null=True)
    lat = models.DecimalField("纬度", max_digits=9, decimal_places=6, null=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="上传人"
    )
    added_at = models.DateTimeField("入库时间")
    detail = models.JSONField("细节", default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "证据"
        db_table = "evidence"
        ordering = ["id"]
        constraints = [models.UniqueConstraint("case", "kind", "sha256", name="evidence_once")]

    def __str__(self) -> str:
        return self.object_key


class Clock(models.Model):
    """One time limit of a case. `consumed_seconds` ran before `started_at`, in the unit's own time.

    `handler` is whose time it is: what remains of a paused one is for nobody else.
    """

    class State(models.TextChoices):
        RUNNING = "running", "计时中"
        PAUSED = "paused", "暂停"
        STOPPED = "stopped", "已停"

    class Unit(models.TextChoices):
        URGENT_HOUR = "urgent_hour", "紧急工作时"
        WORKING_HOUR = "working_hour", "工作时"
        WORKING_DAY = "working_day", "工作日"
        NATURAL_DAY = "natural_day", "自然日"

    case = models.ForeignKey(Case, models.PROTECT, related_name="clocks", verbose_name="案件")
    stage = models.CharField("环节", max_length=16)
    state = models.CharField("状态", max_length=8, choices=State, default=State.RUNNING)
    unit = models.CharField("时限单位", max_length=16, choices=Unit)
    budget = models.DecimalField("时限", max_digits=8, decimal_places=2)
    consumed_seconds = models.IntegerField("此前已用（秒）", default=0)
    started_at = models.DateTimeField("起算时间", help_text="最近一次开始或恢复")
    due_at = models.DateTimeField("到期时间", null=True, help_text="暂停或停止后为空")
    stopped_at = models.DateTimeField("停止时间", null=True)
    overdue = models.BooleanField("超期", default=False)
    provisional = models.BooleanField("节假日未公布", default=False)
    level = models.IntegerField("已提醒级别", default=0)
    handler = models.ForeignKey(  # always one that its case had, whose own column has the constraint
        "accounts.Organisation",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        verbose_name="计时单位",
        db_index=False,
        db_constraint=False,
    )

    class Meta:
        verbose_name = verbose_name_plural = "时限"
        db_table = "clock"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("case", "stage", condition=~Q(state="stopped"), name="clock_one_a_stage"),
            models.CheckConstraint(condition=Q(budget__gt=0), name="clock_budget"),
            models.CheckConstraint(
                condition=Q(state="running", due_at__isnull=False)
                | (~Q(state="running") & Q(due_at__isnull=True)),
                name="clock_due",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(state="running"), name="clock_running")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.stage}"


class Notification(models.Model):
    """One message to one address: the outbox. Sent at least once; `key` goes along so a receiver can tell.
    What is urgent goes before all that waits, except before an earlier message of its own case and address.

    `channel` is `log`, or `url:` and the first 12 hex digits of the address's SHA-256: an address may hold a
    secret, so it stays with the organisation or in the settings.
    """

    class State(models.TextChoices):
        PENDING = "pending", "待发送"
        SENT = "sent", "已发送"
        DEAD = "dead", "发送失败"

    key = models.CharField("幂等键", max_length=160, unique=True)
    case = models.ForeignKey(
        Case, models.PROTECT, null=True, related_name="notifications", verbose_name="案件"
    )
    reason = models.CharField("事由", max_length=32)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="+", verbose_name="收件单位"
    )
    channel = models.CharField("渠道", max_length=20)
    subject = models.CharField("标题", max_length=200)
    body = models.TextField("正文")
    urgent = models.BooleanField("加急", default=False, db_default=False)
    state = models.CharField("状态", max_length=8, choices=State, default=State.PENDING)
    attempts = models.IntegerField("尝试次数", default=0)
    next_at = models.DateTimeField("下次发送时间")
    leased_until = models.DateTimeField("占用至", null=True)
    last_error = models.CharField("最近错误", max_length=300, blank=True)
    created_at = models.DateTimeField("生成时间")
    sent_at = models.DateTimeField("发送时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "通知"
        db_table = "notification"
        ordering = ["id"]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(state="pending"), name="notification_due"),
            models.Index(fields=["-urgent", "id"], condition=Q(state="pending"), name="notification_turn"),
            models.Index(
                fields=["case", "organisation", "channel", "id"],
                condition=Q(state="pending"),
                name="notification_first",
            ),
            models.Index(fields=["case", "organisation"], name="notification_case"),
            models.Index(fields=["channel", "id"], name="notification_channel"),
        ]

    def __str__(self) -> str:
        return self.key


class DeviceHealth(models.Model):
    """What a camera or sensor last said of itself: a device that sees nothing makes no case."""

    source_kind = models.CharField("来源", max_length=16, choices=SourceKind)
    source_id = models.CharField("摄像头或设备", max_length=64)
    place_name = models.CharField("地点", max_length=200, blank=True)
    area_code = models.CharField("所在村（社区）代码", max_length=12, blank=True)
    condition = models.CharField("状况", max_length=48)
    detail = models.JSONField("细节", default=dict)
    observed_at = models.DateTimeField("观测时间")

    class Meta:
        verbose_name = verbose_name_plural = "设备健康"
        db_table = "device_health"
        ordering = ["-observed_at"]
        constraints = [models.UniqueConstraint("source_kind", "source_id", name="device_health_one")]

    def __str__(self) -> str:
        return f"{self.source_id} {self.condition}"


class HistoryBatch(models.Model):
    """Cases of the past that were written together, once. Append-only; the ledger has an entry of each."""

    key = models.CharField("批次", max_length=120, unique=True)
    told_sha256 = models.CharField("所述内容 SHA-256", max_length=64)
    sha256 = models.CharField("流转记录 SHA-256", max_length=64)
    cases = models.IntegerField("案件数")
    steps = models.IntegerField("流转数")
    clocks = models.IntegerField("时限数")
    as_of = models.DateTimeField("截至时间")
    written_at = models.DateTimeField("写入时间")
    origin = models.CharField("数据性质", max_length=9, choices=Origin)

    class Meta:
        verbose_name = verbose_name_plural = "历史案件批次"
        db_table = "case_history"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(origin__in=Origin.values), name="case_history_origin")
        ]

    def __str__(self) -> str:
        return self.key


class ClassEdition(models.Model):
    """The case classes as they were published together, once. Append-only; the ledger has each one's hash."""

    scheme = models.CharField("分类标准", max_length=48)
    version = models.CharField("版本", max_length=24)
    sha256 = models.CharField("内容 SHA-256", max_length=64)
    content = models.JSONField("内容")
    published_at = models.DateTimeField("发布时间")

    class Meta:
        verbose_name = verbose_name_plural = "分类标准版本"
        db_table = "case_class_edition"
        ordering = ["id"]
        constraints = [models.UniqueConstraint("scheme", "version", name="case_class_edition_once")]

    def __str__(self) -> str:
        return "/".join(self.key)

    @property
    def key(self) -> tuple[str, str]:
        return self.scheme, self.version


class Warden(models.Model):
    """Somebody who answers for a place and is woken; a code, no name. `ordinal` says who is woken first."""

    place_id = models.CharField("地点编号", max_length=64)
    ordinal = models.IntegerField("次序")
    code = models.CharField("责任人编号", max_length=64)
    role = models.CharField("责任人类别", max_length=60, blank=True)
    is_active = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "点位责任人"
        db_table = "warden"
        ordering = ["place_id", "ordinal"]
        constraints = [models.UniqueConstraint("place_id", "code", name="warden_once")]

    def __str__(self) -> str:
        return self.code


class NotifyTarget(models.Model):
    """An address of an organisation, a person or a warden: any that Apprise knows.

    Between `quiet_from` and `quiet_to` (Asia/Shanghai, may pass midnight) only urgent cases are told at once;
    the others wait until the quiet hours end. `channel` is the address's hash, as the outbox names it.
    """

    organisation = models.ForeignKey(
        "accounts.Organisation", models.CASCADE, null=True, related_name="+", verbose_name="机构"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+", verbose_name="人员"
    )
    warden = models.ForeignKey(
        Warden, models.CASCADE, null=True, related_name="targets", verbose_name="点位责任人"
    )
    label = models.CharField("说明", max_length=60, blank=True)
    url = models.CharField("通知地址", max_length=500)
    channel = models.CharField("渠道", max_length=20)
    quiet_from = models.TimeField("免打扰开始", null=True)
    quiet_to = models.TimeField("免打扰结束", null=True)
    is_active = models.BooleanField("启用", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "通知地址"
        db_table = "notify_target"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(organisation__isnull=False, person__isnull=True, warden__isnull=True)
                | Q(organisation__isnull=True, person__isnull=False, warden__isnull=True)
                | Q(organisation__isnull=True, person__isnull=True, warden__isnull=False),
                name="notify_target_one_owner",
            ),
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_to__isnull=True)
                | Q(quiet_from__isnull=False, quiet_to__isnull=False),
                name="notify_target_quiet",
            ),
            models.UniqueConstraint(
                "organisation", "person", "warden", "channel", name="notify_target_once", nulls_distinct=False
            ),
        ]
        indexes = [models.Index(fields=["channel"], name="notify_target_channel")]

    def __str__(self) -> str:
        return self.label or self.channel


class WakeUp(models.Model):
    """A warden who is woken about a case, until somebody answers or the case is over.

    The case's wake-ups stand in a row: one rings at a time, the next one begins when it stayed silent.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "待呼叫"
        RINGING = "ringing", "呼叫中"
        ANSWERED = "answered", "已应答"
        SILENT = "silent", "无人应答"
        ENDED = "ended", "无需再呼叫"

    case = models.ForeignKey(Case, models.PROTECT, related_name="wake_ups", verbose_name="案件")
    warden = models.ForeignKey(Warden, models.PROTECT, related_name="+", verbose_name="责任人")
    ordinal = models.IntegerField("次序")
    state = models.CharField("状态", max_length=8, choices=State, default=State.WAITING)
    rings = models.IntegerField("已呼叫次数", default=0)
    next_at = models.DateTimeField("下次呼叫时间", null=True)
    answered_at = models.DateTimeField("应答时间", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "叫应"
        db_table = "wake_up"
        ordering = ["case_id", "ordinal"]
        constraints = [
            models.UniqueConstraint("case", "ordinal", name="wake_up_once"),
            models.UniqueConstraint("case", condition=Q(state="ringing"), name="wake_up_one_rings"),
        ]
        indexes = [models.Index(fields=["next_at"], condition=Q(state="ringing"), name="wake_up_due")]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.ordinal}"
