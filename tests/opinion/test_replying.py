"""Replies from the first draft to the person and the public: versions, claims answered, nobody named."""

import pytest

from notifications.models import Notice
from opinion.contacts.book import Person
from opinion.forms import form_for
from opinion.linked_replies import answer_all
from opinion.models import Claim, ClaimAnswer, Contact, Reply
from tests.factories.world import PERSON
from tests.opinion.test_linked_replies import master_told
from workflows.chain import text_digest
from workflows.errors import Cannot, MayNot
from workflows.models import Approval, ApprovalTask, Case
from workflows.relay import relay

TEXT = "您好。楼道积水已于今日清理。积水是排水管堵塞造成的，已疏通。"


def now(case):
    return Case.objects.get(pk=case.pk)


def kinds(case):
    return list(Reply.objects.filter(case=case).values_list("kind", "version"))


def claims_of(case):
    return list(Claim.objects.filter(case=case).standing())


def answered(case, *said):
    return [
        {"claim": claim.pk, "result": result, "words": words}
        for claim, (result, words) in zip(claims_of(case), said, strict=True)
    ]


def test_drafts_are_kept_before_they_are_sent_on(county, at):
    case = county.walk("handling", at)
    county.do(case, "save_draft", at=at, text="一稿")
    county.do(case, "save_draft", at=at, text="二稿", by=county.head)
    assert now(case).state == "handling"
    county.do(case, "draft_reply", at=at, text="三稿")
    assert kinds(case) == [("draft", 1), ("draft", 2), ("draft", 3)]
    event = case.events.filter(name="message.draft_saved").order_by("seq").first()
    assert event.data == {"version": 1, "text": text_digest("一稿")}


def test_whoever_wrote_any_of_the_drafts_does_not_approve(county, at):
    case = county.walk("handling", at)
    county.head.memberships.create(unit=county.desk, role="reviewer")
    county.do(case, "save_draft", at=at, by=county.head, text="负责人先拟的一稿")
    county.do(case, "draft_reply", at=at)
    head = type(county.head).objects.get(pk=county.head.pk)
    with pytest.raises(MayNot):
        county.do(case, "sign_reply", at=at, by=head)
    county.do(case, "approve", at=at)
    assert not ApprovalTask.objects.filter(case=case, owner=head).exists()


# ---- claim by claim


def test_a_claim_without_answer_keeps_the_draft_from_review(county, at):
    case = county.walk("handling", at)
    county.do(case, "list_claims", at=at)
    with pytest.raises(Cannot, match=r"第 1 项诉求.*还没有回应.*第 2 项诉求"):
        county.do(case, "draft_reply", at=at, text=TEXT)
    with pytest.raises(Cannot, match="第 2 项诉求（查明积水原因并修复）没有指明由哪一句回应"):
        county.do(
            case,
            "draft_reply",
            at=at,
            text=TEXT,
            answers=answered(case, ("solved", "积水已于今日"), ("solved", "")),
        )
    with pytest.raises(Cannot, match="“电梯”不在答复里"):
        county.do(
            case,
            "draft_reply",
            at=at,
            text=TEXT,
            answers=answered(case, ("solved", "积水已于今日"), ("solved", "电梯")),
        )
    with pytest.raises(Cannot, match="选了“另行答复”，请写明理由"):
        county.do(
            case,
            "draft_reply",
            at=at,
            text=TEXT,
            answers=answered(case, ("solved", "积水已于今日"), ("separately", "")),
        )
    assert not Reply.objects.filter(case=case).exists()


def test_answers_are_kept_with_their_passages(county, at):
    case = county.walk("handling", at)
    county.do(case, "list_claims", at=at)
    said = answered(case, ("solved", "积水 已于今日"), ("separately", "待鉴定结论"))
    event = county.do(case, "draft_reply", at=at, text=TEXT, answers=said)
    assert event.data["answers"] == {"1": "solved", "2": "separately"}
    first, second = ClaimAnswer.objects.filter(case=case).order_by("claim__number")
    assert first.passage(TEXT) == "楼道积水已于今日清理。"
    assert (second.passage(TEXT), second.words, second.seq) == ("", "待鉴定结论", event.seq)


