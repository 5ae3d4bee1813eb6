import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinion.intake.phones import LOOKS_WRONG, SCIENTIFIC, Phone, is_plain_mobile, normalise_phone
from tests.opinion.intake.files import wide


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("13800000000", "13800000000"),
        ("138-0000-0000", "13800000000"),
        ("138 0000 0000", "13800000000"),
        ("+86 138 0000 0000", "13800000000"),
        ("(+86)13800000000", "13800000000"),
        ("0086-13800000000", "13800000000"),
        ("8613800000000", "13800000000"),
        (wide("13800000000"), "13800000000"),
        ("0351-1234567", "03511234567"),
        ("(0351) 1234567", "03511234567"),
        ("010－12345678", "01012345678"),
        ("+86 351 1234567", "03511234567"),
        ("0351-1234567转801", "03511234567转801"),
        ("0351-1234567 ext 801", "03511234567转801"),
        ("1234567", "1234567"),
        ("400-123-4567", "4001234567"),
        ("12345", "12345"),
    ],
)
def test_phone_has_one_form(written, number):
    assert normalise_phone(written) == Phone(number, None)


@pytest.mark.parametrize(
    "written", ["1380000000", "12800000000", "138000000001", "无", "13800000000/13900000000", "1"]
)
def test_phone_that_looks_wrong_is_kept_with_a_doubt(written):
    assert normalise_phone(written) == Phone(written, LOOKS_WRONG)


def test_phone_in_scientific_notation_says_what_happened():
    assert normalise_phone("1.38E+10") == Phone("1.38E+10", SCIENTIFIC)


@given(st.text(max_size=20))
def test_plain_mobile_needs_no_normalising(text):
    if is_plain_mobile(text):
        assert normalise_phone(text) == Phone(text, None)
    assert normalise_phone(text).number == normalise_phone(normalise_phone(text).number).number


def test_plain_mobile_refuses_other_digits():
    assert [
        is_plain_mobile(t) for t in ("13800000000", wide("13800000000"), "12800000000", "1380000000a")
    ] == [True, False, False, False]
