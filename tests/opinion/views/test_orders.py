"""The list of supervision orders: in the order they were issued, page by page."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.urls import reverse

from opinion import orders
from tests.factories.world import World
from tests.opinion.views.conftest import As

HOUR = timedelta(hours=1)


def test_the_last_issued_stands_first_on_every_page(county: World, earlier: datetime, as_: As, monkeypatch):
    monkeypatch.setattr(orders, "PAGE_SIZE", 2)
    # Entered in another order than issued in, as a sweep after a standstill enters what fell due meanwhile; two at once.
    issued: dict[int, list[str]] = {hours: [] for hours in (3, 1, 4)}
    for hours in (3, 1, 4, 3):
        case = county.walk("handling", earlier - timedelta(days=1))
        county.do(case, "issue_order", at=earlier - hours * HOUR)
        issued[hours].append(case.number)
    client, found, query = as_(county.supervisor), [], ""
    for _ in range(2):
        shown = client.get(reverse("orders") + query).content.decode()
        assert "新签发的在前" in shown
        found.append(re.findall(r">(LY[0-9-]+)-D1<", shown))
        further = re.search(r'href="(\?[^"]*before=[^"]*)"', shown)
        query = further[1].replace("&amp;", "&") if further else ""
    assert found == [[issued[1][0], issued[3][1]], [issued[3][0], issued[4][0]]]
    assert query == ""


def test_a_place_that_no_page_handed_out_is_not_found(county: World, as_: As):
    client = as_(county.supervisor)
    found = [client.get(reverse("orders"), {"before": odd}).status_code for odd in ("x", "7", "1.x", "٣")]
    assert found == [404, 404, 404, 404]
