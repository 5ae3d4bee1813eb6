"""The pages about notices."""

from datetime import time, timedelta
from unittest import mock

import pytest
from django.core.mail import send_mail
from django.urls import reverse
from django.utils import timezone

from notifications.catching import caught_mails
from notifications.delivering import deliver
from notifications.models import Alert, Notice, Preference
from tests.notifications.telling import give, given, mails
from workflows.models import Participation, User
from workflows.relay import relay


@pytest.fixture
def worker(client, world):
    client.force_login(world.worker)
    return client


def test_unread_count_is_in_the_header_of_every_page(worker, world, at):
    assert "条未读" not in worker.get(reverse("todo")).content.decode()
    given(world, at)
    given(world, at)
    page = worker.get(reverse("todo")).content.decode()
    assert '<b class="bell-count">2<span class="unseen"> 条未读</span></b>' in page


def test_inbox_shows_own_notices_only(worker, world, at):
    mine, theirs = given(world, at), given(world, at, lead=world.other)
    page = worker.get(reverse("notices")).content.decode()
    assert f"{mine.number} 待领办" in page
    assert theirs.number not in page


def test_opening_marks_read_and_goes_to_the_case(worker, world, at):
    case = given(world, at)
    notice = Notice.objects.get(channel="inbox")
    response = worker.post(reverse("notice_open", args=[notice.pk]))
    assert (response.status_code, response["Location"]) == (302, f"/cases/{case.number}/")
    notice.refresh_from_db()
    first = notice.read_at
    assert first is not None
    worker.post(reverse("notice_open", args=[notice.pk]))
    notice.refresh_from_db()
    assert notice.read_at == first


def test_reading_changes_nothing(worker, world, at):
    given(world, at)
    notice = Notice.objects.get(channel="inbox")
    assert worker.get(reverse("notice_open", args=[notice.pk])).status_code == 405
    worker.get(reverse("notices"))
    notice.refresh_from_db()
    assert notice.read_at is None


def test_notice_of_a_case_out_of_sight_says_so(worker, world, at):
    case = given(world, at)
    Participation.objects.filter(case=case, unit=world.office).update(ended_at=at)
    notice = Notice.objects.get(channel="inbox")
    response = worker.post(reverse("notice_open", args=[notice.pk]), follow=True)
    assert response.redirect_chain == [(reverse("notices"), 302)]
    assert "已不在您的可见范围内" in response.content.decode()


def test_somebody_elses_notice_is_not_there(worker, world, at):
    given(world, at, lead=world.other)
    notice = Notice.objects.get(channel="inbox")
    assert worker.post(reverse("notice_open", args=[notice.pk])).status_code == 404
    worker.post(reverse("notices_read"), {"upto": notice.pk})
    notice.refresh_from_db()
    assert notice.read_at is None


def test_mark_all_read_spares_what_came_after_the_page(worker, world, at):
    given(world, at)
    shown = Notice.objects.get(channel="inbox")
    given(world, at)
    worker.post(reverse("notices_read"), {"upto": shown.pk})
    unread = Notice.objects.inbox_of(world.worker).unread()
    assert unread.count() == 1
    assert unread.get().pk > shown.pk


@pytest.mark.parametrize("nonsense", ["", "x", "-1", "1" * 40, "\uff11"])
def test_odd_positions_are_refused_politely(worker, world, nonsense):
    assert worker.post(reverse("notices_read"), {"upto": nonsense}).status_code == 302
    assert worker.get(reverse("notices"), {"before": nonsense}).status_code == (404 if nonsense else 200)


def test_pages_follow_each_other_without_gap(worker, world, at):
    numbers = [give(world, at).number for _ in range(5)]
    relay(at=at)
    with mock.patch("notifications.views.inbox.PAGE_SIZE", 2):
        seen, url = [], reverse("notices")
        while url:
            context = worker.get(url).context
            seen += [notice.case_number for notice in context["notices"]]
            url = f"{reverse('notices')}?before={context['later']}" if context["later"] else ""
    assert seen == numbers[::-1]


def test_inbox_costs_the_same_for_one_and_for_many(worker, world, at, django_assert_num_queries):
    given(world, at)
    worker.get(reverse("notices"))
    with django_assert_num_queries(7) as one:
        worker.get(reverse("notices"))
    for _ in range(5):
        give(world, at)
    relay(at=at)
    with django_assert_num_queries(len(one)):
        worker.get(reverse("notices"))


def test_preferences_are_kept_and_obeyed(worker, world, at):
    page = worker.get(reverse("notice_settings")).content.decode()
    assert "worker@offices.example" in page
    assert "邮件：紧急通知" in page
    said = {"wanted": ["mail:3"], "digest": "daily", "quiet_from": "22:00", "quiet_until": "07:30"}
    assert worker.post(reverse("notice_settings"), said).status_code == 302
    wish = Preference.objects.get(user=world.worker)
    assert (wish.muted, wish.digest) == (["mail:1", "mail:2"], "daily")
    assert (wish.quiet_from, wish.quiet_until, wish.rests_on_days_off) == (time(22), time(7, 30), False)
    given(world, at)
    assert mails() == []
    given(world, at, hard=True)
    assert len(mails()) == 1


