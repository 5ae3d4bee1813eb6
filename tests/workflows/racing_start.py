"""Imported once by the server that the processes of a race are forked from."""

import os

import django
from django.apps import apps

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()

from tests.workflows.toy import parts  # noqa: F401  # registers
from workflows import engine, sweeper  # noqa: F401  # what the runners use
