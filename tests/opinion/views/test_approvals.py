"""Pages around approvals: what waits for one's word, one approval in full, levels with a preview, deputies while away."""

import re
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.urls import reverse
from django.utils import timezone

import opinion
from opinion.awaiting import awaited
from tests.opinion.previewed import publish
from workflows.models import Absence, ApprovalRules, ApprovalTask, Case, Membership

pytestmark = pytest.mark.django_db

TEXT = (Path(opinion.__file__).parent / "levels" / "message.yaml").read_text(encoding="utf-8")


def shown(client, name, *args, **query):
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200
    return response.content.decode()


def test_what_waits_for_a_signature_is_listed_and_leads_to_it(county, earlier, as_):
    case = county.walk("drafted", earlier)
    head = as_(county.head)
    assert "待我审批 1 项" in shown(head, "todo")
    page = shown(head, "signing")
    assert (case.number in page, "答复审批" in page, "承办单位负责人审核" in page) == (True, True, True)
    assert reverse("action", args=[case.number, "sign_reply"]) in page
    level = case.clocks.get(kind="review")
    assert level.due_at != Case.objects.get(pk=case.pk).due_at
    assert f"{timezone.localtime(level.due_at):%Y-%m-%d %H:%M}" in page
    county.do(case, "sign_reply", at=earlier, by=county.head)
    assert "现在没有等您审批的事项" in shown(head, "signing")


