"""Superset from an empty database to a working admin login, in one process of Superset's own environment.

Reads `{"username", "password"}` on stdin. Three commands (`superset db upgrade`, `init`,
`fab create-admin`) would start Superset three times.
"""

import json
import sys
from pathlib import Path


def provision(username: str, password: str) -> None:
    """Migrate, synchronise permissions and roles, create or update the admin account. May run again at any
    time.
    """
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        import superset
        from flask_migrate import upgrade
        from superset.extensions import appbuilder, db, security_manager

        upgrade(directory=str(Path(superset.__file__).parent / "migrations"))
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        admin_role = security_manager.find_role("Admin")
        user = security_manager.find_user(username=username)
        if user is None:
            mail = f"{username}@citybrain.invalid"
            user = security_manager.add_user(username, username, "citybrain", mail, admin_role, password)
            if not user:
                raise SystemExit(f"Superset did not create the account {username}")
        else:
            security_manager.reset_password(user.id, password)
        db.session.commit()


if __name__ == "__main__":
    account = json.load(sys.stdin)
    provision(account["username"], account["password"])
