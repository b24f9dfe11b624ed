"""The app's name for Django, which migrates the one right that sensing has in the desk's schema."""

from django.apps import AppConfig


class SensingConfig(AppConfig):
    name = "citybrain.sensing"
    label = "sensing"
    verbose_name = "感知规则"