def test_what_came_first_stands_first(county, earlier, as_):
    """Entered late, as an import or a move under way at the same moment may be, it still stands where it came."""
    hours = {county.walk("drafted", earlier - timedelta(hours=h)): h for h in (1, 30, 5)}
    page = shown(as_(county.head), "signing")
    assert "共 3 项，先送达的在前" in page
    places = [
        page.index(f">{case.number}</a>") for case in sorted(hours, key=hours.__getitem__, reverse=True)
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("cases", [1, 3])
def test_list_takes_as_many_statements_for_three_as_for_one(
    county, earlier, as_, cases, django_assert_num_queries
):
    for _ in range(cases):
        county.walk("drafted", earlier)
    client = as_(county.head)
    shown(client, "signing")
    with django_assert_num_queries(10):
        shown(client, "signing")


def test_list_has_pages(county, earlier, as_):
    for _ in range(21):
        county.walk("drafted", earlier)
    client = as_(county.head)
    assert "第 1 页，共 2 页" in shown(client, "signing")
    assert "第 2 页，共 2 页" in shown(client, "signing", page="2")


def test_case_page_says_whose_word_it_waits_for(county, earlier, as_):
    case = county.walk("drafted", earlier)
    page = shown(as_(county.handler), "case", case.number)
    assert "正等 <strong>住建局 负老褚</strong> 表态" in page
    assert "待“第一级 承办单位负责人审核”表态：住建局 负老褚" in page
    county.do(case, "sign_reply", at=earlier, by=county.head, remark="依据充分")
    page = shown(as_(county.handler), "case", case.number)
    assert "正等 <strong>网络问政办 审小刚</strong> 表态" in page
    assert re.search(
        r"<dd>网络问政办<br>\s*<span class=\"small\">待“第二级 受理台审核”表态：网络问政办 审小刚</span>",
        page,
    )
    assert "依据充分" in page
    assert "待“第二级 受理台审核”表态：网络问政办 审小刚" in shown(
        as_(county.handler), "approval", case.number, "reply", 1
    )


def test_lists_name_the_unit_asked_and_its_level(county, earlier, as_):
    """A head sees the drafts of the own unit wherever they are; a list says which office and level has them now."""
    case = county.walk("drafted", earlier)
    county.do(case, "sign_reply", at=earlier, by=county.head)
    rows = shown(as_(county.handler), "case_list")
    assert re.search(
        r"<span>网络问政办<br>\s*<span class=\"small muted\">待“第二级 受理台审核”表态</span>", rows
    )


@pytest.mark.parametrize("cases", [1, 3])
def test_lists_ask_once_for_all_levels(county, earlier, as_, cases, django_assert_num_queries):
    cases = [county.walk("drafted", earlier) for _ in range(cases)]
    with django_assert_num_queries(1):
        assert awaited(cases) == {case.pk: "待“第一级 承办单位负责人审核”表态" for case in cases}
    other = county.register(earlier)
    with django_assert_num_queries(0):
        assert awaited([other]) == {}


def test_a_level_with_nobody_is_not_said_to_wait_for_the_drafters(county, earlier):
    case = county.walk("final_drafted", earlier, restricted=True)
    assert awaited([case]) == {case.pk: "“分管领导批准”暂无人可表态"}


def test_a_level_with_nobody_says_what_to_do(county, earlier, as_):
    case = county.walk("final_drafted", earlier, restricted=True)
    assert "本级没有可以表态的人，请用“加签”请人审批" in shown(as_(county.officer), "case", case.number)


def test_approval_page_draws_the_levels_and_keeps_the_talk(county, earlier, as_):
    case = county.walk("drafted", earlier)
    county.do(case, "discuss", at=earlier, by=county.handler, comment="第二段的依据已补充")
    client = as_(county.handler)
    page = shown(client, "approval", case.number, "reply", 1)
    assert ("第二段的依据已补充" in page, "<svg" in page, "没有另行规定的案件" in page) == (True, True, True)
    assert "条目 reply" not in page
    picture = client.get(reverse("approval_svg", args=[case.number, "reply", 1]))
    assert ElementTree.fromstring(picture.content).tag.endswith("svg")  # noqa: S314  # our own
    flow = client.get(reverse("approval_bpmn", args=[case.number, "reply", 1]))
    drawn = ElementTree.fromstring(flow.content)  # noqa: S314  # our own
    names = [element.get("name") for element in drawn.iter() if "userTask" in element.tag]
    assert names == ["承办单位负责人审核：负老褚　待表态", "受理台审核：未到"]
    assert flow["Content-Disposition"] == f'attachment; filename="{case.number}-reply-1.bpmn"'


def level_tags(page):
    return re.findall(r'<strong>([^<]+)</strong>\s*<span class="tag[^"]*">([^<]+)</span>', page)


def test_the_level_that_gave_it_back_is_told_from_one_never_reached(county, earlier, as_):
    case = county.walk("drafted", earlier)
    county.do(case, "sign_reply", at=earlier, by=county.head)
    county.do(case, "send_back", at=earlier)
    page = shown(as_(county.handler), "approval", case.number, "reply", 1)
    assert level_tags(page) == [("承办单位负责人审核", "已完成"), ("受理台审核", "已退回")]
    boxes = re.findall(r'rx="6" fill="([^"]+)" stroke="([^"]+)" stroke-width="(\d)"', page)
    assert boxes == [("#e8f5ec", "#2e7d4f", "1"), ("#fdecea", "#b3261e", "3")]


def test_levels_behind_the_one_that_gave_it_back_were_never_held(county, earlier, as_):
    case = county.walk("drafted", earlier)
    county.do(case, "send_back", at=earlier, by=county.head)
    page = shown(as_(county.handler), "approval", case.number, "reply", 1)
    assert level_tags(page) == [("承办单位负责人审核", "已退回"), ("受理台审核", "未进行")]


def test_one_word_is_not_said_to_be_enough_where_somebody_was_added(county, earlier, as_):
    case = county.walk("drafted", earlier)
    client = as_(county.handler)
    alone, too = "一人同意即可</span>", "一人同意即可，加签的也须同意</span>"

    def said():
        page = shown(client, "approval", case.number, "reply", 1)
        return page.count(alone), page.count(too)

    assert said() == (2, 0)
    county.do(case, "add_signer", at=earlier)
    assert said() == (1, 1)
    county.do(case, "sign_reply", at=earlier, by=county.leader)
    assert said() == (1, 1)


def test_whoever_signs_two_levels_is_marked_with_why(county, earlier, as_):
    both = "同一人连审两级：没有别人可以审"
    case = county.walk("drafted", earlier)
    Membership.objects.exclude(user__in=[county.head, county.handler]).delete()
    county.head.memberships.create(unit=county.county, role="leader")
    assert both not in shown(as_(county.handler), "approval", case.number, "reply", 1)
    county.do(case, "sign_reply", at=earlier, by=county.head)
    page = shown(as_(county.handler), "approval", case.number, "reply", 1)
    assert page.count(both) == 1
    assert page.index("受理台审核") < page.index(both)


def test_names_are_escaped_in_the_picture(county, earlier, as_):
    county.head.display_name = "<script>负&"
    county.head.save(update_fields=["display_name"])
    case = county.walk("drafted", earlier)
    page = shown(as_(county.handler), "approval", case.number, "reply", 1)
    assert "<script>负" not in page
    assert "&lt;script&gt;负&amp;" in page


@pytest.mark.parametrize(("kind", "ordinal"), [("reply", 2), ("nothing", 1)])
def test_an_approval_there_is_not_is_not_found(county, earlier, as_, kind, ordinal):
    case = county.walk("drafted", earlier)
    assert as_(county.handler).get(reverse("approval", args=[case.number, kind, ordinal])).status_code == 404


def test_the_late_click_reads_who_was_first(county, earlier, as_):
    """With one agreement enough, the second of two heads learns who decided, and loses nothing of what was typed."""
    second = type(county.head).objects.create_user(username="second", display_name="负老二")
    second.memberships.create(unit=county.housing, role="unit_head")
    case = county.walk("drafted", earlier)
    county.do(case, "sign_reply", at=earlier, by=county.head)
    url = reverse("action", args=[case.number, "sign_reply"])
    response = as_(second).post(url, {"text": "我改的稿", "remark": "", "token": "t" * 22, "rev": case.rev})
    assert response.status_code == 409
    assert "负老褚" in response.content.decode()
    assert "我改的稿" in response.content.decode()


# ---- levels


def test_levels_are_for_system_administrators(as_, county):
    assert as_(county.dispatcher).get(reverse("levels")).status_code == 403


def test_levels_are_previewed_then_published_and_run_on_as_they_began(county, earlier, as_):
    case = county.walk("drafted", earlier)
    client = as_(county.sysadmin)
    before = "{name: desk, label: 受理台审核, by: reviewer}\n    source: 国办发"
    after = "{name: desk, label: 受理台会审, by: [reviewer, dispatcher], agree: all}\n    source: 国办发"
    changed = TEXT.replace(before, after)
    assert changed != TEXT
    preview = client.post(reverse("levels"), {"text": changed})
    page = preview.content.decode()
    assert preview.status_code == 200
    assert "受理台会审：审核员（现任 1 人）、派单员（现任 1 人），须全部同意" in page
    assert "~ 条目 reply 各级" in page
    assert ApprovalRules.objects.filter(code="message").count() == 1
    done = publish(client, "levels", {"text": changed}, follow=True)
    assert "第 2 版，正在进行的审批仍按开始时的层级走完" in done.content.decode()
    county.do(case, "approve", at=earlier)
    assert Case.objects.get(pk=case.pk).state == "reviewed"
    assert "1 项" not in done.content.decode().split("第 2 版")[0][-200:]


def test_published_levels_are_shown_in_words_and_taken_up_to_be_changed(county, as_):
    client, newest = as_(county.sysadmin), ApprovalRules.objects.latest_of("message")
    page = client.get(reverse("levels"), {"version": newest.pk}).content.decode()
    assert "群众留言审批层级第 1 版：什么案件经哪几级" in page
    assert "承办单位负责人审核：承办单位负责人（现任" in page
    assert "code: message" in page
    for unknown in ("", "99999", "一"):
        assert "什么案件经哪几级" not in client.get(reverse("levels"), {"version": unknown}).content.decode()


def test_levels_in_error_name_the_place_and_keep_the_text(county, as_):
    client = as_(county.sysadmin)
    wrong = TEXT.replace("by: publicity", "by: publicist").replace(
        "leader: top_leader}", "leader: top_leader, top_leader: leader}"
    )
    page = client.post(reverse("levels"), {"text": wrong, "publish": "1"})
    assert page.status_code == 422
    said = page.content.decode()
    assert "角色 “publicist” 未登记" in said
    assert "代审角色绕成了圈：leader → top_leader → leader" in said
    assert "by: publicist" in said
    assert ApprovalRules.objects.filter(code="message").count() == 1


def test_levels_warn_of_a_level_nobody_holds(county, as_):
    county.publicity.memberships.all().delete()
    page = as_(county.sysadmin).post(reverse("levels"), {"text": TEXT}).content.decode()
    assert "目前无人担任：答复审批“宣传部门审核”" in page


def test_levels_warn_of_a_matter_no_lifecycle_knows(county, as_):
    order = "  - row: order\n    approval: order"
    slip = "  - row: ordr\n    approval: ordr\n    levels: []\n    source: x\n"
    wrong = TEXT.replace(order, slip + order)
    page = as_(county.sysadmin).post(reverse("levels"), {"text": wrong}).content.decode()
    assert "请核对拼写：ordr（ordr）" in page


DECLINE = "levels: [{name: unit, label: 承办单位负责人同意, by: unit_head}]"


def previewed(county, as_, old, new):
    changed = TEXT.replace(old, new)
    assert changed != TEXT
    return as_(county.sysadmin).post(reverse("levels"), {"text": changed}).content.decode()


def test_levels_show_whom_they_leave_out_and_who_is_told(county, as_):
    new = DECLINE.replace(
        "unit_head}", "unit_head, fresh: true, copy_to: [supervisor], clock: decline_review}"
    )
    page = previewed(county, as_, DECLINE, new)
    more = "不由审过前几轮的人审，抄送督办员，时限为退单审批"
    assert f"人），一人同意即可，{more}" in page
    before = "各级：承办单位负责人同意[承办单位负责人，一人同意即可]"
    assert f"{before} → {before[3:-1]}，{more}]" in page


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (DECLINE, DECLINE.replace("unit_head}", "[leader, reviewer], agree: 9}"),
         "“承办单位负责人同意”：agree 要求 9 人同意，目前合计只有 2 人，请改小或增加人员。"),
        (DECLINE, DECLINE.replace("unit_head}", "[unit_head, sysadmin], copy_to: secadmin}"),
         "“承办单位负责人同意”：系统管理员看不到任何案件，不能审批，请改写 by 或 people。"),
        (DECLINE, DECLINE.replace("unit_head}", "[unit_head, sysadmin], copy_to: secadmin}"),
         "“承办单位负责人同意”：安全管理员看不到任何案件，收不到抄送，请改写 copy_to。"),
        ("supervisor, leader]", "supervisor, leader, auditadmin]",
         "审计管理员看不到任何案件，不能代审，请改写 stand_ins 或 fallback。"),
        (DECLINE, "levels: []", "（条目 decline）：levels 为空，不经审批即通过，请确认。"),
        ("code: message", "code: massage",
         "现行流程都不用代码为“massage”的审批层级，发布后不起作用，请核对 code。"),
    ],
)  # fmt: skip
def test_levels_warn_of_what_is_more_often_a_slip(county, as_, old, new, said):
    assert said in previewed(county, as_, old, new)


