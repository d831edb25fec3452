"""
Every setting of Mini Ledger.

Settings that differ between machines come from ``environment.py``, where each ``LEDGER_*`` variable
is declared with its default, help and checks. The others are the same on every machine.
"""

from datetime import timedelta
from typing import Any

from api.scopes import Scope
from database.postgresql.replay import READS
from events.types import EventType
from ledger_project.environment import *

# ── The database ─────────────────────────────────────────────────────────────────────────────────

# Of several ledgers, none is the default: each request or command uses that of its own.
DATABASES: dict[str, dict[str, Any]] = {
    "default": {"ENGINE": "django.db.backends.dummy"} if LEDGERS else DATABASE
}
if READ_DATABASE_URL:
    DATABASES[READS] = database(READ_DATABASE_URL)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Always False, because Django's error pages are HTML and show code and settings. Errors are problem
# documents on every machine, and tracebacks are in the log.
DEBUG = False

# ── The application ──────────────────────────────────────────────────────────────────────────────

INSTALLED_APPS = [
    "ledger_project.apps.LedgerAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "accounts",
    "transfers",
    "transfers.approvals",
    "audit",
    "events",
    "events.webhooks",
    "ledger_project.idempotency",
    "ledger_project.service_keys",
    # Last, because its groups use the permissions of every other app.
    "ledger_project.apps.LedgerProjectConfig",
]

MIDDLEWARE = [
    "ledger_project.logs.RequestLogMiddleware",
    "ledger_project.metrics.MetricsMiddleware",
    "ledger_project.security.NoStoreMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "ledger_project.security.ContentSecurityPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "ledger_project.admin.middleware.AdminProblemMiddleware",
    "ledger_project.server.refusals.RefusalMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    # Only requests to the admin pass what comes between these two.
    "ledger_project.admin.middleware.AdminOnlyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "ledger_project.admin.middleware.AdminAuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "ledger_project.admin.middleware.AdminAddressMiddleware",
    "ledger_project.admin.middleware.EndOfAdminOnlyMiddleware",
    # Last, because it calls the view itself, in one transaction with the key and the response.
    "ledger_project.idempotency.middleware.IdempotencyMiddleware",
]

if READ_DATABASE_URL:
    MIDDLEWARE.append("ledger_project.reads.ReadsMiddleware")

if TRACES:
    # Inside the log, so that the request id is known.
    MIDDLEWARE.insert(1, "ledger_project.tracing.TracingMiddleware")

if LEDGERS:
    # Inside the log, and outside of all that uses the database.
    MIDDLEWARE.insert(1, "ledger_project.ledgers.middleware.LedgerMiddleware")
    # Where Django itself refuses an unknown host, before the sessions of the admin.
    MIDDLEWARE.insert(
        MIDDLEWARE.index("ledger_project.admin.middleware.AdminOnlyMiddleware"),
        "ledger_project.ledgers.middleware.RequireLedgerMiddleware",
    )
# The hosts that may have no ledger. Those of the ledgers are added when their file is read.
OTHER_HOSTS = [*ALLOWED_HOSTS]

if CORS_ORIGINS:
    # Before all middleware that may respond: a preflight request has no token, and no route
    # supports its method.
    MIDDLEWARE.insert(
        MIDDLEWARE.index("django.middleware.security.SecurityMiddleware"),
        "corsheaders.middleware.CorsMiddleware",
    )
