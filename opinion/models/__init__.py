"""Tables of the message desk, one file a subject."""

from opinion.models.code import Code
from opinion.models.contact import Contact
from opinion.models.export_record import ExportRecord
from opinion.models.feedback import CallBack, Rating
from opinion.models.jobs import ExportJob, ImportJob
from opinion.models.link import Link
from opinion.models.message import Message
from opinion.models.reply import Reply
from opinion.models.visit import Visit

__all__ = [
    "CallBack",
    "Code",
    "Contact",
    "ExportJob",
    "ExportRecord",
    "ImportJob",
    "Link",
    "Message",
    "Rating",
    "Reply",
    "Visit",
]