def test_levels_warn_of_people_who_can_see_no_case(county, as_):
    new = DECLINE.replace("by: unit_head", f"people: [{county.sysadmin.username}]")
    assert f"{county.sysadmin}看不到任何案件，不能审批" in previewed(county, as_, DECLINE, new)


def test_levels_as_shipped_are_in_no_doubt(county, as_):
    page = as_(county.sysadmin).post(reverse("levels"), {"text": TEXT}).content.decode()
    assert '<p class="notice notice-warning">' not in page


# ---- deputies


def form(deputy, **more):
    now = timezone.localtime(timezone.now())
    return {"deputy": deputy.pk, "starts_at": f"{now:%Y-%m-%dT%H:%M}", "ends_at": "", **more}


def test_a_deputy_signs_while_one_is_away(county, earlier, as_):
    client = as_(county.head)
    client.post(reverse("absences"), form(county.deputy_head))
    assert "代审中" in shown(client, "absences")
    assert "您现在代 负老褚 审批" in shown(as_(county.deputy_head), "absences")
    case = county.walk("handling", earlier)
    county.do(case, "draft_reply", at=timezone.now())
    seat = ApprovalTask.objects.get(case=case)
    assert (seat.owner, seat.stands_for) == (county.deputy_head, county.head)
    assert "（代负老褚）" in shown(as_(county.handler), "case", case.number)


