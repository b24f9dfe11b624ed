"""Addresses of Open311 GeoReport v2: the ending says the format."""

from django.urls import re_path

from citybrain.desk.open311 import views

_FORM = r"\.(?P<form>xml|json)$"

urlpatterns = [
    re_path(rf"^discovery{_FORM}", views.discovery, name="open311-discovery"),
    re_path(rf"^services{_FORM}", views.services, name="open311-services"),
    re_path(rf"^services/(?P<code>[a-z0-9_]{{1,48}}){_FORM}", views.service, name="open311-service"),
    re_path(rf"^requests{_FORM}", views.requests, name="open311-requests"),
    re_path(rf"^requests/(?P<number>[A-Z0-9-]{{1,24}}){_FORM}", views.one_request, name="open311-request"),
    re_path(rf"^tokens/(?P<token>[0-9a-f]{{32}}){_FORM}", views.token, name="open311-token"),
]
