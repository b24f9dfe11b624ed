"""The Django app of connected systems."""

from django.apps import AppConfig


class SystemsConfig(AppConfig):
    name = "citybrain.desk.systems"
    label = "systems"
    verbose_name = "接入系统"

    def ready(self) -> None:
        """Webhooks are written with the steps that they tell of."""
        from citybrain.desk.systems.announcing import announce
        from citybrain.events.acting import step_taken

        step_taken.connect(announce, dispatch_uid="webhooks")
