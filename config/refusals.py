"""Refused requests in the log: that somebody may not, asks for nonsense or for no page of ours, is one line and no fault.

Django logs a refusal with the traceback of whatever raised it and a missing page as a warning; a log full of either
hides what is really broken.
"""

from __future__ import annotations

import logging

from django.utils.encoding import escape_uri_path

REASONS = {400: "请求有误", 403: "没有权限", 404: "没有这个页面，或此人不可知悉"}


class OneLine(logging.Filter):
    """On `django.request`: 400, 403 and 404 become one INFO line with path, user id and reason; everything else passes as it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        status = getattr(record, "status_code", None)
        if status not in REASONS:
            return True
        request = getattr(record, "request", None)
        reason = str(record.exc_info[1]) if record.exc_info else ""
        record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        record.msg = "%s %s，用户 %s：%s"
        # The path is the visitor's to choose: escaped, it cannot begin another line. What follows `?` may name somebody.
        path = escape_uri_path(request.path) if request is not None else "?"
        record.args = (status, path, _user_id(request), " ".join(reason.split()) or REASONS[status])
        record.exc_info = record.exc_text = record.stack_info = None
        return True


def _user_id(request: object) -> str:
    """Of a user already read for this request; a line in the log asks the database nothing."""
    user = getattr(request, "_cached_user", None)
    return str(user.pk) if user is not None and user.pk else "未登录"
