"""Delivering, against a real mail server."""

from datetime import timedelta

from notifications.delivering import deliver
from tests.notifications.telling import given, mails


def test_mail_carries_number_and_link_and_nothing_else(world, at, post_office, settings):
    settings.HUIYIN_BASE_URL = "https://huiyin.example"
    case = given(world, at, title="何晓枫 13800005678 桂花路")
    done = deliver(at=at)
    assert (done.sent, done.letters) == (1, 1)
    (mail,) = post_office.mails
    assert mail["To"] == "worker@offices.example"
    assert mail["Subject"] == f"{case.number} 待领办 · 回音"
    assert f"https://huiyin.example/cases/{case.number}/" in mail.get_content()
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "text/plain"
    assert mail["Message-ID"].endswith("@huiyin.example>")
    whole = mail.as_bytes() + mail.get_content().encode() + mail["Subject"].encode()
    for private in ("何晓枫", "13800005678", "桂花路"):
        assert private.encode() not in whole
    (notice,) = mails()
    assert (notice.state, notice.next_try_at, notice.lease, notice.attempts) == ("sent", None, "", 1)


def test_nothing_is_sent_twice(world, at, post_office):
    given(world, at)
    assert deliver(at=at).sent == 1
    assert deliver(at=at + timedelta(days=1)).sent == 0
    assert len(post_office.mails) == 1
