"""Airflow's metadata database, roles and accounts in one process: `python -m
citybrain.orchestration.accounts`.

Reads a JSON list of `{"username", "role", "password"}` on stdin. One process instead of a migration and an
`airflow users create` each, which would start Airflow four times.
"""

import json
import sys
from typing import Any, TypedDict

ROLE_DATA_ENGINEER = "DataEngineer"


class Account(TypedDict):
    """One login: `role` is a FAB role, Admin, Viewer or ROLE_DATA_ENGINEER."""

    username: str
    role: str
    password: str


def data_engineer_permissions() -> list[tuple[str, str]]:
    """What a data engineer may do beyond a viewer: trigger, clear, pause, back-fill, answer approvals. No
    users, no settings.
    """
    from airflow.providers.fab.www.security import permissions as p

    return [
        (p.ACTION_CAN_EDIT, p.RESOURCE_DAG),
        (p.ACTION_CAN_CREATE, p.RESOURCE_DAG_RUN),
        (p.ACTION_CAN_EDIT, p.RESOURCE_DAG_RUN),
        (p.ACTION_CAN_CREATE, p.RESOURCE_TASK_INSTANCE),
        (p.ACTION_CAN_EDIT, p.RESOURCE_TASK_INSTANCE),
        (p.ACTION_CAN_EDIT, p.RESOURCE_HITL_DETAIL),
        (p.ACTION_CAN_ACCESS_MENU, p.RESOURCE_HITL_DETAIL),
        (p.ACTION_CAN_CREATE, p.RESOURCE_ASSET),
        (p.ACTION_CAN_CREATE, p.RESOURCE_BACKFILL),
        (p.ACTION_CAN_EDIT, p.RESOURCE_BACKFILL),
    ]


def migrate() -> None:
    """Bring the metadata database, FAB's tables included, to this version of Airflow."""
    from airflow.utils.db import upgradedb

    upgradedb()


def ensure_accounts(accounts: list[Account]) -> None:
    """Create or update the roles, then each account with its role and password. Other people's accounts
    are left alone.

    FAB's own permissions and roles are written as its application starts, under `fab.update_fab_perms`.
    """
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.utils.providers_configuration_loader import providers_configuration_loaded

    @providers_configuration_loaded
    def ensure() -> None:
        with get_application_builder() as builder:
            security: Any = builder.sm
            engineer = security.VIEWER_PERMISSIONS + data_engineer_permissions()
            security.bulk_sync_roles([{"role": ROLE_DATA_ENGINEER, "perms": engineer}])
            for account in accounts:
                _ensure_account(security, account)

    ensure()


def _ensure_account(security: Any, account: Account) -> None:
    username, role = account["username"], security.find_role(account["role"])
    if role is None:
        raise SystemExit(f"Airflow has no role {account['role']}")
    user = security.find_user(username=username)
    if user is None:
        mail = f"{username}@citybrain.invalid"  # never written to; FAB wants one
        if not security.add_user(username, username, "citybrain", mail, role, account["password"]):
            raise SystemExit(f"Airflow did not create the account {username}")
        return
    if [known.name for known in user.roles] != [role.name]:
        user.roles = [role]
        security.update_user(user)
    if not security.reset_password(user.id, account["password"]):
        raise SystemExit(f"Airflow did not set the password of the account {username}")


if __name__ == "__main__":
    requested: list[Account] = json.load(sys.stdin)
    migrate()
    ensure_accounts(requested)
