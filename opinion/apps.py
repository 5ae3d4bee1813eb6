"""App configuration."""

from django.apps import AppConfig


class OpinionConfig(AppConfig):
    name = "opinion"
    verbose_name = "意见办理"
