"""Administration of organisations and people."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from citybrain.desk.accounts.models import Organisation, User

admin.site.site_header = admin.site.site_title = "城市大脑 · 管理"


@admin.register(Organisation)
class OrganisationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "kind", "code", "county_code", "is_active")
    list_filter = ("kind", "county_code", "is_active")
    search_fields = ("name", "code")


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    list_display = ("username", "display_name", "organisation", "is_active", "is_staff")
    list_filter = ("groups", "is_active")
    list_select_related = ("organisation",)
    # What a person may do comes from roles alone, so no single permission and no superuser can be given here.
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("岗位", {"fields": ("display_name", "organisation", "groups", "warden_code")}),
        ("状态", {"fields": ("is_active", "is_staff", "last_login", "date_joined")}),
    )
