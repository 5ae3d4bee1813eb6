"""Who gets what from every page: one table over routes × methods × roles × whose case or job it is.

A route, method or role that the table does not know fails, so nothing can be added without saying who may use it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models, transaction
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from notifications.models import Alert, Notice
from opinion.models import Attachment, ExportJob, ImportJob, ReplyTemplate
from opinion.registering import register
from tests.factories.events import Events
from tests.factories.world import PERSON, World, make_world
from workflows.engine import fire
from workflows.models import Case, Membership, Unit, User
from workflows.registry import ROLES

# One column a role. An answer is a status; `in` means “go and log in”, `ok` a redirect onward after the deed.
COLUMNS = {
    "anon": "", "syst": "system", "cler": "desk_clerk", "disp": "dispatcher", "lead": "leader",
    "topl": "top_leader", "hand": "unit_handler", "head": "unit_head", "depu": "deputy_head",
    "revi": "reviewer", "call": "caller", "supe": "supervisor", "arbi": "arbiter",
    "conf": "confidential_officer", "expo": "exporter", "sysa": "sysadmin", "seca": "secadmin", "audi": "auditadmin",
}  # fmt: skip

# own: at the desk of the desk's people, handled by the office of the handlers. other: at another desk, handled by
# another office. restricted: as own, naming an official of a third office. accused: complains about the handlers'
# own office, handled by another. mine, theirs: an import or export of the person asking, or of somebody else, and so with a notice.
TABLE = """
method route                   whose      | anon syst cler disp lead topl hand head depu revi call supe arbi conf expo sysa seca audi
-------------------------------------------------------------------------------------------------------------------------------------
GET    notices                 -          | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
POST   notices                 -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    notices_read            -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
POST   notices_read            -          | in   in   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
-------------------------------------------------------------------------------------------------------------------------------------
GET    notice_open             mine       | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
POST   notice_open             mine       | in   in   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
GET    notice_open             theirs     | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
POST   notice_open             theirs     | in   in   404  404  404  404  404  404  404  404  404  404  404  404  404  404  404  404
-------------------------------------------------------------------------------------------------------------------------------------
GET    notice_settings         -          | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
POST   notice_settings         -          | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
-------------------------------------------------------------------------------------------------------------------------------------
GET    alerts                  -          | in   in   403  403  403  403  403  403  403  403  403  403  403  403  403  200  403  403
POST   alerts                  -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    health                  -          | in   in   403  403  403  403  403  403  403  403  403  403  403  403  403  200  403  403
POST   health                  -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    metrics                 -          | 200  200  200  200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
POST   metrics                 -          | 405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    alert_close             -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
POST   alert_close             -          | in   in   403  403  403  403  403  403  403  403  403  403  403  403  403  ok   403  403
-------------------------------------------------------------------------------------------------------------------------------------
GET    mails                   -          | in   in   403  403  403  403  403  403  403  403  403  403  403  403  403  200  403  403
POST   mails                   -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    todo                    -          | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
POST   todo                    -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    login                   -          | 200  200  ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
POST   login                   -          | 200  200  ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok
-------------------------------------------------------------------------------------------------------------------------------------
GET    logout                  -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
POST   logout                  -          | in   in   in   in   in   in   in   in   in   in   in   in   in   in   in   in   in   in
-------------------------------------------------------------------------------------------------------------------------------------
GET    case_list               -          | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
POST   case_list               -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    case                    own        | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  404  404  404
POST   case                    own        | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    case                    other      | in   in   404  404  200  200  404  404  404  404  404  200  200  404  200  404  404  404
POST   case                    other      | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    case                    restricted | in   in   404  404  404  404  200  200  200  404  404  404  404  200  404  404  404  404
POST   case                    restricted | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    case                    accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
POST   case                    accused    | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    order                   own        | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  404  404  404
POST   order                   own        | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    order                   other      | in   in   404  404  200  200  404  404  404  404  404  200  200  404  200  404  404  404
POST   order                   other      | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    order                   restricted | in   in   404  404  404  404  200  200  200  404  404  404  404  200  404  404  404  404
POST   order                   restricted | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    order                   accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
POST   order                   accused    | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    handling                own        | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  404  404  404
POST   handling                own        | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    handling                other      | in   in   404  404  200  200  404  404  404  404  404  200  200  404  200  404  404  404
POST   handling                other      | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    handling                restricted | in   in   404  404  404  404  200  200  200  404  404  404  404  200  404  404  404  404
POST   handling                restricted | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    handling                accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
POST   handling                accused    | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    attachment              own        | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  404  404  404
POST   attachment              own        | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    attachment              other      | in   in   404  404  200  200  404  404  404  404  404  200  200  404  200  404  404  404
POST   attachment              other      | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    attachment              restricted | in   in   404  404  404  404  200  200  200  404  404  404  404  200  404  404  404  404
POST   attachment              restricted | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    attachment              accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
POST   attachment              accused    | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    attachment_small        own        | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  404  404  404
POST   attachment_small        own        | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    attachment_small        other      | in   in   404  404  200  200  404  404  404  404  404  200  200  404  200  404  404  404
POST   attachment_small        other      | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    attachment_small        restricted | in   in   404  404  404  404  200  200  200  404  404  404  404  200  404  404  404  404
POST   attachment_small        restricted | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    attachment_small        accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
POST   attachment_small        accused    | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    orders                  -          | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  403  403  403
POST   orders                  -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    action:comment          own        | in   in   200  200  200  200  200  200  200  200  200  200  200  403  403  404  404  404
POST   action:comment          own        | in   in   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   ok   403  403  404  404  404
GET    action:comment          other      | in   in   404  404  200  200  404  404  404  404  404  200  200  404  403  404  404  404
POST   action:comment          other      | in   in   404  404  ok   ok   404  404  404  404  404  ok   ok   404  403  404  404  404
GET    action:comment          restricted | in   in   404  404  404  404  200  200  200  404  404  404  404  200  404  404  404  404
POST   action:comment          restricted | in   in   404  404  404  404  ok   ok   ok   404  404  404  404  ok   404  404  404  404
GET    action:comment          accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
POST   action:comment          accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  ok   404  404  404  404
-------------------------------------------------------------------------------------------------------------------------------------
GET    action:draft_reply      own        | in   in   403  403  403  403  200  200  403  403  403  403  403  403  403  404  404  404
POST   action:draft_reply      own        | in   in   403  403  403  403  ok   ok   403  403  403  403  403  403  403  404  404  404
GET    action:draft_reply      other      | in   in   404  404  403  403  404  404  404  404  404  403  403  404  403  404  404  404
POST   action:draft_reply      other      | in   in   404  404  403  403  404  404  404  404  404  403  403  404  403  404  404  404
GET    action:draft_reply      restricted | in   in   404  404  404  404  200  200  403  404  404  404  404  403  404  404  404  404
POST   action:draft_reply      restricted | in   in   404  404  404  404  ok   ok   403  404  404  404  404  403  404  404  404  404
GET    action:draft_reply      accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  403  404  404  404  404
POST   action:draft_reply      accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  403  404  404  404  404
-------------------------------------------------------------------------------------------------------------------------------------
GET    action:assign           own        | in   in   403  409  403  403  403  403  403  403  403  403  403  403  403  404  404  404
POST   action:assign           own        | in   in   403  409  403  403  403  403  403  403  403  403  403  403  403  404  404  404
GET    action:assign           other      | in   in   404  404  403  403  404  404  404  404  404  403  403  404  403  404  404  404
POST   action:assign           other      | in   in   404  404  403  403  404  404  404  404  404  403  403  404  403  404  404  404
GET    action:assign           restricted | in   in   404  404  404  404  403  403  403  404  404  404  404  409  404  404  404  404
POST   action:assign           restricted | in   in   404  404  404  404  403  403  403  404  404  404  404  409  404  404  404  404
GET    action:assign           accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  409  404  404  404  404
POST   action:assign           accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  409  404  404  404  404
-------------------------------------------------------------------------------------------------------------------------------------
GET    action:reveal_contact   own        | in   in   200  200  403  403  200  200  403  403  200  403  403  403  403  404  404  404
POST   action:reveal_contact   own        | in   in   200  200  403  403  200  200  403  403  200  403  403  403  403  404  404  404
GET    action:reveal_contact   other      | in   in   404  404  403  403  404  404  404  404  404  403  403  404  403  404  404  404
POST   action:reveal_contact   other      | in   in   404  404  403  403  404  404  404  404  404  403  403  404  403  404  404  404
GET    action:reveal_contact   restricted | in   in   404  404  404  404  200  200  403  404  404  404  404  200  404  404  404  404
POST   action:reveal_contact   restricted | in   in   404  404  404  404  200  200  403  404  404  404  404  200  404  404  404  404
GET    action:reveal_contact   accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
POST   action:reveal_contact   accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
-------------------------------------------------------------------------------------------------------------------------------------
GET    action:deem_accepted    own        | in   in   404  404  404  404  404  404  404  404  404  404  404  404  404  404  404  404
POST   action:deem_accepted    own        | in   in   404  404  404  404  404  404  404  404  404  404  404  404  404  404  404  404
GET    action:deem_accepted    other      | in   in   404  404  404  404  404  404  404  404  404  404  404  404  404  404  404  404
POST   action:deem_accepted    other      | in   in   404  404  404  404  404  404  404  404  404  404  404  404  404  404  404  404
GET    action:deem_accepted    restricted | in   in   404  404  404  404  404  404  404  404  404  404  404  404  404  404  404  404
POST   action:deem_accepted    restricted | in   in   404  404  404  404  404  404  404  404  404  404  404  404  404  404  404  404
GET    action:deem_accepted    accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  404  404  404  404  404
POST   action:deem_accepted    accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  404  404  404  404  404
-------------------------------------------------------------------------------------------------------------------------------------
GET    register                -          | in   in   200  200  403  403  403  403  403  403  403  403  403  200  403  403  403  403
POST   register                -          | in   in   ok   ok   403  403  403  403  403  403  403  403  403  422  403  403  403  403
-------------------------------------------------------------------------------------------------------------------------------------
GET    open_case               -          | in   in   200  200  403  403  403  403  403  403  403  403  403  200  403  403  403  403
POST   open_case               -          | in   in   ok   ok   403  403  403  403  403  403  403  403  403  422  403  403  403  403
-------------------------------------------------------------------------------------------------------------------------------------
GET    report                  own        | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  404  404  404
POST   report                  own        | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    report                  other      | in   in   404  404  200  200  404  404  404  404  404  200  200  404  200  404  404  404
POST   report                  other      | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    report                  restricted | in   in   404  404  404  404  200  200  200  404  404  404  404  200  404  404  404  404
POST   report                  restricted | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    report                  accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
POST   report                  accused    | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    imports                 -          | in   in   200  200  403  403  403  403  403  403  403  403  403  403  403  403  403  403
POST   imports                 -          | in   in   ok   ok   403  403  403  403  403  403  403  403  403  403  403  403  403  403
-------------------------------------------------------------------------------------------------------------------------------------
GET    import_columns          mine       | in   in   200  200  403  403  403  403  403  403  403  403  403  403  403  403  403  403
POST   import_columns          mine       | in   in   ok   ok   403  403  403  403  403  403  403  403  403  403  403  403  403  403
GET    import_columns          theirs     | in   in   404  404  403  403  403  403  403  403  403  403  403  403  403  403  403  403
POST   import_columns          theirs     | in   in   404  404  403  403  403  403  403  403  403  403  403  403  403  403  403  403
-------------------------------------------------------------------------------------------------------------------------------------
GET    import                  mine       | in   in   200  200  403  403  403  403  403  403  403  403  403  403  403  403  403  403
POST   import                  mine       | in   in   ok   ok   403  403  403  403  403  403  403  403  403  403  403  403  403  403
GET    import                  theirs     | in   in   404  404  403  403  403  403  403  403  403  403  403  403  403  403  403  403
POST   import                  theirs     | in   in   404  404  403  403  403  403  403  403  403  403  403  403  403  403  403  403
-------------------------------------------------------------------------------------------------------------------------------------
GET    import_problems         mine       | in   in   200  200  403  403  403  403  403  403  403  403  403  403  403  403  403  403
POST   import_problems         mine       | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    import_problems         theirs     | in   in   404  404  403  403  403  403  403  403  403  403  403  403  403  403  403  403
POST   import_problems         theirs     | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    audit                   own        | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  404  404  404
POST   audit                   own        | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    audit                   other      | in   in   404  404  200  200  404  404  404  404  404  200  200  404  200  404  404  404
POST   audit                   other      | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    audit                   restricted | in   in   404  404  404  404  200  200  200  404  404  404  404  200  404  404  404  404
POST   audit                   restricted | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    audit                   accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
POST   audit                   accused    | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    replies                 own        | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  404  404  404
POST   replies                 own        | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    replies                 other      | in   in   404  404  200  200  404  404  404  404  404  200  200  404  200  404  404  404
POST   replies                 other      | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    replies                 restricted | in   in   404  404  404  404  200  200  200  404  404  404  404  200  404  404  404  404
POST   replies                 restricted | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    replies                 accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
POST   replies                 accused    | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    reply_linked            own        | in   in   403  200  403  403  403  403  403  200  403  403  403  403  403  404  404  404
POST   reply_linked            own        | in   in   403  422  403  403  403  403  403  422  403  403  403  403  403  404  404  404
GET    reply_linked            other      | in   in   404  404  403  403  404  404  404  404  404  403  403  404  403  404  404  404
POST   reply_linked            other      | in   in   404  404  403  403  404  404  404  404  404  403  403  404  403  404  404  404
GET    reply_linked            restricted | in   in   404  404  404  404  403  403  403  404  404  404  404  200  404  404  404  404
POST   reply_linked            restricted | in   in   404  404  404  404  403  403  403  404  404  404  404  422  404  404  404  404
GET    reply_linked            accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
POST   reply_linked            accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  422  404  404  404  404
-------------------------------------------------------------------------------------------------------------------------------------
GET    reply_templates         -          | in   in   200  200  403  403  403  200  403  200  403  403  403  403  403  403  403  403
POST   reply_templates         -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    reply_template_new      -          | in   in   200  200  403  403  403  200  403  200  403  403  403  403  403  403  403  403
POST   reply_template_new      -          | in   in   422  422  403  403  403  422  403  422  403  403  403  403  403  403  403  403
-------------------------------------------------------------------------------------------------------------------------------------
GET    reply_template          mine       | in   in   200  200  403  403  403  200  403  200  403  403  403  403  403  403  403  403
POST   reply_template          mine       | in   in   ok   ok   403  403  403  ok   403  ok   403  403  403  403  403  403  403  403
GET    reply_template          theirs     | in   in   404  404  403  403  403  404  403  404  403  403  403  403  403  403  403  403
POST   reply_template          theirs     | in   in   404  404  403  403  403  404  403  404  403  403  403  403  403  403  403  403
-------------------------------------------------------------------------------------------------------------------------------------
GET    explain                 own        | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  404  404  404
POST   explain                 own        | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    explain                 other      | in   in   404  404  200  200  404  404  404  404  404  200  200  404  200  404  404  404
POST   explain                 other      | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    explain                 restricted | in   in   404  404  404  404  200  200  200  404  404  404  404  200  404  404  404  404
POST   explain                 restricted | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    explain                 accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
POST   explain                 accused    | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    case_forecast           own        | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  404  404  404
POST   case_forecast           own        | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    case_forecast           other      | in   in   404  404  200  200  404  404  404  404  404  200  200  404  200  404  404  404
POST   case_forecast           other      | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    case_forecast           restricted | in   in   404  404  404  404  200  200  200  404  404  404  404  200  404  404  404  404
POST   case_forecast           restricted | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    case_forecast           accused    | in   in   404  404  404  404  404  404  404  404  404  404  404  200  404  404  404  404
POST   case_forecast           accused    | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    call_backs              -          | in   in   403  403  403  403  403  403  403  403  200  403  403  200  403  403  403  403
POST   call_backs              -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
------------------------------------------------------------------------------------------------------------------------------------
GET    forecast                -          | in   in   403  403  200  200  403  403  403  403  403  200  403  403  403  403  403  403
POST   forecast                -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    board                   -          | in   in   403  403  200  200  403  403  403  403  403  200  403  403  403  403  403  403
POST   board                   -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    board_cases             -          | in   in   403  403  200  200  403  403  403  403  403  200  403  403  403  403  403  403
POST   board_cases             -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    figures                 -          | in   in   403  403  200  200  403  403  403  403  403  200  403  403  403  403  403  403
POST   figures                 -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    figures_export          -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
POST   figures_export          -          | in   in   403  403  200  200  403  403  403  403  403  200  403  403  403  403  403  403
-------------------------------------------------------------------------------------------------------------------------------------
GET    exports                 -          | in   in   403  403  403  403  403  403  403  403  403  403  403  403  200  403  403  200
POST   exports                 -          | in   in   403  403  403  403  403  403  403  403  403  403  403  403  ok   403  403  403
-------------------------------------------------------------------------------------------------------------------------------------
GET    export                  mine       | in   in   403  403  403  403  403  403  403  403  403  403  403  403  200  403  403  403
POST   export                  mine       | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    export                  theirs     | in   in   403  403  403  403  403  403  403  403  403  403  403  403  404  403  403  403
POST   export                  theirs     | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    export_file             mine       | in   in   403  403  403  403  403  403  403  403  403  403  403  403  200  403  403  403
POST   export_file             mine       | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
GET    export_file             theirs     | in   in   403  403  403  403  403  403  403  403  403  403  403  403  404  403  403  403
POST   export_file             theirs     | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    calendars               -          | in   in   403  403  403  403  403  403  403  403  403  403  403  403  403  200  403  403
POST   calendars               -          | in   in   403  403  403  403  403  403  403  403  403  403  403  403  403  422  403  403
-------------------------------------------------------------------------------------------------------------------------------------
GET    policies                -          | in   in   403  403  403  403  403  403  403  403  403  403  403  403  403  200  403  403
POST   policies                -          | in   in   403  403  403  403  403  403  403  403  403  403  403  403  403  422  403  403
-------------------------------------------------------------------------------------------------------------------------------------
GET    lifecycle               -          | in   in   200  200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
POST   lifecycle               -          | in   in   405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
-------------------------------------------------------------------------------------------------------------------------------------
GET    healthz                 -          | 200  200  200  200  200  200  200  200  200  200  200  200  200  200  200  200  200  200
POST   healthz                 -          | 405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405  405
"""


def routes() -> Iterator[str]:
    """Names of all routes of the product; the system administrators' pages have a test of their own."""
    for pattern in _patterns(get_resolver().url_patterns):
        yield pattern.name or str(pattern.pattern)


