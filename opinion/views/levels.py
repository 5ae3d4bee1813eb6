"""审批层级: which levels each matter passes; a new version is checked, compared and shown at work before it is published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from opinion.access import may_keep_policies
from opinion.approvalfile import when_in_words
from opinion.staffing import scarce
from opinion.views.documents import DocumentForm, shown_document, sight, taken_up, versions_of
from opinion.views.pages import user_of
from workflows.approvals.rules import ApprovalRule, ApprovalRulesSpec, LevelSpec, agreement, besides
from workflows.differences import approval_differences
from workflows.models import Approval, ApprovalRules, Definition, Membership, User
from workflows.published import lifecycle
from workflows.publishing import publish
from workflows.registry import ROLES
from workflows.spec import LifecycleSpec
from workflows.wording import clock_labels


class LevelsForm(DocumentForm[ApprovalRulesSpec]):
    """Approval levels."""

    origin, kind, main_key = "审批层级", ApprovalRulesSpec, "approvals"


@dataclass(frozen=True)
class LevelLine:
    """One level in words. who: each role or person with how many hold it today. empty: nobody does, anywhere.

    besides: whom it leaves out, who is told and its own clock.
    """

    label: str
    who: str
    agree: str
    besides: list[str]
    empty: bool


@dataclass(frozen=True)
class RuleLine:
    """One row in words."""

    matter: str
    when: str
    levels: list[LevelLine]
    source: str


@require_http_methods(["GET", "HEAD", "POST"])
def levels(request: HttpRequest) -> HttpResponse:
    """A first POST shows what the text says and what changed; `publish` stores just that. Running approvals keep theirs.

    `?version=` shows a published version in words and puts its text into the form: to change it, or to go back to it.
    """
    user = user_of(request)
    if not may_keep_policies(user):
        raise PermissionDenied
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    shown = taken_up(ApprovalRules.objects.all(), request)
    form = LevelsForm(*sent, initial={"text": shown.source} if shown else {})
    context: dict[str, Any] = {"form": form, "word": "文档", "running_word": "正在审批", "running_unit": "项"}
    if shown and request.method != "POST":
        context |= {"shown": f"{shown.label}第 {shown.version} 版", "lines": _lines(shown.parsed, _held())}
    if request.method == "POST" and form.is_valid():
        assert form.spec is not None
        newest = ApprovalRules.objects.filter(code=form.spec.code).order_by("-version").first()
        seen = sight(request, form.cleaned_data["text"], newest)
        if seen.granted:
            published = publish(form.cleaned_data["text"], LevelsForm.origin, by=user, at=timezone.now())
            said = (
                f"已发布“{published.document.label}”第 {published.document.version} 版"
                if published.fresh
                else "内容未变"
            )
            messages.success(request, f"{said}，正在进行的审批仍按开始时的层级走完")
            return redirect("levels")
        context |= {"seen": seen, **_foreseen(form.spec, newest)}
    context["versions"] = versions_of(ApprovalRules.objects.all(), Approval.objects.running(), "rules")
    return shown_document(request, "opinion/levels.html", context)


def _foreseen(spec: ApprovalRulesSpec, newest: ApprovalRules | None) -> dict[str, Any]:
    held = _held()
    lines = _lines(spec, held)
    return {
        "previewed": True,
        "lines": lines,
        "empty": [f"{line.matter}“{level.label}”" for line in lines for level in line.levels if level.empty],
        "warnings": list(_doubts(spec)),
        "scarce": scarce(spec),
        "unknown": _unknown(spec),
        "fallback": "、".join(_role(name, held) for name in spec.fallback),
        "newest": newest,
        "differences": approval_differences(newest.parsed, spec) if newest else [],
    }


def _held() -> dict[str, int]:
    """Role → how many people hold it today."""
    posts = Membership.objects.filter(user__is_active=True).values_list("role")
    return dict(posts.annotate(Count("user", distinct=True)).order_by())


def _lines(spec: ApprovalRulesSpec, held: dict[str, int]) -> list[RuleLine]:
    return [_rule_line(rule, held) for rule in spec.approvals]


def _unknown(spec: ApprovalRulesSpec) -> list[str]:
    """Matters no lifecycle asks for: a slip, or meant for a lifecycle yet to be published. So it is said, not refused."""
    served = _served(spec)
    asked = {name for flow in served for name in flow.approvals}
    return [
        f"{rule.row}（{rule.approval}）" for rule in spec.approvals if served and rule.approval not in asked
    ]


def _served(spec: ApprovalRulesSpec) -> list[LifecycleSpec]:
    """The newest lifecycles that go by this document."""
    newest = (lifecycle(pk) for pk in Definition.objects.newest().values_list("pk", flat=True))
    return [flow for flow in newest if flow.levels == spec.code]


def _doubts(spec: ApprovalRulesSpec) -> Iterator[str]:
    """What may be meant, but more often is a slip; said before publishing, and no more."""
    if not _served(spec):
        yield f"现行流程都不用代码为“{spec.code}”的审批层级，发布后不起作用，请核对 code。"
    for rule in spec.approvals:
        matter = f"{_matter(rule.approval)}（条目 {rule.row}）"
        if not rule.levels:
            yield f"{matter}：levels 为空，不经审批即通过，请确认。"
        for level in rule.levels:
            at = f"{matter}“{level.label}”"
            there = _people(level).count() if isinstance(level.agree, int) else None
            if there is not None and int(level.agree) > there:
                yield f"{at}：agree 要求 {level.agree} 人同意，目前合计只有 {there} 人，请改小或增加人员。"
            if blind := [*_blind(level.by), *_blind_people(level)]:
                yield f"{at}：{'、'.join(blind)}看不到任何案件，不能审批，请改写 by 或 people。"
            if blind := _blind(level.copy_to):
                yield f"{at}：{'、'.join(blind)}看不到任何案件，收不到抄送，请改写 copy_to。"
    if blind := _blind({*spec.fallback, *spec.stand_ins.values()}):
        yield f"{'、'.join(blind)}看不到任何案件，不能代审，请改写 stand_ins 或 fallback。"


def _people(level: LevelSpec) -> QuerySet[User]:
    """Those who hold its roles today, and those named."""
    sitting = Q(memberships__role__in=level.by) | Q(username__in=level.people)
    return User.objects.filter(sitting, is_active=True).distinct()


def _blind(roles: Iterable[str]) -> list[str]:
    return [ROLES[name].label for name in sorted(roles) if ROLES[name].sees == "nothing"]


def _blind_people(level: LevelSpec) -> list[str]:
    """People named whose every role sees nothing; those without a role are refused when it is published."""
    seeing = [name for name, role in ROLES.items() if role.sees != "nothing"]
    named = User.objects.filter(username__in=level.people, memberships__isnull=False)
    return [str(user) for user in named.exclude(memberships__role__in=seeing).distinct()]


def _rule_line(rule: ApprovalRule, held: dict[str, int]) -> RuleLine:
    return RuleLine(
        _matter(rule.approval),
        when_in_words(rule) or "其余",
        [_level_line(level, held) for level in rule.levels],
        rule.source,
    )


def _level_line(level: LevelSpec, held: dict[str, int]) -> LevelLine:
    named = {user.username: str(user) for user in User.objects.filter(username__in=level.people)}
    who = [*(_role(name, held) for name in level.by), *(named.get(name, name) for name in level.people)]
    empty = not level.people and not any(held.get(name) for name in level.by)
    return LevelLine(level.label, "、".join(who), agreement(level), besides(level, clock_labels()), empty)


def _role(name: str, held: dict[str, int]) -> str:
    return f"{ROLES[name].label}（现任 {held.get(name, 0)} 人）"


def _matter(name: str) -> str:
    """What the newest lifecycles call a matter."""
    for pk in Definition.objects.newest().values_list("pk", flat=True):
        if name in lifecycle(pk).approvals:
            return lifecycle(pk).approvals[name].label
    return name
