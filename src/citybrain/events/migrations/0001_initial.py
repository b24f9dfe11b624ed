"""Signals, cases and what belongs to a case."""

import django.db.models.deletion
import django.db.models.functions.datetime
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
            name="Case",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=24, unique=True, verbose_name="编号")),
                ("scenario", models.CharField(max_length=48, verbose_name="场景")),
                ("class_code", models.CharField(max_length=48, verbose_name="类别")),
                ("class_scheme", models.CharField(max_length=48, verbose_name="分类标准")),
                ("class_version", models.CharField(max_length=24, verbose_name="标准版本")),
                ("class_big", models.CharField(max_length=8, verbose_name="大类")),
                ("class_small", models.CharField(max_length=8, verbose_name="小类")),
                ("title", models.CharField(max_length=200, verbose_name="标题")),
                ("place_id", models.CharField(blank=True, max_length=64, verbose_name="地点编号")),
                ("place_name", models.CharField(blank=True, max_length=200, verbose_name="地点")),
                ("area_code", models.CharField(blank=True, max_length=12, verbose_name="所在村（社区）代码")),
                ("grid_code", models.CharField(blank=True, max_length=15, verbose_name="单元网格")),
                ("lon", models.DecimalField(decimal_places=6, max_digits=9, null=True, verbose_name="经度")),
                ("lat", models.DecimalField(decimal_places=6, max_digits=9, null=True, verbose_name="纬度")),
                (
                    "source_kind",
                    models.CharField(
                        choices=[
                            ("video", "视频巡查"),
                            ("iot", "物联感知"),
                            ("gps", "车辆定位"),
                            ("satellite", "卫星遥感"),
                            ("data", "数据比对"),
                            ("citizen", "市民上报"),
                            ("hotline", "12345热线"),
                            ("collector", "采集员上报"),
                        ],
                        help_text="最先发现的来源",
                        max_length=16,
                        verbose_name="来源",
                    ),
                ),
                ("source_kinds", models.JSONField(default=list, verbose_name="全部来源")),
                ("source_id", models.CharField(blank=True, max_length=64, verbose_name="摄像头或设备")),
                ("zone", models.CharField(blank=True, max_length=64, verbose_name="区域")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("detected", "待核实"),
                            ("confirmed", "待立案"),
                            ("filed", "待派遣"),
                            ("dispatched", "待接单"),
                            ("accepted", "已接单"),
                            ("handling", "处置中"),
                            ("handled", "已处置"),
                            ("checking", "核查中"),
                            ("rework", "返工"),
                            ("suspended", "挂账"),
                            ("closed", "已结案"),
                            ("voided", "已作废"),
                        ],
                        default="detected",
                        max_length=16,
                        verbose_name="状态",
                    ),
                ),
                ("urgent", models.BooleanField(default=False, verbose_name="紧急")),
                ("found_at", models.DateTimeField(verbose_name="发现时间")),
                ("filed_at", models.DateTimeField(null=True, verbose_name="立案时间")),
                (
                    "deadline_at",
                    models.DateTimeField(help_text="暂停计时期间为空", null=True, verbose_name="处置时限"),
                ),
                ("handled_at", models.DateTimeField(null=True, verbose_name="处置完成时间")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="结案时间")),
                ("sightings", models.IntegerField(default=0, verbose_name="发现次数")),
                ("last_seen_at", models.DateTimeField(null=True, verbose_name="最近发现时间")),
                ("cleared_at", models.DateTimeField(null=True, verbose_name="现场消除时间")),
                ("rework_count", models.IntegerField(default=0, verbose_name="返工次数")),
                (
                    "origin",
                    models.CharField(
                        choices=[("synthetic", "合成数据"), ("real", "真实数据")],
                        max_length=9,
                        verbose_name="数据性质",
                    ),
                ),
                ("version", models.IntegerField(default=0, verbose_name="版本")),
                (
                    "handler",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="承办单位",
                    ),
                ),
                (
                    "lead",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="牵头部门",
                    ),
                ),
                (
                    "reporter",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="上报人",
                    ),
                ),
                (
                    "reporter_organisation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="上报单位",
                    ),
                ),
            ],
            options={
                "verbose_name": "案件",
                "verbose_name_plural": "案件",
                "db_table": "event_case",
                "ordering": ["-id"],
                "permissions": [
                    ("report_case", "上报事件"),
                    ("confirm_case", "核实"),
                    ("file_case", "立案"),
                    ("dispatch_case", "派遣"),
                    ("handle_case", "处置"),
                    ("check_case", "核查"),
                    ("suspend_case", "挂账"),
                    ("void_case", "作废"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Clock",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stage", models.CharField(max_length=16, verbose_name="环节")),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "计时中"), ("paused", "暂停"), ("stopped", "已停")],
                        default="running",
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                (
                    "unit",
                    models.CharField(
                        choices=[
                            ("urgent_hour", "紧急工作时"),
                            ("working_hour", "工作时"),
                            ("working_day", "工作日"),
                            ("natural_day", "自然日"),
                        ],
                        max_length=16,
                        verbose_name="时限单位",
                    ),
                ),
                ("budget", models.DecimalField(decimal_places=2, max_digits=8, verbose_name="时限")),
                ("consumed_seconds", models.IntegerField(default=0, verbose_name="此前已用（秒）")),
                ("started_at", models.DateTimeField(help_text="最近一次开始或恢复", verbose_name="起算时间")),
                (
                    "due_at",
                    models.DateTimeField(help_text="暂停或停止后为空", null=True, verbose_name="到期时间"),
                ),
                ("stopped_at", models.DateTimeField(null=True, verbose_name="停止时间")),
                ("overdue", models.BooleanField(default=False, verbose_name="超期")),
                ("provisional", models.BooleanField(default=False, verbose_name="节假日未公布")),
                ("level", models.IntegerField(default=0, verbose_name="已提醒级别")),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clocks",
                        to="events.case",
                        verbose_name="案件",
                    ),
                ),
            ],
            options={
                "verbose_name": "时限",
                "verbose_name_plural": "时限",
                "db_table": "clock",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="DeviceHealth",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source_kind",
                    models.CharField(
                        choices=[
                            ("video", "视频巡查"),
                            ("iot", "物联感知"),
                            ("gps", "车辆定位"),
                            ("satellite", "卫星遥感"),
                            ("data", "数据比对"),
                            ("citizen", "市民上报"),
                            ("hotline", "12345热线"),
                            ("collector", "采集员上报"),
                        ],
                        max_length=16,
                        verbose_name="来源",
                    ),
                ),
                ("source_id", models.CharField(max_length=64, verbose_name="摄像头或设备")),
                ("place_name", models.CharField(blank=True, max_length=200, verbose_name="地点")),
                ("area_code", models.CharField(blank=True, max_length=12, verbose_name="所在村（社区）代码")),
                ("condition", models.CharField(max_length=48, verbose_name="状况")),
                ("detail", models.JSONField(default=dict, verbose_name="细节")),
                ("observed_at", models.DateTimeField(verbose_name="观测时间")),
            ],
            options={
                "verbose_name": "设备健康",
                "verbose_name_plural": "设备健康",
                "db_table": "device_health",
                "ordering": ["-observed_at"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("source_kind"), models.F("source_id"), name="device_health_one"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=160, unique=True, verbose_name="幂等键")),
                ("reason", models.CharField(max_length=32, verbose_name="事由")),
                ("channel", models.CharField(max_length=20, verbose_name="渠道")),
                ("subject", models.CharField(max_length=200, verbose_name="标题")),
                ("body", models.TextField(verbose_name="正文")),
                (
                    "state",
                    models.CharField(
                        choices=[("pending", "待发送"), ("sent", "已发送"), ("dead", "发送失败")],
                        default="pending",
                        max_length=8,
                        verbose_name="状态",
                    ),
                ),
                ("attempts", models.IntegerField(default=0, verbose_name="尝试次数")),
                ("next_at", models.DateTimeField(verbose_name="下次发送时间")),
                ("leased_until", models.DateTimeField(null=True, verbose_name="占用至")),
                ("last_error", models.CharField(blank=True, max_length=300, verbose_name="最近错误")),
                ("created_at", models.DateTimeField(verbose_name="生成时间")),
                ("sent_at", models.DateTimeField(null=True, verbose_name="发送时间")),
                (
                    "case",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notifications",
                        to="events.case",
                        verbose_name="案件",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="收件单位",
                    ),
                ),
            ],
            options={
                "verbose_name": "通知",
                "verbose_name_plural": "通知",
                "db_table": "notification",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Signal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.TextField(unique=True, verbose_name="幂等键")),
                ("scenario", models.TextField(verbose_name="场景")),
                ("class_code", models.TextField(verbose_name="类别")),
                (
                    "kind",
                    models.TextField(
                        choices=[("detected", "发现"), ("cleared", "消除"), ("health", "设备健康")],
                        verbose_name="种类",
                    ),
                ),
                (
                    "source_kind",
                    models.TextField(
                        choices=[
                            ("video", "视频巡查"),
                            ("iot", "物联感知"),
                            ("gps", "车辆定位"),
                            ("satellite", "卫星遥感"),
                            ("data", "数据比对"),
                            ("citizen", "市民上报"),
                            ("hotline", "12345热线"),
                            ("collector", "采集员上报"),
                        ],
                        verbose_name="来源",
                    ),
                ),
                ("source_id", models.TextField(db_default="", verbose_name="摄像头或设备")),
                ("zone", models.TextField(db_default="", verbose_name="区域")),
                ("place_id", models.TextField(db_default="", verbose_name="地点编号")),
                ("place_name", models.TextField(db_default="", verbose_name="地点")),
                ("area_code", models.TextField(db_default="", verbose_name="所在村（社区）代码")),
                ("lon", models.DecimalField(decimal_places=6, max_digits=9, null=True, verbose_name="经度")),
                ("lat", models.DecimalField(decimal_places=6, max_digits=9, null=True, verbose_name="纬度")),
                ("observed_at", models.DateTimeField(verbose_name="观测时间")),
                (
                    "received_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="接收时间"
                    ),
                ),
                (
                    "score",
                    models.DecimalField(decimal_places=4, max_digits=6, null=True, verbose_name="置信度"),
                ),
                (
                    "evidence",
                    models.JSONField(db_default=models.Value([], models.JSONField()), verbose_name="证据"),
                ),
                (
                    "detail",
                    models.JSONField(db_default=models.Value({}, models.JSONField()), verbose_name="细节"),
                ),
                ("model", models.TextField(db_default="", verbose_name="模型")),
                (
                    "origin",
                    models.TextField(
                        choices=[("synthetic", "合成数据"), ("real", "真实数据")], verbose_name="数据性质"
                    ),
                ),
                (
                    "state",
                    models.TextField(
                        choices=[("pending", "待处理"), ("attached", "已归案"), ("dropped", "不立案")],
                        db_default="pending",
                        verbose_name="状态",
                    ),
                ),
                ("dropped_because", models.TextField(db_default="", verbose_name="不立案原因")),
                (
                    "case",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signals",
                        to="events.case",
                        verbose_name="案件",
                    ),
                ),
                (
                    "reporter",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="上报人",
                    ),
                ),
            ],
            options={
                "verbose_name": "信号",
                "verbose_name_plural": "信号",
                "db_table": "signal",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Evidence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("near", "近景"),
                            ("before", "处置前"),
                            ("after", "处置后"),
                            ("reference", "参照"),
                            ("recheck", "复核"),
                        ],
                        max_length=12,
                        verbose_name="种类",
                    ),
                ),
                ("bucket", models.CharField(max_length=80, verbose_name="存储桶")),
                ("object_key", models.CharField(max_length=200, verbose_name="对象键")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("width", models.IntegerField(null=True, verbose_name="宽（像素）")),
                ("height", models.IntegerField(null=True, verbose_name="高（像素）")),
                (
                    "taken_at",
                    models.DateTimeField(help_text="照片自己写明的时间", null=True, verbose_name="拍摄时间"),
                ),
                ("lon", models.DecimalField(decimal_places=6, max_digits=9, null=True, verbose_name="经度")),
                ("lat", models.DecimalField(decimal_places=6, max_digits=9, null=True, verbose_name="纬度")),
                ("added_at", models.DateTimeField(verbose_name="入库时间")),
                ("detail", models.JSONField(default=dict, verbose_name="细节")),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="events.case",
                        verbose_name="案件",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="上传人",
                    ),
                ),
                (
                    "signal",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="pictures",
                        to="events.signal",
                        verbose_name="信号",
                    ),
                ),
            ],
            options={
                "verbose_name": "证据",
                "verbose_name_plural": "证据",
                "db_table": "evidence",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Transition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.IntegerField(help_text="这一步之后案件的版本", verbose_name="版本")),
                (
                    "from_state",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("detected", "待核实"),
                            ("confirmed", "待立案"),
                            ("filed", "待派遣"),
                            ("dispatched", "待接单"),
                            ("accepted", "已接单"),
                            ("handling", "处置中"),
                            ("handled", "已处置"),
                            ("checking", "核查中"),
                            ("rework", "返工"),
                            ("suspended", "挂账"),
                            ("closed", "已结案"),
                            ("voided", "已作废"),
                        ],
                        max_length=16,
                        verbose_name="原状态",
                    ),
                ),
                (
                    "to_state",
                    models.CharField(
                        choices=[
                            ("detected", "待核实"),
                            ("confirmed", "待立案"),
                            ("filed", "待派遣"),
                            ("dispatched", "待接单"),
                            ("accepted", "已接单"),
                            ("handling", "处置中"),
                            ("handled", "已处置"),
                            ("checking", "核查中"),
                            ("rework", "返工"),
                            ("suspended", "挂账"),
                            ("closed", "已结案"),
                            ("voided", "已作废"),
                        ],
                        max_length=16,
                        verbose_name="新状态",
                    ),
                ),
                ("action", models.CharField(max_length=32, verbose_name="动作")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="理由")),
                ("rules_version", models.IntegerField(verbose_name="流转规则版本")),
                ("at", models.DateTimeField(verbose_name="时间")),
                ("data", models.JSONField(default=dict, verbose_name="细节")),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="办理人",
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transitions",
                        to="events.case",
                        verbose_name="案件",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="办理单位",
                    ),
                ),
            ],
            options={
                "verbose_name": "流转记录",
                "verbose_name_plural": "流转记录",
                "db_table": "transition",
                "ordering": ["case_id", "version"],
            },
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["state", "deadline_at"], name="event_case_queue"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["handler", "state"], name="event_case_handler"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["scenario", "place_id"], name="event_case_place"),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(
                models.F("scenario"),
                models.F("class_code"),
                models.F("source_id"),
                models.F("zone"),
                condition=models.Q(
                    models.Q(("state__in", ("closed", "voided")), _negated=True),
                    models.Q(("source_id", ""), _negated=True),
                ),
                name="event_case_one_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "detected",
                            "confirmed",
                            "filed",
                            "dispatched",
                            "accepted",
                            "handling",
                            "handled",
                            "checking",
                            "rework",
                            "suspended",
                            "closed",
                            "voided",
                        ],
                    )
                ),
                name="event_case_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.CheckConstraint(
                condition=models.Q(("origin__in", ["synthetic", "real"])), name="event_case_origin"
            ),
        ),
        migrations.AddIndex(
            model_name="clock",
            index=models.Index(
                condition=models.Q(("state", "running")), fields=["due_at"], name="clock_running"
            ),
        ),
        migrations.AddConstraint(
            model_name="clock",
            constraint=models.UniqueConstraint(
                models.F("case"),
                models.F("stage"),
                condition=models.Q(("state", "stopped"), _negated=True),
                name="clock_one_a_stage",
            ),
        ),
        migrations.AddConstraint(
            model_name="clock",
            constraint=models.CheckConstraint(condition=models.Q(("budget__gt", 0)), name="clock_budget"),
        ),
        migrations.AddConstraint(
            model_name="clock",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("due_at__isnull", False), ("state", "running")),
                    models.Q(models.Q(("state", "running"), _negated=True), ("due_at__isnull", True)),
                    _connector="OR",
                ),
                name="clock_due",
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state", "pending")), fields=["next_at"], name="notification_due"
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(fields=["case", "organisation"], name="notification_case"),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(
                condition=models.Q(("state", "pending")), fields=["id"], name="signal_pending"
            ),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(fields=["source_id", "-observed_at"], name="signal_source"),
        ),
        migrations.AddConstraint(
            model_name="signal",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["detected", "cleared", "health"])), name="signal_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="signal",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["pending", "attached", "dropped"])), name="signal_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="signal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "source_kind__in",
                        ["video", "iot", "gps", "satellite", "data", "citizen", "hotline", "collector"],
                    )
                ),
                name="signal_source_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="signal",
            constraint=models.CheckConstraint(
                condition=models.Q(("origin__in", ["synthetic", "real"])), name="signal_origin"
            ),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.UniqueConstraint(
                models.F("case"), models.F("kind"), models.F("sha256"), name="evidence_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="transition",
            constraint=models.UniqueConstraint(models.F("case"), models.F("version"), name="transition_once"),
        ),
    ]
