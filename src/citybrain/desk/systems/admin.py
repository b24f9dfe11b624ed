"""Administration of connected systems: seen and switched here; keys are made on the command line."""

from django.contrib import admin
from django.http import HttpRequest

from citybrain.desk.systems.models import System


@admin.register(System)
class SystemAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "code", "account", "calls_a_day", "is_active", "made_at")
    list_filter = ("is_active",)
    list_select_related = ("account",)
    fields = ("name", "code", "account", "calls_a_day", "is_active")
    readonly_fields = ("code", "account")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: System | None = None) -> bool:
        return False
