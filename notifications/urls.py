"""Pages about notices."""

from django.urls import path

from notifications.views.alerts import alert_close, alerts, mails
from notifications.views.inbox import notice_open, notices, notices_read
from notifications.views.preferences import notice_settings

urlpatterns = [
    path("notices/", notices, name="notices"),
    path("notices/read/", notices_read, name="notices_read"),
    path("notices/<int:pk>/open/", notice_open, name="notice_open"),
    path("notices/settings/", notice_settings, name="notice_settings"),
    path("notices/alerts/", alerts, name="alerts"),
    path("notices/alerts/<int:pk>/close/", alert_close, name="alert_close"),
    path("notices/mails/", mails, name="mails"),
]
