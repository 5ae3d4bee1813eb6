"""What may be shown without a reason."""

import pytest

from opinion.contacts.masking import blank_numbers, mask_address, mask_email, mask_name, mask_phone


@pytest.mark.parametrize(("name", "masked"), [("张三", "张*"), ("欧阳娜娜", "欧***"), ("张", "*"), ("", "")])
def test_name(name, masked):
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13812341234", "138****1234"),
        ("057712345678", "057*****5678"),
        ("87654321", "******21"),
        ("110", "***"),
        ("", ""),
    ],
)
def test_phone(phone, masked):
    assert mask_phone(phone) == masked


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("云溪县东浦街道桂花路3号2单元", "云溪县东浦街道***"),
        ("西禾镇", "西禾镇"),
        ("西禾镇柳树村12号", "西禾镇***"),
        ("桂花路3号", "桂花路***"),
        ("云溪县某小区", "云溪县***"),
        ("三号楼二单元", "***"),
        ("", ""),
    ],
)
def test_address(address, masked):
    assert mask_address(address) == masked


def test_email():
    assert (mask_email("he@example.org"), mask_email("")) == ("h***@example.org", "")


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("请联系13800005678何女士", "请联系138****5678何女士"),
        ("电话 138 0000 5678", "电话 138******5678"),
        ("电话１３８００００５６７８", "电话138****5678"),
        ("座机0577-87654321", "座机057******4321"),
        ("身份证330102199003071234", "身份证330***********1234"),
        ("身份证33010219900307123X", "身份证330***********123X"),
        ("邮箱he@example.org收", "邮箱h***@example.org收"),
        ("2026年11月24日3号楼501室", "2026年11月24日3号楼501室"),
        ("工单号20261124138000056789999", "工单号20261124138000056789999"),
        ("楼道积水", "楼道积水"),
    ],
)
def test_numbers_in_titles(text, blanked):
    assert blank_numbers(text) == blanked


def test_own_name_in_titles():
    assert blank_numbers("何晓枫反映楼道积水", name="何晓枫") == "何**反映楼道积水"
    assert blank_numbers("何处投诉", name="何") == "何处投诉"
