"""Teams and pumps are sent and asked for; petitions are found by an index of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0007_urgent_first")]

    operations = [
        migrations.AlterModelOptions(
            name="case",
            options={
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
                    ("approve_case", "审批延期与挂账"),
                    ("judge_case", "审议超时申诉"),
                    ("force_case", "强制结案"),
                    ("visit_case", "回访"),
                    ("split_case", "合并与拆分"),
                    ("send_resource", "调派救援力量"),
                    ("ask_resource", "请求支援"),
                ],
                "verbose_name": "案件",
                "verbose_name_plural": "案件",
            },
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                fields=["petition"],
                condition=models.Q(("petition", ""), _negated=True),
                name="event_case_petition",
            ),
        ),
        migrations.AddIndex(
            model_name="transition",
            index=models.Index(
                fields=["case"], condition=models.Q(("action", "send_resource")), name="transition_sent"
            ),
        ),
    ]
