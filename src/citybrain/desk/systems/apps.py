"""The Django app of connected systems."""

from django.apps import AppConfig


class SystemsConfig(AppConfig):
    name = "citybrain.desk.systems"
    label = "systems"
    verbose_name = "接入系统"
