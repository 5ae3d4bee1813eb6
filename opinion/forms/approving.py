"""Who else is to sign, to be told or to be heard in an approval."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from opinion.forms.base import MoveForm, code, prose
from workflows.approvals.people import Finder
from workflows.approvals.picking import Picking, barred_from
from workflows.approvals.standing import kinds_waiting_for, running
from workflows.approvals.under_way import under_way
from workflows.models import Approval, ApprovalTask, User
from workflows.published import lifecycle
from workflows.registry import form


class ApprovalForm(MoveForm):
    """Which of the running approvals is meant; there is mostly one."""

    approval = code("审批事项")

    def prepare(self) -> None:
        found = self.meant()
        declared = lifecycle(self.case.definition_id).approvals
        self.offer("approval", [(a.kind, declared[a.kind].label) for a in found if a.kind in declared])
        if len(found) == 1:
            self.initial.setdefault("approval", found[0].kind)
            self.fields["approval"].required = False
        self.only = found[0].kind if len(found) == 1 else ""

    def clean_approval(self) -> str:
        return str(self.cleaned_data["approval"] or self.only)

    def meant(self) -> list[Approval]:
        """Those in which this person is asked, or, for others, all that are running."""
        mine = kinds_waiting_for(self.case, self.by)
        return [approval for approval in running(self.case) if not mine or approval.kind in mine]


def person(label: str, *, help_text: str = "") -> forms.TypedChoiceField:
    """A field for somebody who works here; cleaned, it is an id."""
    return forms.TypedChoiceField(label=label, help_text=help_text, coerce=int)


@form("pick_signer")
class PickSignerForm(ApprovalForm):
    """Somebody else to sign besides (加签). nobody: why there is no one to choose, and what to do; empty where there is."""

    instead: ClassVar[bool] = False
    none_fit: ClassVar[str] = (
        "现在没有可以加签的人：此刻在岗、可知悉本案的人都是申请人、拟稿人，或已在本级审批中。"
        "可以直接表态，或请安全管理员在用户任职中增加人员"
    )
    beside = "opinion/parts/people_beside.html"
    nobody = ""

    person = person("审批人", help_text="只列在岗、可知悉本案、不是申请人或拟稿人、且未在本级审批中的人")
    remark = prose("说明", required=False, rows=3)

    def prepare(self) -> None:
        super().prepare()
        assert self.at is not None
        there = Finder(self.case, self.at, {self.by.pk}).candidates()
        kinds = {approval.kind for approval in self.meant()}
        fit: set[int] = set()
        for one in under_way(self.case):
            if one.approval.kind in kinds:
                finder = Finder(self.case, self.at, barred_from(one.approval))
                picking = Picking(one.approval, one.seats, finder, self.by, self.instead)
                fit.update(user.pk for user in picking.among(there))
        self.offer(
            "person",
            _people(user for user in there if user.pk in fit),
            empty="请选择" if fit else "没有可选的人",
        )
        if not fit:
            self.nobody = self.none_fit


@form("pick_heir")
class PickHeirForm(PickSignerForm):
    """Somebody to sign in one's own place (委派)."""

    instead = True
    none_fit = (
        "现在没有可以委派的人：本级的审批岗位和您同单位的同事中，没有别人此刻在岗、可知悉本案且未参与此次审批。"
        "可以自己表态，或“加签”请别人一并审核；要常有人可委派，请安全管理员在用户任职中增加本级岗位的人员"
    )

    person = person(
        "受托人", help_text="只列本级的审批岗位和您同单位的同事；外出、已在本次审批中表态的人不列"
    )


@form("drop_signer")
class DropSignerForm(ApprovalForm):
    """One of those this person added."""

    person = person("减去")
    remark = prose("说明", required=False, rows=3)

    def meant(self) -> list[Approval]:
        own = ApprovalTask.objects.waiting().filter(case=self.case, extra=True, handed_by=self.by)
        return list(Approval.objects.filter(pk__in=own.values("process")))

    def prepare(self) -> None:
        super().prepare()
        own = ApprovalTask.objects.waiting().filter(case=self.case, extra=True, handed_by=self.by)
        self.offer("person", _people(seat.owner for seat in own.select_related("owner")))


@form("send_copy")
class SendCopyForm(ApprovalForm):
    """People to be told."""

    people = forms.TypedMultipleChoiceField(label="抄送给", coerce=int, help_text="只告知，不需表态")
    remark = prose("说明", required=False, rows=3)

    def prepare(self) -> None:
        super().prepare()
        assert self.at is not None
        self.offer("people", _people(Finder(self.case, self.at, {self.by.pk}).candidates()))


@form("discuss")
class DiscussForm(ApprovalForm):
    """A word in the approval, told to those who sign and to who asked; it decides nothing."""

    comment = prose("意见", rows=4, help_text="能看到本案的人都能看到，不作为表态")


def _people(users: Any) -> list[tuple[int, str]]:
    return [(user.pk, _where(user)) for user in users]


def _where(user: User) -> str:
    return f"{user}（{'、'.join(sorted({row.unit.name for row in user.memberships.all()}))}）"
