"""The app's name for Django."""

from django.apps import AppConfig


class GrantsConfig(AppConfig):
    name = "citybrain.policy.grants"
    label = "grants"
    verbose_name = "惠企资金"
