"""The product's settings plus django-migration-linter, which only lints when it is an installed app."""

from config.settings import *  # noqa: F403  # a settings module is its names
from config.settings import INSTALLED_APPS as _PRODUCT_APPS

INSTALLED_APPS = [*_PRODUCT_APPS, "django_migration_linter"]
