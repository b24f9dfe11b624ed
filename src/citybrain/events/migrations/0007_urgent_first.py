"""What is urgent is sent first: a mark on each message, and the order in which the outbox is read."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0006_life_cycle_rules")]

    operations = [
        migrations.AddField(
            model_name="notification",
            name="urgent",
            field=models.BooleanField(db_default=False, default=False, verbose_name="加急"),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                fields=["-urgent", "id"], condition=models.Q(("state", "pending")), name="notification_turn"
            ),
        ),
    ]