def _patterns(found: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for item in found:
        if isinstance(item, URLPattern):
            yield item
        elif item.namespace != "admin":
            yield from _patterns(item.url_patterns)


@dataclass(frozen=True)
class Row:
    method: str
    route: str
    whose: str
    expected: dict[str, str]


def rows() -> list[Row]:
    head, *lines = [line for line in TABLE.strip().splitlines() if line and not line.startswith("-")]
    columns = head.partition("|")[2].split()
    assert columns == list(COLUMNS)
    found = []
    for line in lines:
        left, _, right = line.partition("|")
        method, route, whose = left.split()
        found.append(Row(method, route, whose, dict(zip(columns, right.split(), strict=True))))
    return found


CASE_WHOSE = ("own", "other", "restricted", "accused")
JOB_WHOSE = ("mine", "theirs")


OWNED = {
    "import",
    "import_columns",
    "import_problems",
    "export",
    "export_file",
    "notice_open",
    "reply_template",
}


NUMBERED = {"attachment", "attachment_small"}


def whose_of(route: str) -> tuple[str, ...]:
    if route in {
        "case",
        "audit",
        "replies",
        "explain",
        "case_forecast",
        "order",
        "report",
        "handling",
        *NUMBERED,
        "reply_linked",
    } or route.startswith("action:"):
        return CASE_WHOSE
    return JOB_WHOSE if route in OWNED else ("-",)


def test_table_knows_every_route_method_and_relation():
    named = {row.route.partition(":")[0] for row in rows()}
    assert named == set(routes())
    every = {row.route for row in rows()}
    assert sorted((row.method, row.route, row.whose) for row in rows()) == sorted(
        (method, route, whose) for route in every for method in ("GET", "POST") for whose in whose_of(route)
    )


def test_table_knows_every_role():
    given = {name: role for name, role in ROLES.items() if role.given}
    ours = {name for name, role in given.items() if not role.may.__module__.startswith("tests.")}
    assert {name for name in COLUMNS.values() if name} == ours


# Who in the made-up county holds each role.
HOLDERS = {
    "desk_clerk": "clerk",
    "confidential_officer": "officer",
    "unit_handler": "handler",
    "unit_head": "head",
}


class Visitors:
    """The county with one case of each relation to its people, and those people."""

    def __init__(self, world: World) -> None:
        self.world = world
        at = timezone.now() - timedelta(minutes=30)
        housing, water, street = world.housing.pk, world.water.pk, world.street.pk
        self.somebody = _somebody("other_clerk", "desk_clerk", "other_desk")
        self.cases: dict[str, Case] = {
            "own": self.handled(at, world.dispatcher, world.handler, housing),
            "other": self.elsewhere(at),
            "restricted": self.handled(at, world.officer, world.handler, housing, barred=[street]),
            "accused": self.handled(at, world.officer, world.other_handler, water, barred=[housing]),
        }
        self.events: dict[str, Case] = {
            "own": self.event(at, housing),
            "other": self.event(at, water, desk=Unit.objects.get(code="other_desk"), by=self.somebody),
            "restricted": self.event(at, housing, by=world.officer, barred=[street]),
            "accused": self.event(at, water, by=world.officer, barred=[housing]),
        }

        for case in self.cases.values():
            _attach(case, at)

    def handled(self, at: datetime, by: User, handler: User, lead: int, **said: Any) -> Case:
        case = self.world.register(at, **said)
        fire(case.pk, "assign", by=by, at=at, data={"lead": lead})
        fire(case.pk, "accept", by=handler, at=at)
        seen = {"action": "phone", "happened_at": at, "outcome": "已联系"}
        fire(case.pk, "contact", by=handler, at=at, data=seen)
        watcher = self.world.officer if case.restricted else self.world.supervisor
        fire(case.pk, "issue_order", by=watcher, at=at, data={**ORDER, "unit": lead})
        return Case.objects.get(pk=case.pk)

    def event(
        self, at: datetime, lead: int, *, desk: Unit | None = None, by: User | None = None, **said: Any
    ) -> Case:
        """An event with a flash report, handled by an office."""
        events, registrar = Events(self.world), by or self.world.clerk
        case = events.find(at, by=registrar, desk=(desk or self.world.desk).pk, **said)
        events.do(case, "report", at=at, by=registrar)
        leader = self.world.officer if case.restricted else self.world.leader
        events.do(case, "grade", at=at, by=leader)
        dispatcher = User.objects.get(username="other_dispatcher") if desk else self.world.dispatcher
        events.do(case, "assign", at=at, by=self.world.officer if case.restricted else dispatcher, lead=lead)
        return Case.objects.get(pk=case.pk)

    def elsewhere(self, at: datetime) -> Case:
        """Registered and dispatched at another desk, handled by the water office."""
        desk = Unit.objects.get(code="other_desk")
        message = {"source": "letter", "subject": "水压不足", "body": "三楼以上水压不足。"}
        case = register(message, PERSON, desk=desk.pk, by=self.somebody, at=at)
        dispatcher = _somebody("other_dispatcher", "dispatcher", "other_desk")
        fire(case.pk, "assign", by=dispatcher, at=at, data={"lead": self.world.water.pk})
        fire(case.pk, "accept", by=self.world.other_handler, at=at)
        seen = {"action": "phone", "happened_at": at, "outcome": "已联系"}
        fire(case.pk, "contact", by=self.world.other_handler, at=at, data=seen)
        fire(
            case.pk,
            "issue_order",
            by=self.world.supervisor,
            at=at,
            data={**ORDER, "unit": self.world.water.pk},
        )
        return Case.objects.get(pk=case.pk)

    def person(self, column: str) -> User | None:
        role = COLUMNS[column]
        if role == "system":
            return User.objects.system()
        return User.objects.get(pk=getattr(self.world, HOLDERS.get(role, role)).pk) if role else None

    def ask(self, row: Row, column: str) -> str:
        """What this row's request answers this column's person; whatever it did is undone."""
        with transaction.atomic():
            person = self.person(column)
            client = Client(raise_request_exception=True)
            if person is not None:
                client.force_login(person)
                assert client.session[BACKEND_SESSION_KEY]
            url, data = self.target(row, person)
            response = client.get(url) if row.method == "GET" else client.post(url, data)
            answer = _word(response)
            b"".join(response)  # a streamed file is closed once it has been read
            transaction.set_rollback(True)
        return answer

    def target(self, row: Row, person: User | None) -> tuple[str, dict[str, Any]]:
        route, _, move = row.route.partition(":")
        args: list[Any]
        if row.whose in self.cases:
            case = (self.events if route == "report" else self.cases)[row.whose]
            args = [case.number, move] if move else [case.number]
            if route in {"order", "report", *NUMBERED}:
                args += [1]
            if route == "explain":
                args += ["resolve", 1]
            token = {"token": "t" * 22, "rev": case.rev}
            return reverse(route, args=args), {**MOVES.get(move, {}), **token}
        if row.whose in JOB_WHOSE:
            owner = person if row.whose == "mine" and person else self.somebody
            columns = {"external_number": "0", "body": "1", "confirm": "1", "name": "开头", "text": "您好"}
            return reverse(route, args=[self.owned(route, owner).pk]), columns
        args = {"lifecycle": ["message"], "open_case": ["opinion_case"]}.get(route, [])
        if route == "alert_close":
            at = timezone.now()
            args = [Alert.objects.create(kind=Alert.Kind.NOBODY, subject="x", first_at=at, last_at=at).pk]
        query = "?what=open" if route == "board_cases" else ""
        return reverse(route, args=args) + query, self.said(route)

    def owned(self, route: str, owner: User) -> models.Model:
        if route == "notice_open":
            event, at = self.cases["own"].events.latest("seq"), timezone.now()
            return Notice.objects.create(
                event=event,
                user=owner,
                channel=Notice.INBOX,
                urgency=1,
                case_number="x",
                words="x",
                state=Notice.State.SENT,
                created_at=at,
            )
        if route == "reply_template":
            return self.template(owner)
        return _job(route, owner, self.world)

    def template(self, owner: User) -> ReplyTemplate:
        """The county's for the desk, the unit's for a head; somebody else's is of an office nobody here heads."""
        units = owner.standing.roles.get("unit_head") or (
            [self.world.street.pk] if owner == self.somebody else [None]
        )
        return ReplyTemplate.objects.create(
            unit_id=next(iter(units)), name="开头", text="您好", edited_by=owner, edited_at=timezone.now()
        )

    def said(self, route: str) -> dict[str, Any]:
        """What a page's form says when it is filled in properly."""
        forms: dict[str, dict[str, Any]] = {
            "register": {
                "token": "t" * 22, "desk": self.world.desk.pk, "source": "letter", "subject": "路灯不亮",
                "body": "南街路灯不亮。",
            },
            "open_case": {
                "token": "t" * 22, "desk": self.world.desk.pk, "title": "南街积水", "summary": "雨后积水。",
                "found_at": f"{timezone.localtime() - timedelta(minutes=5):%Y-%m-%dT%H:%M}", "channels": ["forum"],
            },
            "imports": {
                "file": SimpleUploadedFile("留言.csv", SHEET), "source": "12345",
                "desk": self.world.desk.pk, "clocks": "registered",
            },
            "exports": {"what": "cases", "format": "csv"},
            "figures_export": {"month": "2026-11", "format": "csv"},
        }  # fmt: skip
        return forms.get(route, {})


MOVES: dict[str, dict[str, Any]] = {
    "comment": {"comment": "已转告"},
    "draft_reply": {"text": "已修复", "result": "solved"},
    "reveal_contact": {"reason": "核实情况"},
}
ORDER = {"colour": "yellow", "problem": "逾期未办结", "demand": "请办结"}
SHEET = "留言编号,留言详情\nA1,南街路灯不亮\n".encode()


def _job(route: str, owner: User, world: World) -> ImportJob | ExportJob:
    """A job at the stage this route is about, with the files it then has."""
    at, stored = timezone.now(), ContentFile(SHEET, "stored")
    if route.startswith("export"):
        options = {"what": "cases", "format": "csv"}
        export = ExportJob(owner=owner, created_at=at, options=options, file_name="案件.csv", file=stored)
        export.state = ExportJob.State.DONE if route == "export_file" else ExportJob.State.RUNNING
        export.save()
        return export
    job = ImportJob(owner=owner, created_at=at, source="12345", desk=world.desk, file_name="留言.csv")
    job.file, job.problems_file = stored, ContentFile(SHEET, "stored")
    job.state = ImportJob.State.UPLOADED if route == "import_columns" else ImportJob.State.RUNNING
    job.save()
    return job


def _attach(case: Case, at: datetime) -> None:
    """A photo in its record."""
    stored = [default_storage.save(f"attachments/aa/{case.pk}{n}", ContentFile(b"x")) for n in range(2)]
    handler = User.objects.get(pk=case.events.get(name="message.contacted").actor_id)
    Attachment.objects.create(
        case=case, seq=case.rev, number=1, name="现场.jpg", kind="jpeg", size=1, sha256="0" * 64, stored=stored[0],
        small=stored[1], author=handler, unit_id=case.unit_id, written_at=at,
    )  # fmt: skip


def _word(response: HttpResponseBase) -> str:
    if response.status_code != 302:
        return str(response.status_code)
    return "in" if response.headers["Location"].startswith(reverse("login")) else "ok"


def _somebody(username: str, role: str, unit: str) -> User:
    """A colleague at another desk."""
    desk, _ = Unit.objects.get_or_create(
        code=unit, defaults={"name": "热线办", "parent": Unit.objects.root(), "is_desk": True}
    )
    user = User.objects.create(username=username)
    Membership.objects.create(user=user, unit=desk, role=role)
    return user


@pytest.fixture
def visitors(db: None, settings: Any, tmp_path: Path) -> Visitors:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path},
        },
    }
    return Visitors(make_world())


