"""Django settings, all from the environment (see `env.py` and `.env.example`)."""

from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF

from . import env as _env
from .mail import mail_server

ENV = _env.load()
VAR_DIR = ENV.var

SECRET_KEY = ENV.secret_key
DEBUG = ENV.debug and not ENV.production
ALLOWED_HOSTS = [h.strip() for h in ENV.allowed_hosts.split(",") if h.strip()] or [
    "127.0.0.1",
    "localhost",
    "[::1]",
]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "config",
    "workflows",
    "notifications",
    "opinion",
    # Its classes are the base of approvals; its own tables stay empty, and none of its pages is served. Behind ours:
    # it brings error pages of its own.
    "viewflow",
    "viewflow.workflow",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "opinion.middleware.private_pages",
    "csp.middleware.CSPMiddleware",
    "opinion.middleware.no_null_characters",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "opinion.logins.lasting_login",
    "opinion.logins.LoginKeepsWhatWasSent",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "notifications.context.notices",
                "config.views.masthead.watchers",
            ],
        },
    },
]

_default = dj_database_url.parse(
    ENV.database_url or f"sqlite:///{VAR_DIR / 'huiyin.sqlite3'}", conn_max_age=60
)
if "sqlite" in _default["ENGINE"]:
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    _default.setdefault("OPTIONS", {}).update(
        {
            # IMMEDIATE takes the write lock at BEGIN: `select_for_update` is a no-op on SQLite.
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            # FULL: an acknowledged move survives a power cut, as it does on PostgreSQL.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-20000;",
        }
    )
else:
    _default.setdefault("OPTIONS", {}).update({"server_side_binding": True, "prepare_threshold": 1})
    _default["CONN_HEALTH_CHECKS"] = True
DATABASES = {"default": _default}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "workflows.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "todo"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
if not ENV.production:
    # Nothing is collected there in development, and WhiteNoise warns at every start about a folder that is not there.
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# In development files are looked up when asked for: reading them all at each start would be most of a test's time.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not ENV.production
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        # Uploads and exports are never under a served path; views stream them after asking who wants them.
        "OPTIONS": {
            "location": VAR_DIR / "files",
            "base_url": None,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if ENV.production
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# From the last work on; renewed by `opinion.logins.lasting_login`.
SESSION_COOKIE_AGE = 8 * 3600
CSRF_FAILURE_VIEW = "opinion.views.kept.csrf_failure"
SESSION_SAVE_EVERY_REQUEST = False
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
if ENV.production:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    # Prometheus on this machine asks the web process itself, without the proxy.
    SECURE_REDIRECT_EXEMPT = [r"^metrics$"]
    SECURE_HSTS_SECONDS = 31536000
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    CSRF_TRUSTED_ORIGINS = [f"https://{host.lstrip('.')}" for host in ALLOWED_HOSTS if host != "*"]

HUIYIN_LOG_HASH = ENV.log_hash
HUIYIN_CONTACT_KEYS = ENV.contact_keys
HUIYIN_INDEX_KEY = ENV.index_key

# Photos and files of a case: how large, how many; what scans them for viruses, if anything does.
HUIYIN_ATTACHMENT_MB = ENV.attachment_mb
HUIYIN_ATTACHMENTS_PER_RECORD = ENV.attachments_per_record
HUIYIN_ATTACHMENTS_PER_CASE = ENV.attachments_per_case
HUIYIN_IMAGE_MEGAPIXELS = ENV.image_megapixels
HUIYIN_SCAN = ENV.scan

# Below so many cases statistics print no rate and no median: a few cases say nothing fair about a unit.
HUIYIN_FIGURES_MINIMUM = ENV.figures_minimum

# Who may read /metrics; without one, this machine itself.
HUIYIN_METRICS_TOKEN = ENV.metrics_token

# Links in mails begin with this; a request's own host is never trusted for them.
_host = ALLOWED_HOSTS[0].lstrip(".*")
HUIYIN_BASE_URL = ENV.base_url or (f"https://{_host}" if ENV.production else "http://127.0.0.1:8000")
_server = mail_server(ENV.smtp_url)
# Whether notices go out by mail: to the server, or on a developer's machine into files that a page shows.
HUIYIN_MAIL = _server is not None or not ENV.production
EMAIL_BACKEND = f"django.core.mail.backends.{'filebased' if _server is None else 'smtp'}.EmailBackend"
EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_TIMEOUT = 20
if _server is not None:
    EMAIL_HOST, EMAIL_PORT = _server.host, _server.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _server.user, _server.password
    EMAIL_USE_SSL, EMAIL_USE_TLS = _server.use_ssl, _server.use_tls
DEFAULT_FROM_EMAIL = ENV.mail_from or f"noreply@{urlsplit(HUIYIN_BASE_URL).hostname}"

CELERY_BROKER_URL = ENV.broker_url or None
CELERY_TIMEZONE = TIME_ZONE
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A dead broker must not hold a request up: publish gives up at once, the rows are swept anyway.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 5}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"one_line": {"()": "config.refusals.OneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"huiyin": {"level": "INFO"}, "django.request": {"filters": ["one_line"]}},
}
