"""The app's name for Django."""

from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "citybrain.events"
    label = "events"
    verbose_name = "事件处置"
