"""What list pages share: positions in the query string."""

from __future__ import annotations

from django.http import Http404, HttpRequest

from opinion.keyset import BadPosition, Order, Page, Position, page
from opinion.queues import PAGE_SIZE
from workflows.models import User
from workflows.models.case import CaseQuerySet


def user_of(request: HttpRequest) -> User:
    """The person logged in. Every view but login and healthz is behind the login middleware."""
    assert isinstance(request.user, User)
    return request.user


def page_of(request: HttpRequest, cases: CaseQuerySet, order: Order) -> Page:
    """The page that `after` or `before` asks for. A position we never handed out answers 404."""
    try:
        asked = {
            name: Position.parse(request.GET[name]) for name in ("after", "before") if request.GET.get(name)
        }
    except BadPosition as error:
        raise Http404("没有这一页") from error
    return page(cases.select_related("unit"), order, size=PAGE_SIZE, **asked)