def test_a_saved_draft_keeps_what_is_still_incomplete(county, at):
    case = county.walk("handling", at)
    county.do(case, "list_claims", at=at)
    county.do(
        case, "save_draft", at=at, text="尚未写完", answers=answered(case, ("", "还没写的一句"), ("", ""))
    )
    kept = ClaimAnswer.objects.get(case=case)
    assert (kept.result, kept.words, kept.start) == ("", "还没写的一句", None)


@pytest.mark.parametrize(
    ("state", "way", "back"),
    [("drafted", "撤回送审", "retract_draft"), ("reviewed", "发布前退回", "take_back_approval")],
)
def test_claims_stand_still_while_the_reply_is_under_approval(county, at, state, way, back):
    case = county.walk(state, at)
    with pytest.raises(Cannot, match=f"答复已送审，不能再“列明诉求”；请先“{way}”"):
        county.do(case, "list_claims", at=at)
    county.do(case, back, at=at)
    county.do(case, "list_claims", at=at)
    with pytest.raises(Cannot, match="第 1 项诉求"):
        county.do(case, "draft_reply", at=at, text=TEXT)


def test_a_claim_that_the_approved_draft_never_saw_keeps_the_reply_back(county, at):
    case = county.walk("handling", at)
    county.do(case, "list_claims", at=at, claims=["清理楼道积水"])
    county.do(case, "draft_reply", at=at, text=TEXT, answers=answered(case, ("solved", "积水已于今日")))
    county.do(case, "approve", at=at, text=TEXT)
    # As a version of the lifecycle from before let it be listed.
    Claim.objects.create(
        case=case, seq=now(case).rev, number=2, text="赔偿损失", digest=text_digest("赔偿损失"),
        author=county.clerk, written_at=at,
    )  # fmt: skip
    with pytest.raises(Cannot, match="第 2 项诉求是送审后才列明或改动的，还没有回应"):
        county.do(case, "reply", at=at)
    county.do(case, "take_back_approval", at=at)
    both = answered(case, ("solved", "积水已于今日"), ("separately", "另行核算"))
    county.do(case, "draft_reply", at=at, text=TEXT, answers=both)
    county.do(case, "approve", at=at, text=TEXT)
    county.do(case, "reply", at=at)
    assert now(case).state == "replied"


# ---- what the person gets and what the public reads


def test_public_wording_is_a_version_of_its_own(county, at):
    case = county.walk("drafted", at, public=True)
    county.do(case, "approve", at=at, text=f"{PERSON.name}：已清理。", public_text="网友您好：已清理。")
    event = county.do(case, "reply", at=at, public=True)
    assert kinds(case) == [("draft", 1), ("approved", 1), ("wording", 1), ("final", 1), ("published", 1)]
    texts = dict(Reply.objects.filter(case=case).values_list("kind", "text"))
    assert (texts["final"], texts["published"]) == (f"{PERSON.name}：已清理。", "网友您好：已清理。")
    assert event.data["public_text"] == text_digest("网友您好：已清理。")


def test_a_wording_of_an_earlier_round_is_not_published(county, at):
    case = county.walk("drafted", at, public=True)
    county.do(case, "approve", at=at, public_text="第一轮的公开用语。")
    county.do(case, "take_back_approval", at=at)
    county.do(case, "draft_reply", at=at, public=True)
    county.do(case, "approve", at=at, text="第二轮。")
    county.do(case, "reply", at=at, public=True)
    assert Reply.objects.get(case=case, kind="published").text == "第二轮。"


def test_a_private_answer_publishes_nothing(county, at):
    case = county.walk("reviewed", at)
    county.do(case, "reply", at=at, public=False)
    assert not Reply.objects.filter(case=case, kind="published").exists()


