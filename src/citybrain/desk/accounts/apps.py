"""The app's name for Django."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "citybrain.desk.accounts"
    label = "accounts"
    verbose_name = "机构与人员"

    def ready(self) -> None:
        """A sign-in notes whether it needs a second factor."""
        from django.contrib.auth.signals import user_logged_in

        from citybrain.desk.accounts.second_factor import note_need

        user_logged_in.connect(note_need, dispatch_uid="second_factor")