CORS_ALLOWED_ORIGINS = CORS_ORIGINS
# Scripts of other sites must not use the admin or the metrics.
CORS_URLS_REGEX = r"^/(?!admin/|metrics)"
CORS_ALLOW_METHODS = ["GET", "POST", "PATCH", "DELETE"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key", "x-request-id"]
CORS_EXPOSE_HEADERS = [
    "Content-Disposition",
    "Idempotent-Replayed",
    "Location",
    "Retry-After",
    "X-Request-ID",
]

ROOT_URLCONF = "ledger_project.urls"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Searched before the apps, to replace the base template of the admin.
        "DIRS": [BASE_DIR / "ledger_project" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = "ledger_project.formats"

STATIC_URL = "static/"
# Files are served from the packages, so that no `collectstatic` is needed.
WHITENOISE_USE_FINDERS = True

# In bytes: the limit for batches. All other bodies have a lower limit (see api/exceptions.py).
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# ── Security ─────────────────────────────────────────────────────────────────────────────────────

AUTHENTICATION_BACKENDS = ["ledger_project.permissions.LedgerBackend"]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]

SECURE_SSL_REDIRECT = HTTPS
# Health checks and Prometheus reach the service directly, without the proxy that terminates TLS.
SECURE_REDIRECT_EXEMPT = ["^(healthz|readyz|metrics)$"]
# HSTS for this host only. Only the owner of the domain knows whether its other hosts can do without
# plain HTTP, and a preload list is hard to leave.
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_ENGINE = "ledger_project.admin.sessions"
# Half an hour after the last request to the admin, staff must log in again.
SESSION_COOKIE_AGE = 30 * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_FAILURE_VIEW = "ledger_project.admin.problems.csrf_failure"
X_FRAME_OPTIONS = "DENY"

SIMPLE_JWT = {
    "SIGNING_KEY": JWT_SIGNING_KEY,
    "ALGORITHM": "HS256",
    "ISSUER": "mini-ledger",
    "AUDIENCE": "mini-ledger",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    # Accept tokens that were issued by a machine whose clock is ahead by up to this.
    "LEEWAY": timedelta(seconds=5),
    # Changing a password invalidates all tokens of the user.
    "CHECK_REVOKE_TOKEN": True,
}

# ── The API ──────────────────────────────────────────────────────────────────────────────────────

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["ledger_project.authentication.LedgerJWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["api.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.negotiation.LedgerContentNegotiation",
    # The format is negotiated by Accept only. `?format=` is refused like any unknown parameter.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_PAGINATION_CLASS": "api.pagination.SignedKeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "ledger_project.openapi.autoschema.LedgerAutoSchema",
    # OPTIONS isn't part of the API, and is refused with 405.
    "DEFAULT_METADATA_CLASS": None,
    # The name of errors that concern the whole document. No member can have this name.
    "NON_FIELD_ERRORS_KEY": "\0",
    "EXCEPTION_HANDLER": "api.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

# The URL of the explanation of errors, in the `type` of problem documents (RFC 9457 §3.1.1).
PROBLEM_DOCS_URL = "/docs"

SPECTACULAR_SETTINGS = {
    "TITLE": APP_NAME,
    "VERSION": "0.1.0",
    "LICENSE": {"name": "MIT License", "identifier": "MIT"},
    "OAS_VERSION": "3.1.0",
    "COMPONENT_SPLIT_REQUEST": True,
    "PREPROCESSING_HOOKS": ["ledger_project.openapi.document.in_order"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "ledger_project.openapi.document.complete",
        "ledger_project.openapi.sharing.share",
    ],
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
    "SORT_OPERATIONS": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "AccountStatus": "accounts.enums.AccountStatus",
        "Currency": [(code, code) for code in CURRENCIES],
        "TransferKind": "transfers.kinds.Kind",
        "TransferStatus": "transfers.querysets.TransferStatus",
        "Scope": [(each.value, each.value) for each in Scope],
        "EventType": [(each.value, each.value) for each in EventType],
        "EntryType": "transfers.posting.EntryType",
        "ApprovalKind": "transfers.approvals.statuses.ApprovalKind",
        "ApprovalStatus": "transfers.approvals.statuses.ApprovalStatus",
        "WebhookStatus": "events.webhooks.statuses.EndpointStatus",
        "DeliveryStatus": "events.webhooks.statuses.DeliveryStatus",
    },
}

# ── Logs ─────────────────────────────────────────────────────────────────────────────────────────

LOGGING_CONFIG = "ledger_project.logs.configure"
LOGGING = {"level": LOG_LEVEL, "app": APP_NAME}