@pytest.mark.parametrize("said", [PERSON.name, "138 0000 5678", "桂花路3号2单元", PERSON.email])
def test_the_persons_identity_is_never_published(county, at, said):
    case = county.walk("drafted", at, public=True)
    stands = {"stands": ["mobile", "email"], "stands_because": "consented"}
    for more in ({}, stands):
        with pytest.raises(Cannot, match="公开文本第 1 句有留言人"):
            county.do(case, "approve", at=at, public_text=f"您好，{said}。", **more)
    with pytest.raises(Cannot, match="公开文本第 1 句有留言人"):
        county.do(case, "sign_reply", at=at, text=f"您好，{said}。", **stands)
    county.do(case, "approve", at=at, text=f"您好，{said}。", public_text="您好，已清理。")
    county.do(case, "reply", at=at, public=True)
    assert said not in Reply.objects.get(case=case, kind="published").text


def test_a_draft_that_names_its_person_is_signed_for_the_public_by_nobody(county, at):
    case = county.walk("handling", at)
    county.do(case, "draft_reply", at=at, text=f"{PERSON.name}您好，已清理。", public=True)
    with pytest.raises(Cannot, match="公开文本第 1 句有留言人姓名"):
        county.do(case, "sign_reply", at=at, text="")
    county.do(case, "sign_reply", at=at, text="", public_text="您好，已清理。")
    # The next signer, too, answers for exactly what will be published.
    with pytest.raises(Cannot, match="公开文本第 1 句有留言人姓名"):
        county.do(case, "sign_reply", at=at, text="", public_text="")
    alone = county.walk("handling", at)
    county.do(alone, "draft_reply", at=at, text=f"{PERSON.name}您好，已清理。")
    county.do(alone, "approve", at=at, text="")
    assert now(alone).state == "reviewed"


def test_what_one_signer_lets_stand_the_next_need_not_in_the_same_text(county, at):
    case = county.walk("handling", at)
    county.do(case, "draft_reply", at=at, text="请拨打13911112222。", public=True)
    with pytest.raises(Cannot, match=r"有手机号码.*请逐项确认并选择理由"):
        county.do(case, "sign_reply", at=at, text="")
    with pytest.raises(Cannot, match="手机号码"):
        county.do(case, "sign_reply", at=at, text="", stands=["mobile"])
    event = county.do(case, "sign_reply", at=at, text="", stands=["mobile"], stands_because="official")
    assert event.data["stands_in"] == text_digest("请拨打13911112222。")
    form = form_for("approve", None, case=now(case), user=county.reviewer, at=at)
    assert form.found_in_public == []
    with pytest.raises(Cannot, match="手机号码"):
        county.do(case, "sign_reply", at=at, text="请改拨13922221111。")
    county.do(case, "approve", at=at, text="")
    county.do(case, "reply", at=at, public=True)
    assert Reply.objects.get(case=case, kind="published").text == "请拨打13911112222。"


def test_what_is_published_is_looked_through_once_more(county, at):
    case = county.walk("drafted", at, public=True)
    county.do(case, "approve", at=at, text="苗青禾反映的积水已清理。")
    other = county.walk("registered", at, person=Person("苗青禾", "13600002222"))
    county.do(other, "merge", at=at, master=case.pk)
    with pytest.raises(Cannot, match="有并案中他人的姓名"):
        county.do(case, "reply", at=at, public=True)


def test_what_is_doubtful_stands_for_a_reason_and_only_the_codes_are_kept(county, at):
    case = county.walk("drafted", at, public=True)
    text = "请联系王师傅，13911112222。"
    with pytest.raises(Cannot, match=r"有手机号码.*请逐项确认并选择理由"):
        county.do(case, "approve", at=at, public_text=text)
    with pytest.raises(Cannot, match="个人称谓"):
        county.do(case, "approve", at=at, public_text=text, stands=["mobile"], stands_because="official")
    county.do(
        case, "approve", at=at, public_text=text, stands=["named_person", "mobile"], stands_because="official"
    )
    event = case.events.filter(name="approval.signed").order_by("seq").first()
    assert (event.data["stands"], event.data["stands_because"]) == (["mobile", "named_person"], "official")
    assert "1391111" not in str(event.data)
    county.do(case, "reply", at=at, public=True)
    assert now(case).state == "replied"


