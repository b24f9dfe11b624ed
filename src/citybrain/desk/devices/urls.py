"""Addresses of the register of devices."""

from django.urls import path

from citybrain.desk.devices import pages

app_name = "devices"
urlpatterns = [
    path("", pages.index, name="register"),
    path("export/", pages.download, name="export"),
]
