"""Pages of the desk."""

from django.urls import path

from opinion.views.absences import absence_end, absences
from opinion.views.actions import action
from opinion.views.approvals import approval, approval_bpmn, approval_svg, signing
from opinion.views.attachments import attachment, attachment_small
from opinion.views.audit import audit, explain
from opinion.views.board import board, board_cases
from opinion.views.calendars import calendars
from opinion.views.call_backs import call_backs
from opinion.views.case import case
from opinion.views.case_list import case_list
from opinion.views.exports import export, export_file, exports
from opinion.views.figures import figures, figures_export
from opinion.views.forecast import case_forecast, forecast
from opinion.views.handling import handling
from opinion.views.healthz import healthz
from opinion.views.imports import import_columns, import_job, import_problems, imports
from opinion.views.levels import levels
from opinion.views.lifecycles import lifecycle
from opinion.views.opening import open_case
from opinion.views.orders import order, orders
from opinion.views.policies import policies
from opinion.views.recasts import recast
from opinion.views.register import register
from opinion.views.replies import replies, reply_linked
from opinion.views.reports import report
from opinion.views.session import Login, Logout
from opinion.views.templates import reply_template, reply_template_new, reply_templates
from opinion.views.todo import todo
from opinion.views.unapproved import unapproved, unapproved_export

urlpatterns = [
    path("", todo, name="todo"),
    path("login/", Login.as_view(), name="login"),
    path("logout/", Logout.as_view(), name="logout"),
    path("cases/", case_list, name="case_list"),
    path("cases/<str:number>/", case, name="case"),
    path("cases/<str:number>/do/<str:transition>/", action, name="action"),
    path("cases/<str:number>/handling/", handling, name="handling"),
    path("cases/<str:number>/files/<int:ordinal>/", attachment, name="attachment"),
    path("cases/<str:number>/files/<int:ordinal>/small/", attachment_small, name="attachment_small"),
    path("levels/", levels, name="levels"),
    path("absences/", absences, name="absences"),
    path("absences/<int:pk>/end/", absence_end, name="absence_end"),
    path("signing/", signing, name="signing"),
    path("cases/<str:number>/approvals/<slug:kind>/<int:ordinal>/", approval, name="approval"),
    path(
        "cases/<str:number>/approvals/<slug:kind>/<int:ordinal>/picture.svg",
        approval_svg,
        name="approval_svg",
    ),
    path(
        "cases/<str:number>/approvals/<slug:kind>/<int:ordinal>/flow.bpmn",
        approval_bpmn,
        name="approval_bpmn",
    ),
    path("cases/<str:number>/audit/", audit, name="audit"),
    path("cases/<str:number>/clocks/<slug:kind>/<int:cycle>/", explain, name="explain"),
    path("orders/", orders, name="orders"),
    path("cases/<str:number>/orders/<int:ordinal>/", order, name="order"),
    path("cases/<str:number>/replies/", replies, name="replies"),
    path("cases/<str:number>/replies/linked/", reply_linked, name="reply_linked"),
    path("cases/<str:number>/forecast/", case_forecast, name="case_forecast"),
    path("call-backs/", call_backs, name="call_backs"),
    path("board/", board, name="board"),
    path("board/cases/", board_cases, name="board_cases"),
    path("forecast/", forecast, name="forecast"),
    path("unapproved/", unapproved, name="unapproved"),
    path("unapproved/file/", unapproved_export, name="unapproved_export"),
    path("figures/", figures, name="figures"),
    path("figures/file/", figures_export, name="figures_export"),
    path("reply-templates/", reply_templates, name="reply_templates"),
    path("reply-templates/new/", reply_template_new, name="reply_template_new"),
    path("reply-templates/<int:pk>/", reply_template, name="reply_template"),
    path("register/", register, name="register"),
    path("register/<slug:kind>/", open_case, name="open_case"),
    path("cases/<str:number>/reports/<int:ordinal>/", report, name="report"),
    path("imports/", imports, name="imports"),
    path("imports/<int:pk>/columns/", import_columns, name="import_columns"),
    path("imports/<int:pk>/", import_job, name="import"),
    path("imports/<int:pk>/problems.csv", import_problems, name="import_problems"),
    path("exports/", exports, name="exports"),
    path("exports/<int:pk>/", export, name="export"),
    path("exports/<int:pk>/file/", export_file, name="export_file"),
    path("calendars/", calendars, name="calendars"),
    path("policies/", policies, name="policies"),
    path("recasts/<int:pk>/", recast, name="recast"),
    path("lifecycles/<str:code>/", lifecycle, name="lifecycle"),
    path("healthz", healthz, name="healthz"),
]
