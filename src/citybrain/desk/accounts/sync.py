"""Roles, organisations and demo accounts brought up to date from files and marts; safe to run again."""

from dataclasses import dataclass

from django.contrib.auth.models import Group, Permission
from django.db import connection, transaction

from citybrain.catalogue.department import load_departments
from citybrain.desk.accounts.demo import load_demo_accounts, password_secret
from citybrain.desk.accounts.models import Organisation, User
from citybrain.desk.accounts.roles import ROLES_FILE, load_roles
from citybrain.events.targets import sync_wardens
from citybrain.settings import Settings

_COMPANIES = """
SELECT DISTINCT ON (property_company_id) property_company_id, property_company_name, county_code
FROM marts.dim_compound WHERE property_company_id IS NOT NULL ORDER BY property_company_id, county_code
"""
_COMMUNITIES = """
SELECT DISTINCT ON (area_code) area_code, community_name, county_code
FROM marts.dim_compound WHERE area_code IS NOT NULL ORDER BY area_code, community_name
"""


@dataclass(frozen=True)
class Synced:
    """What stands after a sync: numbers of roles, organisations and accounts."""

    roles: int
    organisations: int
    accounts: int


class UnknownPermissionError(ValueError):
    """A role names a permission that no app of the desk has."""


def sync_roles() -> int:
    """One group for each role of `roles.yml`, with exactly its permissions. Raises UnknownPermissionError."""
    known = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in Permission.objects.select_related("content_type")
    }
    roles = load_roles()
    with transaction.atomic():
        for role in roles.values():
            if unknown := [name for name in role.may if name not in known]:
                raise UnknownPermissionError(f"{ROLES_FILE}: {role.id}: unknown: {', '.join(unknown)}")
            group, _ = Group.objects.get_or_create(name=role.id)
            group.permissions.set(known[name] for name in role.may)
        Group.objects.exclude(name__in=roles).delete()
    return len(roles)


def sync_organisations() -> int:
    """Departments of the catalogue, and the compounds' companies and communities once they are known."""
    wanted = [
        Organisation(code=department.id, kind=Organisation.Kind.DEPARTMENT, name=department.zh)
        for department in load_departments().values()
    ]
    for kind, query in ((Organisation.Kind.COMPANY, _COMPANIES), (Organisation.Kind.COMMUNITY, _COMMUNITIES)):
        for code, name, county in _rows(query):
            area = code if kind is Organisation.Kind.COMMUNITY else ""
            wanted.append(Organisation(code=code, kind=kind, name=name, county_code=county, area_code=area))
    Organisation.objects.bulk_create(
        wanted,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["kind", "name", "county_code", "area_code"],
    )
    return len(wanted)


def _rows(query: str) -> list[tuple[str, str, str]]:
    """The query's rows; none while its mart is not built."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('marts.dim_compound') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(query)
        return list(cursor.fetchall())


def sync_demo_accounts(settings: Settings) -> int:
    """The demo city's accounts whose organisation is known; passwords are the secrets `desk_<username>`.

    An account that exists keeps its password; its roles and organisation follow the file.
    """
    made = 0
    for account in load_demo_accounts():
        organisation = _organisation(account.organisation)
        if organisation is None:
            continue
        user, created = User.objects.get_or_create(username=account.username)
        user.display_name, user.organisation = account.display_name, organisation
        user.warden_code = account.warden
        user.is_staff = any(load_roles()[role].staff for role in account.roles)
        if created:
            user.set_password(settings.secret(password_secret(account.username)))
        user.save()
        user.groups.set(Group.objects.filter(name__in=account.roles))
        made += 1
    return made


def _organisation(name: str) -> Organisation | None:
    kind, _, which = name.partition(":")
    if which == "first":
        return Organisation.objects.filter(kind=kind).order_by("code").first()
    return Organisation.objects.filter(code=name).first()


def sync(settings: Settings) -> Synced:
    """Roles, organisations and wardens of places; the demo accounts too where the demo city runs."""
    roles, organisations = sync_roles(), sync_organisations()
    sync_wardens()
    return Synced(roles, organisations, sync_demo_accounts(settings) if settings.demo else 0)
