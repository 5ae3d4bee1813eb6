"""One move of one case: its form, the confirmation it asks for, and the way through the door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from opinion.deciding import deciding_on
from opinion.forms import MoveForm, form_for
from opinion.forms.files import FilesForm
from opinion.telling import telling
from opinion.views.case import visible_case
from opinion.views.contact import show_contact
from opinion.views.drafts import go_on_drafting
from opinion.views.pages import user_of
from opinion.views.tokens import fresh_token, key_of
from workflows.declarations import TransitionSpec
from workflows.digits import digits
from workflows.engine import fire
from workflows.errors import Already, MayNot, MoveRefused
from workflows.models import Case, Event, User
from workflows.permits import refused
from workflows.published import lifecycle
from workflows.rerating import Rerated, foresee_facts, seal

# Moves that answer with a page of their own instead of going back to the case.
ANSWERS = {"reveal_contact": show_contact, "save_draft": go_on_drafting}

# Moves that keep one more version and change nothing else: whoever goes back to their page may save again from it.
SAVES = frozenset({"save_draft"})


@require_http_methods(["GET", "HEAD", "POST"])
def action(request: HttpRequest, number: str, transition: str) -> HttpResponse:
    """Unknown case or move: 404. Not this person's: 403. Not from here or not any more: 409, with what was typed."""
    at = timezone.now()
    viewer = user_of(request)
    if request.method == "POST" and _took_it_out_of_sight(number, key_of(request, transition), viewer):
        return redirect("todo")
    case = visible_case(number, viewer)
    step = lifecycle(case.definition_id).transitions.get(transition)
    if step is None or step.hidden:
        raise Http404("没有这一步")
    page = ActionPage(request, case, transition, step, viewer, at)
    return page.submit() if request.method == "POST" else page.show()


def _took_it_out_of_sight(number: str, key: str, viewer: User) -> bool:
    """Whether this is the second of two clicks, the first of which closed the case to the very person."""
    seen = Case.objects.visible_to(viewer).filter(number=number).exists()
    return not seen and Event.objects.filter(case__number=number, key=key, actor=viewer).exists()


@dataclass(frozen=True)
class Moving:
    """Deadlines that a move would change, each with its label. seal: of what is shown."""

    clocks: list[tuple[str, Rerated]]
    seal: str


