"""Delivering, against a real mail server."""

import logging
from datetime import timedelta
from unittest import mock

import pytest

from notifications.channels import Undelivered
from notifications.channels.mail import Mail
from notifications.delivering import FIRST_PAUSE, LEASE, MOST_ATTEMPTS, back_off, deliver
from notifications.models import Alert, Notice, Preference
from notifications.reviving import revive
from tests.notifications.conftest import free_port
from tests.notifications.telling import give, given, mails
from workflows.engine import fire
from workflows.models import Membership, User
from workflows.relay import relay


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


def test_server_down_backs_off_then_gives_up_with_an_alert(world, at, post_office, settings, caplog):
    settings.EMAIL_PORT = free_port()
    case = given(world, at)
    now = at
    with caplog.at_level(logging.WARNING, "huiyin.notices"):
        for attempt in range(1, MOST_ATTEMPTS):
            done = deliver(at=now)
            (notice,) = mails()
            assert (done.deferred, notice.state, notice.attempts) == (1, "deferred", attempt)
            assert notice.error == "connect ConnectionRefusedError"
            pause = notice.next_try_at - now
            assert back_off(attempt) <= pause < back_off(attempt) + timedelta(seconds=5)
            assert deliver(at=notice.next_try_at - timedelta(seconds=1)).letters == 0
            now = notice.next_try_at
        assert deliver(at=now).dead == 1
    (notice,) = mails()
    assert (notice.state, notice.attempts, notice.next_try_at) == ("dead", MOST_ATTEMPTS, None)
    alert = Alert.objects.get()
    assert (alert.kind, alert.subject, alert.count) == (
        "undelivered",
        "mail connect ConnectionRefusedError",
        1,
    )
    assert alert.case_number == case.number
    assert any("通知未送达" in record.message for record in caplog.records)


