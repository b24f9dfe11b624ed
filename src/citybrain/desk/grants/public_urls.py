"""Addresses that anybody may open: the public notices."""

from django.urls import path

from citybrain.desk.grants import firms, public

urlpatterns = [
    path("", public.index, name="grants-notices"),
    path("own/<str:token>/", firms.own, name="grants-own"),
    path("<slug:slug>/", public.notice, name="grants-notice"),
    path("<slug:slug>/filed/", public.filed, name="grants-notice-objection-filed"),
    path("<slug:slug>/<int:line_id>/", public.objection, name="grants-notice-objection"),
]
