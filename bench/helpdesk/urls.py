"""Where the peer's pages hang: its tickets print their own addresses."""

from django.urls import include, path

urlpatterns = [path("helpdesk/", include("helpdesk.urls", namespace="helpdesk"))]
