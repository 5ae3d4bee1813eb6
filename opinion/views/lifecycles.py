"""A lifecycle as a diagram, with its versions; for a case, where it stands and has been."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from opinion.views.case import visible_case
from opinion.views.pages import user_of
from workflows.diagrams import svg
from workflows.models import Case, Definition
from workflows.published import lifecycle as spec_of
from workflows.spec import LifecycleSpec

HOLDERS = {"desk": "受理台", "lead": "主办单位", "none": "—"}


@dataclass(frozen=True)
class StateLine:
    """One state as a line of the table, all in words."""

    name: str
    label: str
    holder: str
    clocks: list[str]
    moves: list[str]


@require_safe
def lifecycle(request: HttpRequest, code: str) -> HttpResponse:
    """`?case=` highlights the state of a case the viewer may see, by the version the case runs on;
    `?version=` shows an older version."""
    versions = list(
        Definition.objects.filter(code=code)
        .select_related("published_by")
        .defer("spec", "source")
        .order_by("-version")
    )
    if not versions:
        raise Http404("没有这个流程")
    case = visible_case(request.GET["case"], user_of(request)) if request.GET.get("case") else None
    shown = _shown(versions, case, request.GET.get("version", ""))
    passed = frozenset(case.events.values_list("source", flat=True)) - {""} if case else frozenset()
    drawing = svg(spec_of(shown.pk), highlight=case.state if case else None, passed=passed)
    context = {
        "versions": versions,
        "shown": shown,
        "states": list(_lines(spec_of(shown.pk))),
        "case": case,
        "kinds": list(Definition.objects.newest().order_by("code").values("code", "label")),
        # Built from a published document by `workflows.diagrams`, which escapes every label.
        "drawing": mark_safe(drawing),  # noqa: S308
    }
    return render(request, "opinion/lifecycle.html", context)


def _lines(spec: LifecycleSpec) -> Iterable[StateLine]:
    for name, state in spec.states.items():
        clocks = [spec.clocks[kind].label for kind in state.clocks]
        stopped = [f"{spec.clocks[kind].label}（停走）" for kind in state.pauses]
        moves = [t.label for _, t in spec.leaving(name) if not t.hidden]
        yield StateLine(name, state.label, HOLDERS[state.holder], clocks + stopped, moves)


def _shown(versions: list[Definition], case: Case | None, wanted: str) -> Definition:
    if case is not None:
        found = next((v for v in versions if v.pk == case.definition_id), None)
    elif wanted:
        found = next((v for v in versions if str(v.version) == wanted), None)
    else:
        found = versions[0]
    if found is None:
        raise Http404("没有这个版本")
    return found
