"""What holds for every page, whatever it shows."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse


def private_pages(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Pages are about people and their work: no cache, shared or on a borrowed computer, may keep them.

    Of every answer that says nothing else about caching. Static files are served before this is asked.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return middleware


def no_null_characters(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse an address with a NUL in it, which no page of ours leads to and PostgreSQL takes in no text.

    Only the address is looked at, and no body is read. What is typed into a form is the form's to refuse, beside the field.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        # Of all percent signs only this one stands for a NUL: `%2500` is read as `%00` and no more.
        asked = request.META.get("QUERY_STRING", "")
        if "\0" in request.path or "%00" in asked or "\0" in asked:
            raise BadRequest("地址中有空字符")
        return get_response(request)

    return middleware