def test_back_off_doubles_up_to_an_hour():
    assert [back_off(n) // timedelta(minutes=1) for n in range(1, 10)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_dead_notice_goes_out_once_it_is_revived(world, at, post_office):
    post_office.refuse = "550 no such mailbox"
    given(world, at)
    assert deliver(at=at).dead == 1
    post_office.refuse = ""
    assert revive(Alert.objects.get(), at=at) == 1
    assert deliver(at=at).sent == 1
    assert [notice.attempts for notice in mails()] == [1]


def test_refused_recipient_is_given_up_at_once_and_harms_no_other(world, at, post_office):
    post_office.refuse = "550 <worker@offices.example> unknown"
    given(world, at)
    assert deliver(at=at).dead == 1
    (notice,) = mails()
    assert notice.error == "recipient 550"
    assert "worker" not in Alert.objects.get().subject


def test_busy_mailbox_is_tried_again(world, at, post_office):
    post_office.refuse = "451 try later"
    given(world, at)
    assert deliver(at=at).deferred == 1
    post_office.refuse = ""
    assert deliver(at=at + FIRST_PAUSE * 2).sent == 1


def test_untried_notices_wait_with_the_channel_and_lose_no_attempt(world, at, post_office, settings):
    given(world, at)
    given(world, at, lead=world.other)
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, free_port()
    assert deliver(at=at).deferred == 2
    assert sorted(notice.attempts for notice in mails()) == [0, 1]
    settings.EMAIL_PORT = port
    assert deliver(at=at + FIRST_PAUSE * 2).sent == 2


def test_lease_of_a_dead_deliverer_runs_out_and_its_mail_keeps_its_id(world, at, post_office):
    given(world, at)
    with (
        mock.patch.object(Notice, "deliver", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        deliver(at=at)  # killed between sending and saying so
    (notice,) = mails()
    assert (notice.state, notice.attempts) == ("sending", 1)
    assert deliver(at=at + LEASE / 2).letters == 0
    assert deliver(at=at + LEASE * 2).sent == 1
    first, second = post_office.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_notice_that_keeps_killing_its_deliverer_is_given_up(world, at, post_office):
    given(world, at)
    Notice.objects.filter(channel="mail").update(
        state="sending", lease="gone", next_try_at=at, attempts=MOST_ATTEMPTS
    )
    assert deliver(at=at).dead == 1
    assert mails()[0].error == "interrupted"
    assert post_office.mails == []


def test_deliverer_that_lost_its_lease_does_not_send(world, at, post_office):
    given(world, at)

    def stolen(notices, channel, *, at):
        Notice.objects.filter(channel="mail").update(lease="another")
        return check(notices, channel, at=at)

    from notifications.checking import check

    with mock.patch("notifications.delivering.check", stolen):
        assert deliver(at=at).letters == 0
    assert post_office.mails == []
    assert mails()[0].lease == "another"


def test_notice_is_void_once_the_case_has_moved_on(world, at, post_office):
    case = given(world, at)
    fire(case.pk, "take", by=world.worker, at=at)
    relay(at=at)
    assert deliver(at=at).void == 1
    assert [(notice.state, notice.error) for notice in mails()] == [("void", "outdated")]
    assert post_office.mails == []


def test_notice_is_void_once_the_case_is_out_of_sight(world, at, post_office):
    given(world, at)
    Membership.objects.filter(user=world.worker).delete()
    assert deliver(at=at).void == 1
    assert mails()[0].error == "not visible"


def test_notice_is_void_for_whoever_left(world, at, post_office):
    given(world, at)
    User.objects.filter(pk=world.worker.pk).update(is_active=False)
    assert deliver(at=at).void == 1


def test_notice_is_void_once_mail_is_not_wanted_or_has_no_address(world, at, post_office):
    given(world, at)
    given(world, at, lead=world.other)
    Preference.objects.create(user=world.worker, muted=["mail:2"])
    User.objects.filter(pk=world.other_worker.pk).update(email="")
    assert deliver(at=at).void == 2
    assert sorted(notice.error for notice in mails()) == ["no address", "unwanted"]


def test_quiet_hours_put_off_and_never_drop(world, at, post_office):
    night = at.replace(hour=23)
    given(world, night)
    done = deliver(at=night)
    assert (done.sent, done.deferred) == (0, 1)
    (notice,) = mails()
    assert notice.next_try_at == at.replace(day=25, hour=8, minute=0)
    assert deliver(at=at.replace(day=25, hour=7, minute=59)).letters == 0
    assert deliver(at=at.replace(day=25, hour=8, minute=0)).sent == 1


def test_urgent_notices_wait_for_no_quiet_hours(world, at, post_office):
    night = at.replace(hour=23)
    given(world, night, hard=True)
    assert deliver(at=night).sent == 1
    assert post_office.mails[0]["Subject"].endswith("待领办·紧急 · 回音")


def test_many_at_once_make_one_mail(world, at, post_office):
    numbers = [give(world, at).number for _ in range(7)]
    relay(at=at)
    done = deliver(at=at)
    assert (done.sent, done.letters) == (7, 1)
    (mail,) = post_office.mails
    assert mail["Subject"] == "7 条通知 · 回音"
    assert all(number in mail.get_content() for number in numbers)


def test_digest_longer_than_a_mail_points_to_the_inbox(world, at, post_office, settings):
    settings.HUIYIN_BASE_URL = "https://huiyin.example"
    with mock.patch("notifications.channels.mail.LINES_MAX", 3):
        for _ in range(7):
            give(world, at)
        relay(at=at)
        deliver(at=at)
    (mail,) = post_office.mails
    assert "另有 4 条" in mail.get_content()
    assert "https://huiyin.example/notices/" in mail.get_content()


def test_routine_notices_are_gathered_by_the_hour(world, at, post_office):
    for minute in (31, 40, 55):
        case = give(world, at)
        fire(case.pk, "remark", by=world.worker, at=at, data={"remark": "何晓枫来电"})
        relay(at=at.replace(minute=minute))
        deliver(at=at.replace(minute=minute))
    sent_to = [mail["To"] for mail in post_office.mails]
    assert "clerk@offices.example" not in sent_to
    post_office.mails.clear()
    assert deliver(at=at.replace(hour=10, minute=0)).letters == 1
    (mail,) = post_office.mails
    assert mail["To"] == "clerk@offices.example"
    assert mail["Subject"] == "3 条通知 · 回音"
    assert "何晓枫" not in mail.get_content()


def test_failed_digest_is_repeated_as_the_same_mail(world, at, post_office):
    for _ in range(7):
        give(world, at)
    relay(at=at)
    post_office.answer = "451 busy"
    deliver(at=at)
    keys = {notice.parcel for notice in mails()}
    post_office.answer = "250 OK"
    given(world, at)
    assert deliver(at=at + FIRST_PAUSE * 2).letters == 2
    assert {notice.parcel for notice in mails() if notice.parcel in keys} == keys
    assert sorted(mail["Subject"][:1] for mail in post_office.mails) == ["7", "T"]


def test_broken_channel_is_told_from_a_broken_letter(world, at, post_office):
    """Without the mark that the channel is down, one bad letter would stop all the others."""
    given(world, at)
    given(world, at, lead=world.other)
    send = Mail.session

    class Choosy(Mail):
        def send(self, letter):
            if letter.to == world.worker:
                raise Undelivered("data 554", permanent=True)
            with send(self) as post:
                post(letter)

        session = Mail.__mro__[1].session

    with mock.patch.dict("notifications.channels.CHANNELS._items", {"mail": Choosy()}):
        done = deliver(at=at)
    assert (done.sent, done.dead) == (1, 1)


def test_budget_ends_a_call_that_would_hold_up_other_jobs(world, at, post_office):
    given(world, at)
    assert deliver(at=at, budget_seconds=0).letters == 0
    assert deliver(at=at).sent == 1
