"""Installed by `bench.settings` alone."""

from django.apps import AppConfig


class PeersConfig(AppConfig):
    """No tables of its own: the peers write into the product's."""

    name = "bench.peers"
    default_auto_field = "django.db.models.BigAutoField"
