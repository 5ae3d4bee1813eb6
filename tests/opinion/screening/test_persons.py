"""Whether a text names one certain person."""

import pytest

from opinion.contacts.book import Person
from opinion.screening.folding import Reading
from opinion.screening.persons import found_of

PERSON = Person("何晓枫", "13800005678", "云溪县东浦街道桂花路3号2单元501室", "he@example.org")


def codes(text, person=PERSON, *, own=True):
    return [each.code for each in found_of(Reading(text), person, own=own)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("何晓枫您好", ["own_name"]),
        ("何 晓·枫您好", ["own_name"]),
        ("何\u200b晓枫", ["own_name"]),
        ("致电13800005678", ["own_phone"]),
        ("致电 138-0000-5678", ["own_phone"]),
        ("尾号00005678", ["own_phone"]),
        ("一三八零零零零五六七八", ["own_phone"]),
        ("到桂花路3号2单元查看", ["own_address"]),
        ("到桂花路 3号-2单元-501室查看", ["own_address"]),
        ("发至HE@example.org", ["own_email"]),
        ("桂花路3号的积水已清理", []),
        ("东浦街道已安排清理", []),
        ("何先生您好", []),
    ],
)
def test_own_details_are_found_however_they_are_written(text, found):
    assert codes(text) == found


def test_another_persons_details_are_called_so():
    assert codes("何晓枫、13800005678", own=False) == ["other_name", "other_phone"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("“高兴”您好", "own_name"),
        ("高兴先生反映", "own_name"),
        ("反映人为高兴", "own_name"),
        ("我们高兴地告知您", "own_name_maybe"),
    ],
)
def test_a_name_of_two_characters_may_be_a_word(text, code):
    assert codes(text, Person("高兴")) == [code]


def test_names_that_name_nobody_are_not_looked_for():
    assert codes("网友您好，热心市民", Person("网友")) == []
    assert codes("张", Person("张")) == []


def test_a_building_is_no_home_and_a_village_house_is():
    assert codes("锦云苑5栋已恢复供水", Person(address="云溪县锦云苑5栋")) == []
    assert codes("已到柳岸村12号查看", Person(address="云溪县西禾镇柳岸村12号")) == ["own_address"]


def test_what_is_shown_is_masked():
    shown = {each.shown for each in found_of(Reading("何晓枫13800005678"), PERSON, own=True)}
    assert shown == {"何**", "138****5678"}