def test_back_again_ends_it_and_what_has_not_begun_is_cancelled(county, as_):
    client = as_(county.head)
    later = timezone.localtime(timezone.now() + timedelta(days=3))
    until = later - timedelta(days=1)
    client.post(reverse("absences"), form(county.deputy_head, ends_at=f"{until:%Y-%m-%dT%H:%M}"))
    client.post(reverse("absences"), form(county.deputy_head, starts_at=f"{later:%Y-%m-%dT%H:%M}"))
    begun, planned = Absence.objects.order_by("starts_at")
    client.post(reverse("absence_end", args=[begun.pk]))
    client.post(reverse("absence_end", args=[planned.pk]))
    assert [(row.pk, row.ends_at is None) for row in Absence.objects.all()] == [(begun.pk, False)]
    assert not Absence.objects.at(timezone.now()).exists()
    # In the same minute, whatever the minute written says.
    assert client.post(reverse("absences"), form(county.handler)).status_code == 302


def test_a_second_click_or_another_deputy_for_the_same_time_is_refused(county, as_):
    client = as_(county.head)
    client.post(reverse("absences"), form(county.deputy_head))
    for deputy in (county.deputy_head, county.handler):
        page = client.post(reverse("absences"), form(deputy))
        assert page.status_code == 422
        assert "“开始”与已有的设置（至 您停止时）重叠，请先停止那一条" in page.content.decode()
    assert Absence.objects.count() == 1


