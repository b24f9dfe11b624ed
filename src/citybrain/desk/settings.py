"""Django's settings, made from the platform's own (`citybrain.settings`)."""

from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from csp.constants import NONE, SELF

from citybrain.settings import DatabaseRole, get_settings

_platform = get_settings()
_here = Path(__file__).resolve().parent

SECRET_KEY = _platform.secret("desk_secret_key")
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", *_platform.desk_hosts]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in _platform.desk_hosts]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    "axes",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "ninja",
    "citybrain.desk",
    "citybrain.desk.accounts",
    "citybrain.desk.systems",
    "citybrain.events",
    "citybrain.policy.grants",
    "citybrain.sensing",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",  # every page, unless it says otherwise
    "citybrain.desk.accounts.second_factor.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "citybrain.desk.api.door.DoorMiddleware",  # counts calls before their transaction begins
    "citybrain.desk.scope.RowScopeMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "citybrain.desk.urls"
WSGI_APPLICATION = "citybrain.desk.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "citybrain.desk.navigation.navigation",
            ]
        },
    }
]


def _database(role: DatabaseRole) -> dict[str, Any]:
    """Tables of the desk stand in schema `ops`; the owner migrates, the desk works."""
    url = urlsplit(_platform.dsn(role))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": url.hostname,
        "PORT": url.port,
        "NAME": url.path.lstrip("/"),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "ATOMIC_REQUESTS": True,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "options": "-c search_path=ops -c lock_timeout=10s -c statement_timeout=30s"
            " -c idle_in_transaction_session_timeout=60s",
            "application_name": "citybrain desk",
            "connect_timeout": 10,
        },
    }


DATABASES = {"default": _database(DatabaseRole.DESK), "owner": _database(DatabaseRole.OWNER)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
# A password kept by an older hasher is kept by the first one from its next sign-in on.
PASSWORD_HASHERS = [
    "citybrain.desk.accounts.password_hash.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_validators = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_validators}.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": f"{_validators}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_validators}.CommonPasswordValidator"},
    {"NAME": f"{_validators}.NumericPasswordValidator"},
]

OTP_ADMIN_HIDE_SENSITIVE_DATA = True  # who unlocks a lost telephone sees nobody's key
OIDC_RP_CLIENT_ID = ""
if (_provider := _platform.desk_oidc) is not None:
    AUTHENTICATION_BACKENDS += ["citybrain.desk.accounts.single_sign_on.KnownPeople"]
    OIDC_ISSUER = _provider.issuer
    OIDC_RP_CLIENT_ID = _provider.client_id
    OIDC_RP_CLIENT_SECRET = _platform.secret("desk_oidc_secret")
    OIDC_RP_SIGN_ALGO = _provider.sign_algorithm
    OIDC_RP_SCOPES = _provider.scopes
    OIDC_OP_AUTHORIZATION_ENDPOINT = _provider.authorization_url
    OIDC_OP_TOKEN_ENDPOINT = _provider.token_url
    OIDC_OP_USER_ENDPOINT = _provider.user_url
    OIDC_OP_JWKS_ENDPOINT = _provider.keys_url
    OIDC_USERNAME_CLAIM = _provider.username_claim
OIDC_CREATE_USER = False
OIDC_USE_PKCE = True
OIDC_TIMEOUT = 10  # seconds, for each call to the provider
OIDC_AUTHENTICATION_CALLBACK_URL = "single-sign-on-back"
LOGIN_REDIRECT_URL_FAILURE = "/sign-in/?refused=yes"

SESSION_COOKIE_AGE = 8 * 60 * 60  # seconds: a shift
SESSION_COOKIE_NAME = "citybrain_desk"
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "citybrain_desk_csrf"
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # bytes of a form without its files
FILE_UPLOAD_HANDLERS = [
    "citybrain.desk.uploads.SizeLimit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # larger uploads go to a temporary file

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
# MapLibre GL JS as the Python package of that name carries it; nothing of the package is imported.
_maplibre = find_spec("maplibre")
assert _maplibre is not None  # noqa: S101 - a dependency of this project
assert _maplibre.origin is not None  # noqa: S101
STATICFILES_DIRS = [("maplibre", Path(_maplibre.origin).parent / "srcjs")]
WHITENOISE_USE_FINDERS = True  # straight from the packages: there is no collecting step to forget

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
