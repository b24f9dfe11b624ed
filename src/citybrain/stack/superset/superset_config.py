"""Superset's configuration, imported by Superset itself. Secrets and addresses come from the environment
the launcher builds.
"""

import os
from datetime import timedelta
from typing import Any

import yaml
from flask import Flask

# Superset reads imported bundles by yaml.safe_load, whose reader written in Python took more than half of an
# import of ours; libyaml's reads the same ten times as fast.
yaml.SafeLoader = yaml.CSafeLoader  # type: ignore[misc,assignment]

APP_NAME = "城市大脑"
SECRET_KEY = os.environ["CITYBRAIN_SUPERSET_SECRET_KEY"]
GUEST_TOKEN_JWT_SECRET = os.environ["CITYBRAIN_SUPERSET_GUEST_SECRET"]
SQLALCHEMY_DATABASE_URI = os.environ["CITYBRAIN_SUPERSET_METADATA"]
SQLALCHEMY_EXAMPLES_URI = None

# People's screens: Chinese first, English beside it.
BABEL_DEFAULT_LOCALE = "zh"
LANGUAGES = {"zh": {"flag": "cn", "name": "中文"}, "en": {"flag": "us", "name": "English"}}

# Sessions. The name differs from Airflow's: cookies of 127.0.0.1 are shared between ports.
SESSION_COOKIE_NAME = "citybrain_superset"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = False  # plain HTTP on loopback; a TLS proxy in front switches it on
PERMANENT_SESSION_LIFETIME = timedelta(hours=12)
WTF_CSRF_ENABLED = True

# Roles: nothing for people who are not signed in, and REST endpoints for roles that dashboards-as-code uses.
PUBLIC_ROLE_LIKE = None
FAB_ADD_SECURITY_API = True
AUTH_ROLE_PUBLIC = "Public"
AUTH_RATE_LIMITED = True
AUTH_RATE_LIMIT = "10 per second"
RATELIMIT_ENABLED = True
RATELIMIT_APPLICATION = "200 per second"
RATELIMIT_STORAGE_URI = "memory://"

# No Redis: what may be lost lives in files, what may not (filter state, permalinks) in the metadata database.
_CACHE = {"CACHE_TYPE": "FileSystemCache", "CACHE_THRESHOLD": 5_000}
_FOLDER = os.environ["CITYBRAIN_SUPERSET_CACHE"]
CACHE_CONFIG = _CACHE | {"CACHE_DIR": f"{_FOLDER}/metadata", "CACHE_DEFAULT_TIMEOUT": 3_600}
DATA_CACHE_CONFIG = _CACHE | {"CACHE_DIR": f"{_FOLDER}/data", "CACHE_DEFAULT_TIMEOUT": 300}

# Offline: no host but our own may be asked by a page, telemetry pixels included.
MAPBOX_API_KEY = ""
TALISMAN_ENABLED = True
CONTENT_SECURITY_POLICY_WARNING = False
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
        "frame-ancestors": ["'self'", os.environ["CITYBRAIN_SUPERSET_FRAMED_BY"]],  # the walls' pages
    },
    "frame_options": None,  # the older header knows no second address; frame-ancestors says it
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}
ENABLE_CORS = False

FEATURE_FLAGS = {
    "DASHBOARD_RBAC": True,
    "ALERT_REPORTS": False,
    "THUMBNAILS": False,
    "GLOBAL_ASYNC_QUERIES": False,
}
PREVENT_UNSAFE_DB_CONNECTIONS = True
SQLLAB_TIMEOUT = 60
SUPERSET_WEBSERVER_TIMEOUT = 120
ROW_LIMIT = 10_000
# A screen that refreshes by itself reads the cache; "force" would send every query again from every screen.
DASHBOARD_AUTO_REFRESH_MODE = "fetch"


def import_datasets_whole(_: Flask) -> None:
    """Have a dataset imported whole. Superset asks for each of its columns whether it is there, and each
    question writes the column before and checks the dataset's permissions again: four statements a column.
    """
    from superset.connectors.sqla.models import SqlaTable
    from superset.extensions import db

    column_by_column = SqlaTable.import_from_dict

    def whole(*parts: Any, **named: Any) -> Any:
        with db.session.no_autoflush:
            return column_by_column(*parts, **named)

    SqlaTable.import_from_dict = whole


FLASK_APP_MUTATOR = import_datasets_whole
