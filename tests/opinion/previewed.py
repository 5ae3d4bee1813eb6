"""Publishing a document as its page has it: after a look at the preview, with the seal that the preview carries."""

import re
from typing import Any

from django.test import Client
from django.urls import reverse


def seal_of(shown: str) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', shown)
    assert found is not None, "no preview"
    return found[1]


def publish(
    client: Client, page: str, data: dict[str, Any], *, order: str = "publish", **options: Any
) -> Any:
    """order: the button, `publish` or `apply`."""
    seen = seal_of(client.post(reverse(page), data).content.decode())
    return client.post(reverse(page), {**data, order: "1", "seen": seen}, **options)
