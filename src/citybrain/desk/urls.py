"""Every address of the desk."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from citybrain.desk import pages
from citybrain.desk.accounts import single_sign_on
from citybrain.desk.accounts.second_factor import second_factor
from citybrain.desk.answer import answer_page
from citybrain.desk.outlines import counties

urlpatterns = [
    path("", pages.home, name="home"),
    path("sign-in/", LoginView.as_view(redirect_authenticated_user=True), name="sign-in"),
    path("sign-in/by-the-city/", single_sign_on.begin, name="single-sign-on"),
    path("sign-in/by-the-city/back/", single_sign_on.come_back, name="single-sign-on-back"),
    path("sign-in/second-factor/", second_factor, name="second-factor"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("-/health", pages.health, name="health"),
    path("admin/", admin.site.urls),
    path("cases/", include("citybrain.desk.cases.urls")),
    path("command/", include("citybrain.desk.command.urls")),
    path("outlines/counties/", counties, name="county-outlines"),
    path("phone/", include("citybrain.desk.phone.urls")),
    path("devices/", include("citybrain.desk.devices.urls")),
    path("systems/", include("citybrain.desk.systems.urls")),
    path("grants/", include("citybrain.desk.grants.urls")),
    path("api/v1/", include("citybrain.desk.api.urls")),
    path("open311/v2/", include("citybrain.desk.open311.urls")),
    path("policies/", include("citybrain.desk.policies.urls")),
    path("answer/<str:token>/", answer_page, name="answer"),
    path("notice/", include("citybrain.desk.grants.public_urls")),
]
