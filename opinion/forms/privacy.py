"""Who must not see a case, and looking at somebody's contact details."""

from __future__ import annotations

from opinion.forms.base import MoveForm, handling_units, line, one_unit, prose
from workflows.registry import form


@form("bar_unit")
class BarUnitForm(MoveForm):
    """A unit complained about."""

    decides = True

    unit = one_unit("被反映单位", help_text="该单位及其下级从此看不到本案")
    remark = prose("说明", required=False, rows=3)

    def prepare(self) -> None:
        self.offer("unit", handling_units(self.case.desk, at=None))


@form("reveal_contact")
class RevealForm(MoveForm):
    """Why."""

    reason = line("查看理由", required=True, help_text="如：联系留言人核实情况。理由和查看人都会记入日志")