def test_what_cannot_be_is_refused_with_the_field(county, as_):
    Absence.objects.create(user=county.deputy_head, deputy=county.head, starts_at=timezone.now())
    page = as_(county.head).post(reverse("absences"), form(county.deputy_head))
    assert page.status_code == 422
    assert "代审人此间也不在，且又回到本人代审，请另选" in page.content.decode()
    past = as_(county.head).post(reverse("absences"), form(county.handler, ends_at="2026-01-01T08:00"))
    assert "“结束”应晚于“开始”，请改正" in past.content.decode()


def test_where_nobody_can_take_over_the_form_says_why_and_what_to_do(county, earlier, as_):
    case = county.walk("drafted", earlier)
    assert "没有可以委派的人" not in shown(as_(county.head), "action", case.number, "hand_over")
    Membership.objects.filter(unit=county.housing).exclude(user__in=[county.head, county.handler]).delete()
    Membership.objects.filter(role__in=["unit_head", "deputy_head"]).exclude(user=county.head).delete()
    page = shown(as_(county.head), "action", case.number, "hand_over")
    assert "现在没有可以委派的人：本级的审批岗位和您同单位的同事中" in page
    assert "可以自己表态，或“加签”请别人一并审核" in page
    assert '<option value="" selected>没有可选的人</option>' in page