class ActionPage:
    """The page of one move for one viewer."""

    def __init__(
        self, request: HttpRequest, case: Case, name: str, step: TransitionSpec, viewer: User, at: datetime
    ) -> None:
        self.request, self.case, self.name, self.step, self.viewer, self.at = (
            request,
            case,
            name,
            step,
            viewer,
            at,
        )

    def show(self) -> HttpResponse:
        no = self._refusal(self.case)
        if no is not None:
            return self._render(None, no)
        return self._render(self._form(None), None)

    def submit(self) -> HttpResponse:
        key, rev = self._from_where(key_of(self.request, self.name), self._rev())
        done = Event.objects.filter(case=self.case, key=key, actor=self.viewer).first()
        if done is not None:
            # The second of two clicks: what it chose from may be gone by what the first did.
            return self._done(done)
        form = self._form(self.request.POST, self.request.FILES)
        if isinstance(form, FilesForm) and self._refusal(self.case) is None:
            form.receive(self.at)
        again = form.again() if form is not None else None
        if again is not None:
            return self._render(again, self._refusal(self.case, rev))
        if form is not None and not form.is_valid():
            # What somebody else did since is said first: it may be why an entry does not fit any more.
            return self._render(form, self._refusal(self.case, rev), status=422)
        if telling(form, self.request.POST).count and self._refusal(self.case, rev) is None:
            return self._render(form, None, asks_again=True)
        try:
            moving = self._moving(form, rev)
            if moving is not None:
                return self._render(form, None, moving=moving)
            event = fire(
                self.case.pk, self.name, by=self.viewer, at=self.at, key=key, rev=rev,
                data=form.cleaned_data if form is not None else {},
            )  # fmt: skip
        except MoveRefused as no:
            return self._render(form, no)
        return self._done(event)

    def _done(self, event: Event) -> HttpResponse:
        if self.name in ANSWERS:
            return ANSWERS[self.name](self.request, self.case, event, at=self.at)
        messages.success(self.request, f"{self.case.number} 已办理“{self.step.label}”")
        # A move may take the case out of the mover's sight, such as a decline.
        if Case.objects.visible_to(self.viewer).filter(pk=self.case.pk).exists():
            return redirect("case", self.case.number)
        return redirect("todo")

    def _moving(self, form: MoveForm | None, rev: int) -> Moving | None:
        """Deadlines that other facts would move, until the person has seen just these. Raises MoveRefused."""
        facts = form.facts() if form is not None else None
        if facts is None:
            return None
        clocks = foresee_facts(self.case, self.name, facts, by=self.viewer, at=self.at, rev=rev)
        sealed = seal(facts, clocks)
        if not clocks or self.request.POST.get("seen") == sealed:
            return None
        labels = {kind: clock.label for kind, clock in lifecycle(self.case.definition_id).clocks.items()}
        return Moving([(labels.get(clock.kind, clock.kind), clock) for clock in clocks], sealed)

    def _render(
        self,
        form: forms.Form | None,
        no: MoveRefused | None,
        status: int = 200,
        moving: Moving | None = None,
        asks_again: bool = False,
    ) -> HttpResponse:
        """With a refusal the page says it, keeps what was typed, and offers to go on only where that is possible.

        The version it is sent on with stays the one it was opened with, until the person has read what happened since.
        """
        fresh = self.case
        if no is not None:
            fresh = visible_case(self.case.number, self.viewer)
            status = 403 if isinstance(no, MayNot) else 409
        told = self.request.method != "POST" or isinstance(no, Already)
        form, overtaken = self._overtaken(form) if told else (form, [])
        context = {
            "case": fresh,
            "rev": fresh.rev if told else self._rev(),
            "wording": form.wording
            if told and isinstance(form, MoveForm)
            else self.request.POST.get("wording", ""),
            "overtaken": overtaken,
            "state": lifecycle(fresh.definition_id).states[fresh.state].label,
            "step": self.step,
            "form": form,
            "refused": no,
            "moving": moving,
            "possible": no is None or self._refusal(fresh) is None,
            "token": fresh_token(),
        }
        context |= {"telling": telling(form, self.request.POST), "asks_again": asks_again}
        if context["possible"]:
            context["deciding"] = deciding_on(fresh, self.name, self.step, form, self.viewer, at=self.at)
        return render(self.request, "opinion/action.html", context, status=status)

    def _form(self, data: Any, files: Any = None) -> MoveForm | None:
        """The registered form of this move, None where it asks for nothing."""
        if self.step.form is None:
            return None
        return form_for(self.step.form, data, case=self.case, user=self.viewer, at=self.at, files=files)

    def _overtaken(self, form: forms.Form | None) -> tuple[forms.Form | None, list[tuple[str, str]]]:
        """The form with the words now to be agreed to, where they were others when it was opened, and what was typed over
        those: label, text."""
        if not isinstance(form, MoveForm) or not form.is_bound or not form.agreed_to:
            return form, []
        anew = self._form(None)
        if anew is None or anew.wording == self.request.POST.get("wording"):
            return form, []
        typed = {name: self.request.POST.get(name, "") for name in form.fields}
        kept = [name for name, field in anew.fields.items() if isinstance(field, forms.CharField)]
        anew.initial.update((name, typed[name]) for name in kept if name not in anew.agreed_to)
        over = [(str(anew.fields[name].label), typed[name]) for name in anew.agreed_to if name in anew.fields]
        return anew, [(label, text) for label, text in over if text]

    def _refusal(self, case: Case, rev: int | None = None) -> MoveRefused | None:
        return refused(case, self.name, by=self.viewer, at=self.at, rev=rev)

    def _from_where(self, key: str, rev: int) -> tuple[str, int]:
        """The key and the version of the case that count. What a page saved before, and gone back to, is no news to it."""
        if self.name not in SAVES:
            return key, rev
        events = Event.objects.filter(case=self.case)
        own = Q(actor=self.viewer, key__startswith=key.rpartition(":")[0] + ":")
        last = events.filter(own).order_by("-seq").first()
        if last is None:
            return key, rev
        if str(last.key).partition("~")[0] == key:
            key = str(last.key)
        elif events.filter(own, key=key).exists():
            # Saved, changed, and changed back: the first text once more, as a version of its own.
            key = f"{key}~{last.seq}"
        news = events.filter(seq__gt=rev).exclude(own).exists()
        return key, rev if news else max(rev, last.seq)

    def _rev(self) -> int:
        rev = digits(self.request.POST.get("rev", ""), most=9)
        if rev is None:
            raise BadRequest("rev")
        return rev
