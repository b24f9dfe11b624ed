"""Keys of connected systems: made once, shown once, kept as a hash."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import Group
from django.db import transaction

from citybrain.desk.accounts.models import Organisation, User
from citybrain.desk.accounts.roles import load_roles
from citybrain.desk.systems.models import System

ROLE = "connected_system"


class SystemRefusedError(ValueError):
    """No such organisation, system or role, or a code that is taken; the text says which."""


@dataclass(frozen=True)
class NewKey:
    """The one time a key is readable."""

    system: System
    key: str


@transaction.atomic
def register(code: str, name: str, organisation: str, calls_a_day: int, roles: Sequence[str] = ()) -> NewKey:
    """A new system of an organisation (its code), with an account of its own.

    Without `roles` it reports and follows up its reports; with them it sees and does what they allow, as
    people of the organisation do. Raises SystemRefusedError.
    """
    _require_roles(roles)
    owner = Organisation.objects.filter(code=organisation, is_active=True).first()
    if owner is None:
        raise SystemRefusedError(f"no active organisation {organisation}")
    if System.objects.filter(code=code).exists():
        raise SystemRefusedError(f"a system {code} is registered already; `renew` gives it a new key")
    account = User(username=f"system-{code}", display_name=name, organisation=owner)
    account.set_unusable_password()
    account.save()
    account.groups.set(Group.objects.filter(name__in=[ROLE, *roles]))
    key = secrets.token_urlsafe(32)
    system = System.objects.create(
        code=code, name=name, account=account, key_sha256=_hashed(key), calls_a_day=calls_a_day
    )
    return NewKey(system, key)


@transaction.atomic
def give_roles(code: str, roles: Sequence[str]) -> System:
    """Let a system do what these roles allow and no others. Raises SystemRefusedError."""
    _require_roles(roles)
    system = _known(code)
    system.account.groups.set(Group.objects.filter(name__in=[ROLE, *roles]))
    return system


def roles_for_systems() -> list[str]:
    """Roles of the desk that a system may hold: those of cases, none of an administration."""
    return [role.id for role in load_roles().values() if "events.view_case" in role.may and not role.staff]


def renew(code: str) -> NewKey:
    """Another key for a system; the one before is worth nothing from now on. Raises SystemRefusedError."""
    system = _known(code)
    key = secrets.token_urlsafe(32)
    system.key_sha256 = _hashed(key)
    system.save(update_fields=["key_sha256"])
    return NewKey(system, key)


def switch(code: str, on: bool) -> System:
    """Let a system in, or keep it out. Raises SystemRefusedError."""
    system = _known(code)
    system.is_active = on
    system.save(update_fields=["is_active"])
    return system


def system_of(key: str) -> System | None:
    """The active system that holds the key."""
    if not key:
        return None
    return (
        System.objects.select_related("account__organisation")
        .filter(key_sha256=_hashed(key), is_active=True, account__is_active=True)
        .first()
    )


def _require_roles(roles: Sequence[str]) -> None:
    if unknown := sorted(set(roles) - set(roles_for_systems())):
        raise SystemRefusedError(
            f"no system holds the role {unknown[0]}; there are {', '.join(roles_for_systems())}"
        )


def _known(code: str) -> System:
    system = System.objects.filter(code=code).first()
    if system is None:
        raise SystemRefusedError(f"no system {code}")
    return system


def _hashed(key: str) -> str:
    """A key has 256 random bits: one round of SHA-256 is as good as a slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()
