"""Addresses of the phone's pages."""

from django.urls import path

from citybrain.desk.phone import find, flood, front, lanes, me, reporting, shell, tasks

app_name = "phone"
urlpatterns = [
    path("", front.open_app, name="tasks"),
    path("manifest.webmanifest", shell.manifest, name="manifest"),
    path("worker.js", shell.worker, name="worker"),
    path("without-network/", shell.without_network, name="without-network"),
    path("find/", find.index, name="find"),
    path("me/", me.show, name="me"),
    path("report/", reporting.report_page, name="report"),
    path("report/<slug:key>/", reporting.reported, name="reported"),
    path("lanes/", lanes.index, name="lanes"),
    path("flood/", flood.board, name="flood"),
    path("flood/answer/<int:wake_up_id>/", flood.answer, name="flood-answer"),
    path("flood/ask/<slug:number>/", flood.ask_for_help, name="flood-ask"),
    path("<slug:number>/", tasks.show, name="task"),
    path("<slug:number>/say/", tasks.say, name="say"),
    path("<slug:number>/do/<slug:action>/", tasks.take, name="take"),
]
