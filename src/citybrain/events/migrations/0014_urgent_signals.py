"""Signals of urgent scenarios are found among tens of thousands that wait."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("events", "0013_city_sees_with_the_platform")]

    operations = [
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(fields=["scenario", "id"], condition=Q(state="pending"), name="signal_urgent"),
        ),
    ]