def test_what_stood_in_one_text_does_not_stand_in_the_next(county, at):
    case = county.walk("drafted", at, public=True)
    county.do(
        case, "approve", at=at, public_text="电话13911112222。", stands=["mobile"], stands_because="official"
    )
    county.do(case, "take_back_approval", at=at)
    county.do(case, "draft_reply", at=at, public=True)
    with pytest.raises(Cannot, match="手机号码"):
        county.do(case, "approve", at=at, text="电话13911112222。")


PRIVATE = [
    ({"restricted": True}, "限制知悉的案件不公开答复"),
    ({"type": "report"}, "举报件不公开答复"),
    ({"asked_confidential": True}, "留言人要求保密"),
]


@pytest.mark.parametrize(("options", "why"), PRIVATE)
def test_what_must_stay_private_is_published_at_no_step(county, at, options, why):
    case = county.walk("handling", at, source="lb", **options)
    for move in ("save_draft", "draft_reply"):
        with pytest.raises(Cannot, match=why):
            county.do(case, move, at=at, public=True)
        form = form_for(
            move,
            {"text": TEXT, "result": "solved", "public": "on"},
            case=now(case),
            user=county.handler,
            at=at,
        )
        assert "public" not in form.fields
        assert not form.is_valid()
        assert why in str(form.non_field_errors())
    county.do(case, "draft_reply", at=at)
    assert now(case).facts["publish"] == "no"
    with pytest.raises(Cannot, match=why):
        county.do(case, "sign_reply", at=at, public_text="已清理。")
    signing = form_for("approve", None, case=now(case), user=county.head, at=at)
    assert "public_text" not in signing.fields
    county.do(case, "approve", at=at)
    with pytest.raises(Cannot, match=why):
        county.do(case, "reply", at=at, public=True)
    assert "public" not in form_for("reply", None, case=now(case), user=county.reviewer, at=at).fields
    county.do(case, "reply", at=at)
    assert not Reply.objects.get(case=case, kind="final").public


@pytest.mark.parametrize("became", [{"restricted": True}, {"facts": {"publish": "yes", "type": "report"}}])
def test_what_has_come_to_be_private_since_it_was_put_up_is_not_published(county, at, became):
    case = county.walk("reviewed", at, public=True)
    Case.objects.filter(pk=case.pk).update(**became)
    with pytest.raises(Cannot, match=r"不公开答复|审批层级随之不同"):
        county.do(case, "reply", at=at, public=True)
    form = form_for("reply", {"public": "on"}, case=now(case), user=county.reviewer, at=at)
    assert "不公开答复，请只答复本人" in str(form.non_field_errors())


def test_what_was_not_put_up_as_public_is_not_published(county, at):
    case = county.walk("drafted", at)
    with pytest.raises(Cannot, match="宣传部门没有审核"):
        county.do(case, "sign_reply", at=at, public_text="已清理。")
    county.do(case, "approve", at=at)
    with pytest.raises(Cannot, match="送审时没有选“公开答复”"):
        county.do(case, "reply", at=at, public=True)
    assert "public" not in form_for("reply", None, case=now(case), user=county.reviewer, at=at).fields


@pytest.mark.parametrize("source", ["lb", "12345", "mailbox", "wechat"])
@pytest.mark.parametrize("redo", ["none", "again"])
def test_publicity_signs_last_whatever_is_published(county, at, source, redo):
    case = county.walk("handling", at, source=source)
    Case.objects.filter(pk=case.pk).update(facts={**case.facts, "redo": redo})
    county.do(case, "draft_reply", at=at, public=True)
    levels = Approval.objects.get(case=case).levels
    assert (levels[-1]["by"], len(levels)) == (["publicity"], 4 if redo == "again" else 3)
    county.do(case, "approve", at=at)
    county.do(case, "reply", at=at, public=True)
    assert Reply.objects.filter(case=case, kind="published").exists()