def test_preferences_of_a_channel_not_offered_today_stay(worker, world):
    Preference.objects.create(user=world.worker, muted=["mail:2", "robot:1"])
    User.objects.filter(pk=world.worker.pk).update(email="")
    said = {"digest": "hourly", "quiet_from": "22:00", "quiet_until": "07:30"}
    worker.post(reverse("notice_settings"), said)
    assert Preference.objects.get(user=world.worker).muted == ["mail:2", "robot:1"]


def test_preferences_name_what_is_wrong(worker, world):
    said = {"wanted": ["inbox:1"], "digest": "never", "quiet_from": "tonight", "quiet_until": "07:30"}
    page = worker.post(reverse("notice_settings"), said).content.decode()
    for sentence in ("“接收方式”没有这一项", "“一般通知”没有这一项", "“免打扰开始”请按 21:00 的样子填写"):
        assert sentence in page
    assert not Preference.objects.exists()


@pytest.fixture
def keeper(client, world):
    client.force_login(User.objects.create_user(username="keeper", is_superuser=True))
    return client


def test_alerts_are_closed_to_others(worker, world, at):
    Alert.objects.sound("nobody", "toy.given", at=at)
    assert worker.get(reverse("alerts")).status_code == 403
    assert worker.get(reverse("mails")).status_code == 403
    assert worker.post(reverse("alert_close", args=[Alert.objects.get().pk])).status_code == 403
    assert "通知告警" not in worker.get(reverse("notices")).content.decode()


def test_alert_is_shown_and_closed_once(keeper, world, at):
    Alert.objects.sound("nobody", "toy.given", at=at, case_number="TY1", unit_id=world.office.pk)
    page = keeper.get(reverse("alerts")).content.decode()
    assert "无人可告知" in page
    assert "甲办" in page
    url = reverse("alert_close", args=[Alert.objects.get().pk])
    assert "告警已处理" in keeper.post(url, follow=True).content.decode()
    assert "已有人处理过" in keeper.post(url, follow=True).content.decode()
    assert Alert.objects.get().closed_by.username == "keeper"


@pytest.mark.parametrize(
    ("kind", "subject", "shown"),
    [
        ("nobody", "approval.unmanned", "审批缺人"),
        ("nobody", "toy.given", "交办"),
        ("undelivered", "mail 550", "邮件（550）"),
        ("stuck", "give MoveRefused", "交办（MoveRefused）"),
        ("undeclared", "no.such_event", "no.such_event"),
    ],
)
def test_an_alert_says_in_words_what_it_is_about(keeper, world, at, kind, subject, shown):
    Alert.objects.sound(kind, subject, at=at)
    cell = f'<td data-label="对象">{shown}</td>'
    assert cell in keeper.get(reverse("alerts")).content.decode()
    keeper.post(reverse("alert_close", args=[Alert.objects.get().pk]))
    assert f" {shown}，1 次" in keeper.get(reverse("alerts")).content.decode()


def test_undelivered_notices_are_sent_again_from_the_page(keeper, world, at, post_office):
    post_office.refuse = "550 no"
    given(world, at)
    deliver(at=at)
    post_office.refuse = ""
    alert = Alert.objects.get()
    page = keeper.post(reverse("alert_close", args=[alert.pk]), {"again": "1"}, follow=True).content.decode()
    assert "1 条通知将重新发送" in page
    (notice,) = mails()
    assert (notice.state, notice.attempts, notice.error) == ("planned", 0, "")
    Notice.objects.filter(pk=notice.pk).update(next_try_at=at)
    assert deliver(at=at).sent == 1


def test_caught_mails_are_shown_as_their_reader_would_see_them(keeper, world, at, settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    case, other = given(world, at), given(world, at)
    assert deliver(at=at).letters == 2
    page = keeper.get(reverse("mails")).content.decode()
    assert f"<h2>{case.number} 待领办 · 回音</h2>" in page
    assert page.index(other.number) < page.index(case.number)
    assert "收件人 worker@offices.example" in page


def test_mails_that_are_really_sent_are_not_kept(keeper, world, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert "这里不留副本" in keeper.get(reverse("mails")).content.decode()


def test_kept_mails_are_read_as_they_were_written(settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    send_mail("延期已批准", "TY2026-000001 延期已批准", "desk@offices.example", ["worker@offices.example"])
    (mail,) = caught_mails() or []
    assert (mail.subject, mail.body.strip()) == ("延期已批准", "TY2026-000001 延期已批准")
    assert abs(timezone.now() - mail.sent_at) < timedelta(minutes=1)
