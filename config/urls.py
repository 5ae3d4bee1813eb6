"""URL table."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config.views.health import health, metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("health/", health, name="health"),
    path("metrics", metrics, name="metrics"),
    path("", include("notifications.urls")),
    path("", include("opinion.urls")),
]
