"""What django-helpdesk needs to escalate tickets; nobody is mailed, which is in its favour."""

import json
import os

SECRET_KEY = "bench"  # noqa: S105  # no secret of anything
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": json.loads(os.environ["HELPDESK_DATABASE"])}
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.humanize",
    "django.contrib.messages", "django.contrib.sessions", "django.contrib.sites", "helpdesk",
]  # fmt: skip
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
MIDDLEWARE: list[str] = []
SITE_ID = 1
HELPDESK_TEAMS_MODE_ENABLED = False
HELPDESK_ACTIVATE_API_ENDPOINT = False
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
ROOT_URLCONF = "urls"
