"""Addresses of the case pages."""

from django.urls import path

from citybrain.desk.cases import bulk, devices, merging, one, pictures, queue

app_name = "cases"
urlpatterns = [
    path("", queue.index, name="queue"),
    path("devices/", devices.index, name="devices"),
    path("bulk/<slug:action>/", bulk.take, name="bulk"),
    path("<slug:number>/", one.show, name="case"),
    path("<slug:number>/do/<slug:action>/", one.take, name="take"),
    path("<slug:number>/join/", merging.join_case, name="join"),
    path("<slug:number>/split/", merging.split_case, name="split"),
    path("<slug:number>/picture/<int:evidence_id>/", pictures.picture, name="picture"),
]
