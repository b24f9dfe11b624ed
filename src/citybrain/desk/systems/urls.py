"""Addresses of the pages of connected systems."""

from django.urls import path

from citybrain.desk.systems import pages

app_name = "systems"
urlpatterns = [
    path("", pages.index, name="index"),
    path("<slug:code>/", pages.one, name="one"),
    path("<slug:code>/webhooks/", pages.add, name="add-webhook"),
    path("<slug:code>/webhooks/<int:webhook_id>/", pages.webhook, name="webhook"),
    path("<slug:code>/webhooks/<int:webhook_id>/do/<slug:action>/", pages.act, name="act"),
    path(
        "<slug:code>/webhooks/<int:webhook_id>/sent/<int:delivery_id>/again/", pages.again, name="send-again"
    ),
]
