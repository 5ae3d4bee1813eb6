"""A photo or file, to whoever may see its case; to anybody else there is none."""

from __future__ import annotations

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe

from opinion.attachments.kinds import KINDS
from opinion.models import Attachment
from opinion.views.case import visible_case
from opinion.views.pages import user_of

# Whatever a reader makes of the content: no script, no form, no request, no origin of ours.
SANDBOX = "default-src 'none'; frame-ancestors 'none'; sandbox"


@require_safe
def attachment(request: HttpRequest, number: str, ordinal: int) -> FileResponse:
    """Pictures, which we drew ourselves, are shown; everything else is saved."""
    found = _visible(request, number, ordinal)
    kind = KINDS[found.kind]
    return _handed_out(
        found.stored, kind.mime, f"{number}-附件{ordinal}.{kind.ending}", as_attachment=not kind.picture
    )


@require_safe
def attachment_small(request: HttpRequest, number: str, ordinal: int) -> FileResponse:
    """The thumbnail of a picture; 404 for other files."""
    found = _visible(request, number, ordinal)
    if not found.small:
        raise Http404("没有缩略图")
    return _handed_out(found.small, "image/jpeg", f"{number}-附件{ordinal}-小图.jpg", as_attachment=False)


def _visible(request: HttpRequest, number: str, ordinal: int) -> Attachment:
    case = visible_case(number, user_of(request))
    try:
        return Attachment.objects.kept().get(case=case, number=ordinal)
    except Attachment.DoesNotExist:
        raise Http404("没有这个附件，或已撤下") from None


def _handed_out(stored: str, mime: str, name: str, *, as_attachment: bool) -> FileResponse:
    """Under a name of ours: the sender's may hold what only the page of the case may show."""
    try:
        opened = default_storage.open(stored, "rb")
    except FileNotFoundError:
        raise Http404("附件的内容不在了，请联系系统管理员") from None
    response = FileResponse(opened, as_attachment=as_attachment, filename=name, content_type=mime)
    response.headers["Content-Security-Policy"] = SANDBOX
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, no-store"
    return response
