"""Publishing documents: checked whole, stored once, never changed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from pydantic import BaseModel

from workflows import ladders
from workflows import policy as policies
from workflows import spec as lifecycles
from workflows.approvals import rules as approval_documents
from workflows.approvals.rules import ApprovalRulesSpec
from workflows.calendars import CalendarError, CalendarSpec, parse_calendar
from workflows.documents import SpecError, load_yaml
from workflows.ladders import LadderSpec
from workflows.models import (
    ApprovalRules,
    CalendarVersion,
    Definition,
    LadderVersion,
    Membership,
    PolicyVersion,
    User,
)
from workflows.models.definition import PublishedDocument
from workflows.policy import PolicySpec
from workflows.registry import COLOURED
from workflows.spec import LifecycleSpec

Spec = LifecycleSpec | PolicySpec | CalendarSpec | LadderSpec | ApprovalRulesSpec


@dataclass(frozen=True)
class Published:
    """What publishing did. fresh: a new version was stored; otherwise the newest already says the same."""

    document: PublishedDocument
    fresh: bool


def read(text: str, origin: str) -> Spec:
    """Read a document of any of the five kinds, told apart by their main key. Raises SpecError."""
    data = load_yaml(text, origin)
    keys = data.keys() if isinstance(data, dict) else ()
    if "states" in keys:
        return lifecycles.parse(text, origin)
    if "rules" in keys:
        return policies.parse(text, origin)
    if "approvals" in keys:
        return approval_documents.parse(text, origin)
    if "rungs" in keys:
        return ladders.parse(text, origin)
    if "weekly" in keys:
        try:
            return parse_calendar(data, origin=origin)
        except CalendarError as error:
            raise SpecError(origin, error.problems) from error
    raise SpecError(
        origin,
        [
            "文件: 认不出文档类别：流程应有 states，时限规则 rules，催督阶梯 rungs，审批层级 approvals，工作日历 weekly"
        ],
    )


def check(text: str, origin: str) -> Spec:
    """Check a document against itself and against what it leans on. Raises SpecError."""
    spec = read(text, origin)
    problems = list(_against_others(spec))
    if problems:
        raise SpecError(origin, problems)
    return spec


def check_file(path: Path) -> Spec:
    """Check what a file says. Raises SpecError, for bytes that are not UTF-8 too, and OSError."""
    return check(_text(path), str(path))


def publish(text: str, origin: str, *, by: User, at: datetime, source: str | None = None) -> Published:
    """Check a document, then store a new version unless the newest says the same. Raises SpecError.

    source: what to keep as the original where the document was made from something else, such as a notice.
    """
    spec = check(text, origin)
    model: type[PublishedDocument] = _MODELS[type(spec)]
    content = json.loads(spec.model_dump_json(by_alias=True))
    with transaction.atomic():
        newest = model.objects.filter(code=spec.code).order_by("-version").first()
        if newest is not None and newest.spec == content:
            return Published(newest, fresh=False)
        version = newest.version + 1 if newest else 1
        document = model(
            code=spec.code,
            version=version,
            label=spec.label,
            spec=content,
            source=text if source is None else source,
            published_at=at,
            published_by=by,
        )
        document.save(force_insert=True)
    return Published(document, fresh=True)


def publish_file(path: Path, *, by: User, at: datetime) -> Published:
    """Publish what a file says. Raises SpecError, for bytes that are not UTF-8 too, and OSError."""
    return publish(_text(path), str(path), by=by, at=at)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(str(path), [f"第 {error.start} 字节: 不是 UTF-8 编码，请另存为 UTF-8"]) from error


def publish_missing(paths: Iterable[Path], *, by: User, at: datetime) -> None:
    """Publish shipped documents whose code has no version yet; what a county has published stays as it is."""
    for path in sorted(paths):
        spec = read(path.read_text(encoding="utf-8"), path.name)
        if not _MODELS[type(spec)].objects.filter(code=spec.code).exists():
            publish(path.read_text(encoding="utf-8"), path.name, by=by, at=at)


_MODELS: dict[type[BaseModel], Any] = {
    LifecycleSpec: Definition,
    PolicySpec: PolicyVersion,
    CalendarSpec: CalendarVersion,
    LadderSpec: LadderVersion,
    ApprovalRulesSpec: ApprovalRules,
}


def _against_others(spec: BaseModel) -> Iterable[str]:
    """A lifecycle needs its policy, a policy its calendar and ladders; each goes on serving what leans on it."""
    if isinstance(spec, LifecycleSpec):
        yield from _lifecycle_against_others(spec)
    if isinstance(spec, PolicySpec):
        yield from _policy_against_others(spec)
    if isinstance(spec, ApprovalRulesSpec):
        yield from _levels_against_others(spec)
    if isinstance(spec, LadderSpec):
        policies_by_code = {rules.code: rules for rules in _newest(PolicyVersion)}
        for lifecycle in _newest(Definition):
            yield from _unclimbable(lifecycle, policies_by_code[lifecycle.policy], spec)


def _lifecycle_against_others(spec: LifecycleSpec) -> Iterable[str]:
    rules = PolicyVersion.objects.filter(code=spec.policy).order_by("-version").first()
    if rules is None:
        yield f"policy: 时限规则“{spec.policy}”尚未发布，请先发布它"
        return
    yield from rules.parsed.unserved(spec)
    if spec.levels is not None:
        levels = ApprovalRules.objects.filter(code=spec.levels).order_by("version").last()
        if levels is None:
            yield f"levels: 审批层级“{spec.levels}”尚未发布，请先发布它"
        else:
            yield from levels.parsed.unserved(spec)
    for code in rules.parsed.ladders:
        yield from _unclimbable(spec, rules.parsed, LadderVersion.objects.latest_of(code).parsed)


def _levels_against_others(spec: ApprovalRulesSpec) -> Iterable[str]:
    """People named must be there, and the lifecycles that go by this document must find every matter in it.

    Roles without a holder are no error: units differ, and a level with nobody goes to stand-ins and the fallback.
    """
    working = set(
        Membership.objects.filter(user__username__in=spec.usernames, user__is_active=True).values_list(
            "user__username", flat=True
        )
    )
    for index, rule in enumerate(spec.approvals):
        for number, level in enumerate(rule.levels):
            for username in level.people:
                if username not in working:
                    at = f"approvals.{index}.levels.{number}.people"
                    yield f"{at}: 用户“{username}”不存在、已停用或没有任职，请改写"
    if (
        not Membership.objects.filter(role__in=spec.fallback, user__is_active=True).exists()
        and User.objects.filter(memberships__isnull=False).exists()
    ):
        yield f"fallback: {'、'.join(spec.fallback)} 都没有人任职，无人审批时无处可去，请先安排任职"
    for lifecycle in _newest(Definition):
        if lifecycle.levels == spec.code:
            yield from spec.unserved(lifecycle)


def _policy_against_others(spec: PolicySpec) -> Iterable[str]:
    if not CalendarVersion.objects.filter(code=spec.calendar).exists():
        yield f"calendar: 工作日历“{spec.calendar}”尚未发布，请先发布它"
    found = {
        code: LadderVersion.objects.filter(code=code).order_by("version").last() for code in spec.ladders
    }
    for code, version in found.items():
        if version is None:
            yield f"rules: 催督阶梯“{code}”尚未发布，请先发布它"
    for lifecycle in _newest(Definition):
        if lifecycle.policy == spec.code:
            yield from spec.unserved(lifecycle)
            for version in filter(None, found.values()):
                yield from _unclimbable(lifecycle, spec, version.parsed)


def _newest(model: type[PublishedDocument]) -> list[Any]:
    return [document.parsed for document in model.objects.newest()]  # type: ignore[attr-defined]


def _unclimbable(lifecycle: LifecycleSpec, rules: PolicySpec, ladder: LadderSpec) -> Iterable[str]:
    """What a rung fires must be a move the system can make wherever a clock on that ladder runs."""
    clocks = {rule.clock for rule in rules.rules if rule.ladder == ladder.code}
    states = [name for name, state in lifecycle.states.items() if clocks & set(state.clocks)]
    for number, rung in enumerate(ladder.rungs if states else (), 1):
        for name in rung.fire:
            move = lifecycle.transitions.get(name)
            at = f"rungs.{rung.name}.fire"
            if move is None:
                yield f"{at}: 流程 {lifecycle.code} 没有“{name}”这一步"
                continue
            if "system" not in move.role:
                yield f"{at}: 流程 {lifecycle.code} 的“{name}”不许系统办理，请在 role 中加上 system"
            if missing := [state for state in states if state not in move.sources]:
                yield f"{at}: 流程 {lifecycle.code} 的“{name}”还应从这些状态出发：{'、'.join(missing)}"
            if not ladder.level(number) and COLOURED.intersection(move.effects):
                yield (
                    f"{at}: 催督阶梯 {ladder.code} 到这一级还没有颜色，“{move.label}”（{name}）要按颜色定级；"
                    "请在本级或前面某级写 colour: blue、yellow 或 red"
                )
