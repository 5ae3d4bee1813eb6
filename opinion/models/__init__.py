"""Tables of the message desk, one file a subject."""

from opinion.models.attachment import Attachment, Upload
from opinion.models.case_report import CaseReport
from opinion.models.claim import Claim
from opinion.models.claim_answer import ClaimAnswer
from opinion.models.co_task import CoTask
from opinion.models.code import Code
from opinion.models.contact import Contact
from opinion.models.export_record import ExportRecord
from opinion.models.feedback import CallBack, Rating
from opinion.models.figure import (
    Act,
    ActSum,
    CaseFigure,
    Held,
    HeldSum,
    MonthSum,
    OpenCase,
    OpenSum,
)
from opinion.models.jobs import ExportJob, ImportJob
from opinion.models.link import Link
from opinion.models.message import Message
from opinion.models.opinion_case import OpinionCase
from opinion.models.public_response import PublicResponse
from opinion.models.recast_job import RecastJob
from opinion.models.reply import Reply
from opinion.models.reply_template import ReplyTemplate
from opinion.models.review_task import ReviewTask
from opinion.models.supervision import SupervisionOrder
from opinion.models.visit import ClaimOutcome, Presence, Visit

__all__ = [
    "Act",
    "ActSum",
    "Attachment",
    "CallBack",
    "CaseFigure",
    "CaseReport",
    "Claim",
    "ClaimAnswer",
    "ClaimOutcome",
    "CoTask",
    "Code",
    "Contact",
    "ExportJob",
    "ExportRecord",
    "Held",
    "HeldSum",
    "ImportJob",
    "Link",
    "Message",
    "MonthSum",
    "OpenCase",
    "OpenSum",
    "OpinionCase",
    "Presence",
    "PublicResponse",
    "Rating",
    "RecastJob",
    "Reply",
    "ReplyTemplate",
    "ReviewTask",
    "SupervisionOrder",
    "Upload",
    "Visit",
]
