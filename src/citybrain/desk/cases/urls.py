"""Addresses of the case pages."""

from django.urls import path

from citybrain.desk.cases import bulk, devices, export, kept_views, map, merging, one, pictures, queue

app_name = "cases"
urlpatterns = [
    path("", queue.index, name="queue"),
    path("counts/", queue.counts, name="counts"),
    path("map/", map.page, name="map"),
    path("map/points/", map.points, name="map-points"),
    path("export/", export.download, name="export"),
    path("views/", kept_views.keep, name="keep-view"),
    path("views/<int:view_id>/forget/", kept_views.forget, name="forget-view"),
    path("devices/", devices.index, name="devices"),
    path("bulk/<slug:action>/", bulk.take, name="bulk"),
    path("<slug:number>/", one.show, name="case"),
    path("<slug:number>/do/<slug:action>/", one.take, name="take"),
    path("<slug:number>/say/", one.say, name="say"),
    path("<slug:number>/join/", merging.join_case, name="join"),
    path("<slug:number>/split/", merging.split_case, name="split"),
    path("<slug:number>/picture/<int:evidence_id>/", pictures.picture, name="picture"),
]
