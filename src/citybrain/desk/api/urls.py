"""Addresses of the JSON API."""

from citybrain.desk.api.site import patterns

app_name = "api"
urlpatterns = patterns()