@pytest.mark.once
@pytest.mark.slow
def test_every_answer_is_the_one_in_the_table(visitors: Visitors):
    wrong = []
    for row in rows():
        answers = {column: visitors.ask(row, column) for column in COLUMNS}
        wrong += [
            f"{row.method} {row.route} {row.whose} as {column}: {answers[column]}, expected {row.expected[column]}"
            for column in COLUMNS
            if answers[column] != row.expected[column]
        ]
    assert wrong == [], "\n".join(wrong)


def test_system_administrators_pages_ask_for_staff(admin_urls: list[str], client: Client):
    """Whoever is not staff is sent to the administrators' own door, from every page of theirs."""
    person = User.objects.create(username="nobody")
    client.force_login(person)
    door = reverse("admin:login")
    assert admin_urls
    for url in admin_urls:
        response = client.get(url)
        assert (response.status_code, response.headers["Location"].partition("?")[0]) == (302, door), url


@pytest.fixture
def admin_urls(db: None) -> list[str]:
    """Every page of `admin/`, with a made-up object where one is asked for; its door and exit left out."""
    found = []
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLResolver) and pattern.namespace == "admin":
            for page in _patterns(pattern.url_patterns):
                if page.name and page.name not in {"login", "logout", "jsi18n"}:
                    kwargs: dict[str, Any] = dict.fromkeys(page.pattern.converters, 1)
                    if page.name == "app_list":
                        kwargs = {"app_label": "workflows"}
                    found.append(reverse(f"admin:{page.name}", kwargs=kwargs))
    return found
