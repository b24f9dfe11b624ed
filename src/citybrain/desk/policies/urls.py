"""Addresses that anybody may open: the policies."""

from django.urls import path

from citybrain.desk.policies import pages

urlpatterns = [
    path("", pages.index, name="policies"),
    path("<str:document_id>/", pages.document, name="policy-document"),
]
