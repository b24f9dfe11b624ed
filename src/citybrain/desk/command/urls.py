"""Addresses of the command page."""

from django.urls import path

from citybrain.desk.command import page, sending

app_name = "command"
urlpatterns = [
    path("", page.show, name="page"),
    path("state/", page.state, name="state"),
    path("send/", sending.send_force, name="send"),
]
