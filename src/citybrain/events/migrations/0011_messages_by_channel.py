"""What was sent to one webhook is found among millions of messages to people."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0010_pictures_of_messages")]

    operations = [
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(fields=["channel", "id"], name="notification_channel"),
        ),
    ]
