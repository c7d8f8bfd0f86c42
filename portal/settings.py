"""Every setting, read from the environment only; `docs/configuration.md` lists them."""

from pathlib import Path

import dj_database_url
from csp.constants import NONCE, NONE, SELF
from environs import Env

from portal import broker, embedded, logs

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()

STATE_DIR = embedded.state_dir()
DEBUG = env.bool("SLIPWAY_DEBUG", False)
DEMO = env.bool("SLIPWAY_DEMO", False)
PROFILE = env.bool("SLIPWAY_PROFILE", False)
COMPANY = env.str("SLIPWAY_COMPANY", "Larkfield" if DEMO else "")
DEMO_PEOPLE = ["mira", "jonas", "sam", "priya", "hanna"]
SECRET_KEY = env.str("SLIPWAY_SECRET_KEY", "") or embedded.local_secret(STATE_DIR)
ALLOWED_HOSTS = env.list("SLIPWAY_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
# Of a pod: what probes and scrapers ask for. An IPv6 address stands in brackets where a host name does.
OWN_ADDRESSES: list[str] = env.list("SLIPWAY_OWN_ADDRESS", [])
ALLOWED_HOSTS += [f"[{each.strip('[]')}]" if ":" in each else each for each in OWN_ADDRESSES]
# Folders of blueprints of one's own, beside the shipped ones.
BLUEPRINT_FOLDERS: list[Path] = [Path(folder) for folder in env.list("SLIPWAY_BLUEPRINTS", [], str)]
BASE_URL = env.str("SLIPWAY_BASE_URL", "http://localhost:8000")
HTTPS = BASE_URL.startswith("https://")
CSRF_TRUSTED_ORIGINS = [BASE_URL]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.forms",
    "csp",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",
    "django_structlog",
    "portal.shell",
    "portal.demo",
    "services.audit",
    "services.effects",
    "services.accounts",
    "services.integrations",
    "services.notices",
    "services.catalog",
    "services.clusters",
    "services.onboarding",
    "services.previews",
    "services.helpdesk",
    "services.insights",
]