def test_the_choice_is_kept_with_a_draft_and_owed_on_the_leader_board(county, at):
    case = county.walk("handling", at)
    county.do(case, "save_draft", at=at, public=True)
    form = form_for("draft_reply", None, case=now(case), user=county.handler, at=at)
    assert form.initial["public"] is True
    board = county.walk("handling", at, source="lb")
    field = form_for("draft_reply", None, case=board, user=county.handler, at=at).fields["public"]
    assert field.disabled
    county.do(board, "draft_reply", at=at)
    assert now(board).facts["publish"] == "yes"


@pytest.mark.parametrize("public", [True, False])
def test_an_answer_approved_for_the_public_is_published_unless_somebody_says_otherwise(county, at, public):
    case = county.walk("reviewed", at, source="mailbox", public=public)
    form = form_for("reply", None, case=now(case), user=county.reviewer, at=at)
    assert bool(form.initial.get("public")) is public


def test_a_duplicate_of_what_was_not_published_is_not_either(county, at):
    _, case = merged(county, at, said=TEXT)
    with pytest.raises(Cannot, match="主案件的答复没有公开"):
        county.do(case, "reply_merged", at=at, text=TEXT, public=True)
    form = form_for("reply_merged", None, case=case, user=county.dispatcher, at=at)
    assert not {"public", "public_text"} & set(form.fields)


@pytest.mark.parametrize(("options", "why"), PRIVATE[1:])
def test_a_duplicate_that_must_stay_private_is_answered_to_its_person_alone(county, at, options, why):
    master = master_told(county, at, TEXT, public_text=TEXT)
    case = county.walk("registered", at, **options)
    county.do(case, "merge", at=at, master=master.pk)
    with pytest.raises(Cannot, match=why):
        county.do(case, "reply_merged", at=at, text=TEXT, public=True)
    said = {"text": TEXT, "public": True, "public_text": ""}
    assert answer_all(master, [now(case)], said, by=county.dispatcher, at=at, key="k")[0].refused == ""
    assert not Reply.objects.get(case=case, kind="final").public


def test_a_contact_that_cannot_be_opened_publishes_nothing(county, at):
    case = county.walk("reviewed", at)
    Contact.objects.filter(case=case).update(name="v1.gone.AAAA")
    with pytest.raises(Cannot, match="密文打不开"):
        county.do(case, "reply", at=at, public=True)


# ---- merged messages


def merged(county, at, master_state="replied", **said):
    person = Person("陆远山", "13700001111", "云溪县西禾镇柳岸村12号")
    master = (
        master_told(county, at, person=person, **said)
        if said
        else county.walk(master_state, at, person=person)
    )
    case = county.walk("registered", at)
    county.do(case, "merge", at=at, master=master.pk)
    return master, now(case)


@pytest.mark.parametrize("said", ["陆远山", "13700001111", "柳岸村12号"])
def test_a_duplicates_answer_never_names_the_masters_person(county, at, said):
    master, case = merged(county, at, said=f"{PERSON.name}您好，已处理。")
    with pytest.raises(Cannot, match="答复第 1 句有并案中他人的"):
        county.do(case, "reply_merged", at=at, text=f"已到{said}处理。")
    sibling = county.walk("registered", at, person=Person("苗青禾", "13600002222"))
    county.do(sibling, "merge", at=at, master=master.pk)
    with pytest.raises(Cannot, match="并案中他人的姓名"):
        county.do(sibling, "reply_merged", at=at, text=f"{PERSON.name}也反映了。")
    county.do(case, "reply_merged", at=at, text=f"{PERSON.name}您好，已处理。")
    assert now(case).state == "replied"


def test_the_masters_answer_never_names_a_duplicates_person(county, at):
    master, _ = merged(county, at, "drafted")
    with pytest.raises(Cannot, match="并案中他人的姓名"):
        county.do(master, "approve", at=at, text=f"{PERSON.name}也反映了。")


def test_a_merged_answer_may_be_published_in_other_words(county, at):
    text = f"{PERSON.name}您好，已处理。"
    _, case = merged(county, at, said=text, public_text="您好，已处理。")
    with pytest.raises(Cannot, match="公开文本第 1 句有留言人姓名"):
        county.do(case, "reply_merged", at=at, text=text, public=True)
    county.do(case, "reply_merged", at=at, text=text, public=True, public_text="已处理。")
    assert kinds(case) == [("final", 1), ("published", 1)]


