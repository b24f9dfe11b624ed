"""Addresses of the grant pages."""

from django.urls import path

from citybrain.desk.grants import firms, lists, payments, trials

app_name = "grants"
urlpatterns = [
    path("", lists.index, name="lists"),
    path("<int:list_id>/", lists.show, name="list"),
    path("<int:list_id>/do/<slug:step>/", lists.take, name="take"),
    path("<int:list_id>/export.xlsx", lists.export, name="export"),
    path("<int:list_id>/<slug:status>/", lists.open_ends, name="open-ends"),
    path("line/<int:line_id>/", lists.line, name="line"),
    path("line/<int:line_id>/do/<slug:step>/", lists.take_on_line, name="take-on-line"),
    path("objection/<int:objection_id>/settle/", lists.settle, name="settle"),
    path("line/<int:line_id>/claim/", payments.claim, name="claim"),
    path("payment/<int:file_id>/", payments.show, name="payment"),
    path("payment/<int:file_id>/download/", lists.download, name="download"),
    path("payment/<int:file_id>/receipts/", payments.take_receipts, name="take-receipts"),
    path("trial/", trials.find, name="trials"),
    path("trial/<slug:item_id>/", trials.trial, name="trial"),
    path("recoveries/", payments.recoveries, name="recoveries"),
    path("recovery/<int:recovery_id>/settle/", payments.settle_claim, name="settle-claim"),
    path("firm/", lists.find_firm, name="find-firm"),
    path("firm/<slug:uscc>/", firms.firm, name="firm"),
    path("firm/<slug:uscc>/<slug:item_id>/", firms.why, name="why"),
]
