"""登记: a message that came by letter, visit or telephone, or from a platform without an export."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms.boundfield import BoundField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_http_methods

from opinion.access import may_register
from opinion.casefile import links_of
from opinion.forms import RegisterForm
from opinion.models import Link
from opinion.opening import openable
from opinion.registering import AlreadyRegistered
from opinion.registering import register as register_message
from opinion.sequels import may_have_sequel
from opinion.views.pages import user_of
from opinion.views.tokens import fresh_token, key_of
from workflows.errors import MayNot
from workflows.models import Case, Event, User

# How the form is laid out; a field named in no group comes last, so that none is ever lost.
GROUPS = (
    ("来件", ("desk", "source", "external_number", "received_at")),
    ("内容", ("subject", "body", "place")),
    ("分类", ("type", "domain", "urgency", "complexity")),
    (
        "联系人（加密保存，查看须填事由）",
        ("same_person", "name", "phone", "address", "email", "asked_confidential"),
    ),
    ("限制知悉", ("restricted", "barred")),
)


@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    user = user_of(request)
    if not may_register(user):
        raise PermissionDenied
    old = _sequel_to(request, user)
    form = RegisterForm(request.POST or None, by=user, at=at, sequel_to=old)
    token = fresh_token()
    if request.method == "POST":
        key = key_of(request, "register")
        # What is sent twice keeps its token until it has been registered.
        token = request.POST["token"]
        done = _done_before(request, user, key)
        if done is not None:
            return _registered(request, done, user)
        if form.is_valid():
            try:
                case = register_message(**form.arguments, by=user, at=at, key=key)
            except AlreadyRegistered as known:
                form.add_error("external_number", _known_sentence(known.case, user))
            except MayNot as refused:
                form.add_error("desk", str(refused))
            else:
                return _registered(request, case, user)
    context = {
        "form": form,
        "groups": list(_groups(form)),
        "token": token,
        "kinds": openable(user),
        "may_register_messages": True,
        "sequel_to": old,
    }
    return render(request, "opinion/register.html", context, status=422 if form.errors else 200)


def _sequel_to(request: HttpRequest, user: User) -> Case | None:
    """The case named in the address or carried on in the form; only one this person may know of, and that is over."""
    number = request.POST.get("sequel_to") or request.GET.get("sequel_to")
    if not number:
        return None
    found = None if "\0" in number else Case.objects.visible_to(user).filter(number=number).first()
    if found is None or not may_have_sequel(found):
        raise Http404("没有这件可以接续的案件")
    return found


def _done_before(request: HttpRequest, user: User, key: str) -> Case | None:
    """The case an earlier click on this very form opened: the number it gave is then no duplicate."""
    number, source = request.POST.get("external_number", "").strip(), request.POST.get("source", "")
    if not number or "\0" in number + source:
        # Nothing like that was ever kept: the form says so beside the field.
        return None
    event = (
        Event.objects.filter(
            case__message__source=source, case__message__external_key=number, key=key, actor=user
        )
        .select_related("case")
        .first()
    )
    return event.case if event else None


def _registered(request: HttpRequest, case: Case, user: User) -> HttpResponse:
    """On to the case, with a hint at earlier messages of the same words; a restricted one may be out of sight."""
    if not Case.objects.visible_to(user).filter(pk=case.pk).exists():
        messages.success(request, f"已登记为 {case.number}，限制知悉，由专办员办理")
        return redirect("register")
    messages.success(request, f"已登记为 {case.number}")
    alike = [link.case for link in links_of(case, user) if link.kind == Link.Kind.DUPLICATE_HINT]
    if alike:
        numbers = format_html_join(
            "、",
            '<a href="{}">{}</a>',
            ((reverse("case", args=[other.number]), other.number) for other in alike),
        )
        messages.warning(
            request, format_html("内容与 {} 完全相同，可能是重复留言，请核对后决定是否并案", numbers)
        )
    return redirect("case", case.number)


def _known_sentence(case: Case, user: User) -> str:
    """Names the earlier case only to somebody who may know of it."""
    known = Case.objects.visible_to(user).filter(pk=case.pk).exists()
    return f"该来源的这件留言已登记过{f'，见 {case.number}' if known else ''}，请勿重复登记"


def _groups(form: RegisterForm) -> Iterable[tuple[str, list[BoundField]]]:
    grouped = {name for _, names in GROUPS for name in names}
    for legend, names in GROUPS:
        yield legend, [form[name] for name in names if name in form.fields]
    rest = [form[name] for name in form.fields if name not in grouped]
    if rest:
        yield "其他", rest
