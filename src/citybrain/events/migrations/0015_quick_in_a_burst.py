"""In a burst, what is asked of each signal and each message stays as quick however many of them wait: the
cases of a device are found by the device, the earlier messages of a case by the case.
"""

from django.db import migrations, models
from django.db.models import Q

ENDED = ("closed", "voided")


class Migration(migrations.Migration):
    dependencies = [("events", "0014_urgent_signals")]

    operations = [
        migrations.RemoveConstraint(model_name="case", name="event_case_one_open"),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(
                "source_id",
                "zone",
                "scenario",
                "class_code",
                condition=~Q(state__in=ENDED) & ~Q(source_id=""),
                name="event_case_one_open",
            ),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(
                fields=["source_id", "zone", "case"],
                condition=Q(case__isnull=False) & ~Q(source_id=""),
                name="signal_joined",
            ),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                fields=["case", "organisation", "channel", "id"],
                condition=Q(state="pending"),
                name="notification_first",
            ),
        ),
    ]
