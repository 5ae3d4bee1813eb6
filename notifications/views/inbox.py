"""站内信: a person's own notices, newest first. Opening one marks it read and goes to the case."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from notifications.models import Notice
from notifications.registry import PATHS, Urgency
from workflows.digits import digits
from workflows.models import Case, User

PAGE_SIZE = 30


def user_of(request: HttpRequest) -> User:
    """The person logged in. Every page here is behind the login middleware."""
    assert isinstance(request.user, User)
    return request.user


@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """`before`: id of the last notice of the page before."""
    mine = Notice.objects.inbox_of(user_of(request)).order_by("-id")
    only_unread = request.GET.get("only") == "unread"
    if only_unread:
        mine = mine.unread()
    before = request.GET.get("before", "")
    if before:
        below = digits(before)
        if below is None:
            raise Http404("没有这一页")
        mine = mine.filter(pk__lt=below)
    found = list(mine[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    context = {
        "notices": shown,
        "only_unread": only_unread,
        "later": shown[-1].pk if len(found) > PAGE_SIZE else None,
        "is_first": not before,
        "newest": shown[0].pk if shown else 0,
        "urgent": Urgency.URGENT,
    }
    return render(request, "notifications/notices.html", context)


@require_POST
def notice_open(request: HttpRequest, pk: int) -> HttpResponse:
    """Whose case is out of sight by now is told so here, rather than by a page that is not there."""
    user = user_of(request)
    notice = get_object_or_404(Notice.objects.inbox_of(user).select_related("event__case"), pk=pk)
    Notice.objects.filter(pk=notice.pk, read_at=None).update(read_at=timezone.now())
    case = notice.event.case
    if case.kind not in PATHS or not Case.objects.visible_to(user).filter(pk=case.pk).exists():
        messages.warning(request, f"{notice.case_number} 已不在您的可见范围内")
        return redirect("notices")
    return redirect(PATHS[case.kind](case.number))


@require_POST
def notices_read(request: HttpRequest) -> HttpResponse:
    """Mark read all up to the newest one that was on the page; what came since stays unread."""
    upto = digits(request.POST.get("upto", ""))
    if upto is None:
        messages.error(request, "没有看懂要标记到哪一条，请刷新后重试")
        return redirect("notices")
    unread = Notice.objects.inbox_of(user_of(request)).unread().filter(pk__lte=upto)
    with transaction.atomic():
        # In the order in which settling locks them, so that neither waits for the other.
        list(unread.select_for_update().order_by("pk").values_list("pk"))
        count = unread.update(read_at=timezone.now())
    messages.success(request, f"已将 {count} 条标为已读")
    return redirect("notices")
