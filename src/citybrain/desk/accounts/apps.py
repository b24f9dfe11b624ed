"""The app's name for Django."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "citybrain.desk.accounts"
    label = "accounts"
    verbose_name = "机构与人员"