MIDDLEWARE = [
    "portal.shell.metrics.count_requests",
    "portal.shell.profiling.profile_requests",
    "portal.shell.reading.without_nul",
    "portal.shell.reading.keep_private",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.shell.reading.refuse_huge_bodies",
    "portal.shell.lanes.Sessions",
    "django.middleware.common.CommonMiddleware",
    "services.accounts.bearer.BearerMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "portal.shell.lanes.People",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "portal.shell.lanes.Log",
    "portal.shell.lanes.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.shell.timezones.activate_timezone",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "template_partials.templatetags.partials",
                "django.templatetags.static",
                "portal.shell.templatetags.slipway",
                "portal.shell.templatetags.constant",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "portal.shell.context.shell",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {"default": env.dj_db_url("DATABASE_URL", embedded.database_url(STATE_DIR))}
# Migrations connect as the owner of the tables; the role of all else may only do what it was granted.
DATABASE_ROLE, DATABASE_NAME = DATABASES["default"]["USER"], DATABASES["default"]["NAME"]
DATABASE_OWNER = dj_database_url.parse(
    env.str("SLIPWAY_MIGRATION_DATABASE_URL", "")
    or env.str("DATABASE_URL", "")
    or embedded.owner_url(STATE_DIR)
)
DATABASES["default"]["ENGINE"] = "portal.shell.postgres"
DATABASES["default"]["CONN_MAX_AGE"] = env.int("SLIPWAY_DB_MAX_AGE", 60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
for _address in (DATABASES["default"], DATABASE_OWNER):
    # A server that is gone is noticed: no connection waits for it longer than this many seconds.
    _address["OPTIONS"] = {
        "connect_timeout": 5,
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,  # milliseconds
        **_address.get("OPTIONS", {}),
        "options": "-c statement_timeout=30s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s",
    }
CATALOG_ORPHAN_DAYS = env.int("SLIPWAY_CATALOG_ORPHAN_DAYS", 30)  # then removed, and kept as long for undo
APPROVALS = Path(env.str("SLIPWAY_APPROVALS", "") or BASE_DIR / "services/onboarding/shipped/approvals.yaml")
PROMOTION = Path(env.str("SLIPWAY_PROMOTION", "") or BASE_DIR / "services/onboarding/shipped/promotion.yaml")
APPROVAL_REMIND_HOURS = env.int("SLIPWAY_APPROVAL_REMIND_HOURS", 24)  # and again each time as long
APPROVAL_ESCALATE_HOURS = env.int("SLIPWAY_APPROVAL_ESCALATE_HOURS", 72)  # the platform team may say yes too
SECURITY_TEAM = env.str("SLIPWAY_SECURITY_TEAM", "security")  # its slug
CATALOG_RUN_DAYS = env.int("SLIPWAY_CATALOG_RUN_DAYS", 90)  # that reports of imports are kept
CATALOG_CONFIRM_DAYS = env.int("SLIPWAY_CATALOG_CONFIRM_DAYS", 180)  # that an owner's word counts
CATALOG_SWEEP_MINUTES = env.int("SLIPWAY_CATALOG_SWEEP_MINUTES", 10)  # between two looks at a source
CATALOG_KINDS: list[str] = env.list("SLIPWAY_CATALOG_KINDS", [])  # kinds of one's own, kept unchecked
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", "") or embedded.redis_url(STATE_DIR)
CELERY_BROKER_URL = broker.address()
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
# Of the one long task, the daily look through the audit. RabbitMQ waits half an hour for a task.
LONGEST_TASK_SECONDS = 1620
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = broker.transport_options(CELERY_BROKER_URL)
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": broker.VISIBILITY_SECONDS}
CELERY_VISIBILITY_TIMEOUT = broker.VISIBILITY_SECONDS
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["services.accounts.backends.WithRoles"]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:sign_in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("SLIPWAY_TIME_ZONE", "Europe/Berlin")
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("SLIPWAY_STATIC_ROOT", "") or STATE_DIR / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "portal.shell.staticfiles.HashedStorage"
        )
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_MAX_AGE = 0 if DEBUG else 3600
# Below this much space /readyz says the portal is not ready.
LEAST_FREE_BYTES = env.int("SLIPWAY_LEAST_FREE_MIB", 100) * 1024 * 1024
# Who brings it may read /metrics; without one nobody may.
METRICS_TOKEN = env.str("SLIPWAY_METRICS_TOKEN", "")
# Where mail goes out, and as whom; without a server none is sent.
MAIL_URL = env.str("SLIPWAY_MAIL_URL", "")
MAIL_FROM = env.str("SLIPWAY_MAIL_FROM", "Slipway <slipway@localhost>")
MAIL_HELP = env.str("SLIPWAY_MAIL_HELP", "")
MAIL_INBOX = env.str("SLIPWAY_MAIL_INBOX", "")
MAIL_SECRET = env.str("SLIPWAY_MAIL_SECRET", "")
MAIL_STRANGERS = env.bool("SLIPWAY_MAIL_STRANGERS", False)
MAIL_TRUSTS = env.str("SLIPWAY_MAIL_TRUSTS", "")
# The app in Slack: its token, what its webhooks are signed with, where the team talks, what emoji mean.
SLACK_ADDRESS = env.str("SLIPWAY_SLACK_ADDRESS", "https://slack.com/api")
SLACK_TOKEN = env.str("SLIPWAY_SLACK_TOKEN", "")
SLACK_SIGNING_SECRET = env.str("SLIPWAY_SLACK_SIGNING_SECRET", "")
SLACK_TEAM_CHANNEL = env.str("SLIPWAY_SLACK_TEAM_CHANNEL", "")
SLACK_ROTA_GROUP = env.str("SLIPWAY_SLACK_ROTA_GROUP", "")
SLACK_COMMAND = env.str("SLIPWAY_SLACK_COMMAND", "/help")
SLACK_OPENS = env.str("SLIPWAY_SLACK_OPENS", "ticket")
SLACK_TAKES = env.str("SLIPWAY_SLACK_TAKES", "eyes")
SLACK_CLOSES = env.str("SLIPWAY_SLACK_CLOSES", "white_check_mark")
# Seconds a git host, a cluster or a mail server may take to answer.
HTTP_TIMEOUT = env.float("SLIPWAY_HTTP_TIMEOUT", 10.0)
# So many seconds after a watcher was killed another takes over what it watched.
WATCHER_LEASE = env.float("SLIPWAY_WATCHER_LEASE", 10.0)
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
MAX_BODY = 32 * 1024 * 1024  # uploads included; the forms say how much of it they take

LIMIT_FACTOR = env.float("SLIPWAY_LIMIT_FACTOR", 1)
PROXIES: list[str] = env.list("SLIPWAY_PROXIES", [])

# Where the built-in git host keeps its bare repositories.
GIT_ROOT = STATE_DIR / "git"
# Where clusters may be besides public addresses: private networks, and this machine when it plays the demo.
PRIVATE_NETWORKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
THIS_MACHINE = ["127.0.0.0/8", "::1/128"] if DEMO else []
CLUSTER_NETWORKS = env.list("SLIPWAY_CLUSTER_NETWORKS", PRIVATE_NETWORKS + THIS_MACHINE)
GIT_LOOK_SECONDS = env.float("SLIPWAY_GIT_LOOK_SECONDS", 120.0)  # until it is asked without being told
GIT_NETWORKS = env.list("SLIPWAY_GIT_NETWORKS", PRIVATE_NETWORKS + THIS_MACHINE)  # where git hosts may be
# Where a simulated cluster listens (demo only).
SIMULATED_CLUSTER_URL = env.str("SLIPWAY_SIMULATED_CLUSTER_URL", "http://127.0.0.1:8001")

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "portal.shell.errors.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz|metrics)$"]  # asked from inside, past the proxy that speaks TLS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    }
}

LOGGING = logs.config(json=not DEBUG, level=env.str("SLIPWAY_LOG_LEVEL", "INFO"))
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = 10  # logging.DEBUG: the line at the end says all of it
