"""Sentences the engine says to people."""

from __future__ import annotations

from django.utils import timezone
from django.utils.formats import date_format

from workflows.models import Case, Definition, Event
from workflows.published import earlier, lifecycle


def clock_labels() -> dict[str, str]:
    """Clock kind → what the newest lifecycles call it."""
    newest = Definition.objects.newest().values_list("pk", flat=True)
    return {kind: clock.label for pk in newest for kind, clock in lifecycle(pk).clocks.items()}


def already_sentence(case: Case, event: Event | None) -> str:
    """Who did what, when, and where the case stands now."""
    spec = lifecycle(case.definition_id)
    now = spec.states[case.state].label
    if event is None:
        return f"{case.number} 已有变动，现为“{now}”"
    done = spec.transitions.get(event.transition)
    what = done.label if done else event_label(case, event)
    when = date_format(timezone.localtime(event.happened_at), "Y-m-d H:i")
    return f"{event.actor} 已于 {when} 办理“{what}”，{case.number} 现为“{now}”"


def event_label(case: Case, event: Event) -> str:
    """What the event is called on a page: its transition's label, or the engine's own word.

    A transition that the case's version no longer has keeps the label of the newest version that had it.
    """
    spec = lifecycle(case.definition_id)
    if event.transition in spec.transitions:
        return spec.transitions[event.transition].label
    if event.transition:
        versions = (lifecycle(pk) for pk in earlier(case.definition_id))
        return next(
            (v.transitions[event.transition].label for v in versions if event.transition in v.transitions),
            event.name,
        )
    if event.name in CLOCK_EVENTS:
        clock = spec.clocks.get(str(event.data.get("clock")))
        word = CLOCK_EVENTS[event.name]
        return f"{word}：{clock.label}" if clock else word
    return "登记" if event.name == spec.opening.event else ENGINE_EVENTS.get(event.name, event.name)


def event_names() -> dict[str, str]:
    """Name of an event → what the newest lifecycles, or the engine, call it."""
    newest = [lifecycle(pk) for pk in Definition.objects.newest().values_list("pk", flat=True)]
    openings = {spec.opening.event: f"登记{spec.label}" for spec in newest}
    steps = {step.event: step.label for spec in newest for step in spec.transitions.values()}
    return {**openings, **steps, **ENGINE_EVENTS}


def step_names() -> dict[str, str]:
    """Name of a transition → what the newest lifecycles call it."""
    newest = Definition.objects.newest().values_list("pk", flat=True)
    return {name: step.label for pk in newest for name, step in lifecycle(pk).transitions.items()}


def why_not_opened(error: OSError) -> str:
    """Why a file could not be read or written; the system's own word for what is rare."""
    return next(
        (said for kind, said in FILE_ERRORS.items() if isinstance(error, kind)), f"系统答复 {error.strerror}"
    )


FILE_ERRORS: dict[type[OSError], str] = {
    FileNotFoundError: "没有这个文件或文件夹，请核对路径",
    PermissionError: "没有权限，请核对文件和文件夹的权限",
    IsADirectoryError: "这是文件夹，请指明文件",
    NotADirectoryError: "路径中有一段不是文件夹，请核对路径",
    FileExistsError: "已有同名文件，请换一个名字",
}
CLOCK_EVENTS = {
    "clock.warned": "到期提醒",
    "clock.missed": "逾期",
    "clock.escalated": "逾期升级",
    "clock.repeated": "再次提醒",
}
ENGINE_EVENTS = {
    **CLOCK_EVENTS,
    "clock.redated": "时限重算",
    "approval.unmanned": "审批缺人",
    "approval.reseated": "审批人离岗或不再知悉本案，另请审批",
    "policy.changed": "时限规则变更",
    "definition.changed": "流程版本变更",
}