APPROVED = "楼道积水已清理，三号楼的水泵不在更换之列。电话咨询住建局，13日前回复。"


@pytest.mark.parametrize(
    "said",
    [
        "楼道积水已清理。",
        "积水已清理，\n13日前回复",
        "楼道积水已清理，水泵不在更换之列。 电话咨询住建局，13日前回复。",
    ],
)
def test_a_merged_answer_may_leave_out_words_of_the_masters(county, at, said):
    _, case = merged(county, at, said=APPROVED)
    county.do(case, "reply_merged", at=at, text=said)
    assert Reply.objects.get(case=case, kind="final").text == said


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("您的申请已获批准。", 1),
        ("楼道积水已清理，水泵在更换之列。", 1),
        ("楼道积水已清理。电话咨询住建局，3日前回复。", 2),
        ("13日前回复，楼道积水已清理。", 1),
        ("楼道积水已清理。楼道积水已清理。", 2),
        ("积水住建局回复。", 1),
        ("", 1),
    ],
)
def test_a_merged_answer_in_other_words_goes_through_the_masters_approval(county, at, said, sentence):
    master, case = merged(county, at, said=APPROVED)
    with pytest.raises(
        Cannot, match=f"答复第 {sentence} 句不是主案件 {master.number} 已审定的.*重新办理审批"
    ):
        county.do(case, "reply_merged", at=at, text=said)
    assert now(case).state == "merged"


def test_a_merged_answer_is_published_in_the_words_approved_for_the_public(county, at):
    _, case = merged(county, at, said="楼道积水已清理，费用由李某承担。", public_text="楼道积水已清理。")
    said = {"text": "楼道积水已清理，费用由李某承担。", "public": True}
    for public_text in ("", "楼道积水已清理，费用由李某承担。", "楼道已翻新。"):
        with pytest.raises(Cannot, match="公开文本第 1 句不是主案件"):
            county.do(case, "reply_merged", at=at, **said, public_text=public_text)
    form = form_for("reply_merged", None, case=case, user=county.dispatcher, at=at)
    assert form.initial["public_text"] == "楼道积水已清理。"
    county.do(case, "reply_merged", at=at, **said, public_text=form.initial["public_text"])
    assert kinds(case) == [("final", 1), ("published", 1)]


def test_a_merged_answer_may_say_of_its_case_what_the_masters_says_of_its_own(county, at):
    _, case = merged(county, at, said="您反映的“楼道积水”（{}）已办结。")
    assert case.title == "楼道积水"
    Case.objects.filter(pk=case.pk).update(title="五号楼，也积水")
    county.do(case, "reply_merged", at=at, text=f"您反映的“五号楼，也积水”（{case.number}）已办结。")
    assert now(case).state == "replied"


def test_interim_replies_name_nobody_else_and_leave_nothing_open(county, at):
    case = county.walk("handling", at)
    with pytest.raises(Cannot, match="待填写的“办理期限”"):
        county.do(case, "interim_reply", at=at, text="将于（请填写：办理期限）前答复。")
    county.do(case, "interim_reply", at=at)
    assert kinds(case) == [("interim", 1)]


@pytest.mark.parametrize(("who", "asked"), [("handler", False), ("head", False), ("dispatcher", True)])
def test_whoever_takes_back_anothers_draft_says_why(county, at, who, asked):
    form = form_for("retract_draft", {}, case=county.walk("drafted", at), user=getattr(county, who), at=at)
    assert form.is_valid() is not asked
    assert ("请填写“撤回理由”" in str(form.errors)) is asked


def test_the_drafter_is_told_of_a_draft_the_desk_took_back(county, at):
    case = county.walk("drafted", at)
    county.do(case, "retract_draft", at=at, by=county.dispatcher, remark="数字有误")
    relay(at=at)
    assert Notice.objects.filter(event__name="message.draft_retracted", user=county.handler).exists()
