"""Tables of the engine, one file a subject."""

from workflows.models.approval import Absence, Approval, ApprovalTask
from workflows.models.calendar import CalendarVersion
from workflows.models.case import Case, Participation
from workflows.models.clock import Clock, ClockInterval
from workflows.models.definition import ApprovalRules, Definition, LadderVersion, PolicyVersion
from workflows.models.event import Event, Evidence, Note
from workflows.models.extension import Extension
from workflows.models.number import NumberSeries
from workflows.models.owed import OwedMove
from workflows.models.periodic import PeriodicRun
from workflows.models.unit import Membership, Unit, User

__all__ = [
    "Absence",
    "Approval",
    "ApprovalRules",
    "ApprovalTask",
    "CalendarVersion",
    "Case",
    "Clock",
    "ClockInterval",
    "Definition",
    "Event",
    "Evidence",
    "Extension",
    "LadderVersion",
    "Membership",
    "Note",
    "NumberSeries",
    "OwedMove",
    "Participation",
    "PeriodicRun",
    "PolicyVersion",
    "Unit",
    "User",
]
