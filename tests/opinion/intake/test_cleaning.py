import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opinion.intake.cleaning import clean_line, clean_paragraphs
from tests.opinion.intake.files import wide


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("路灯坏了，请修。", "路灯坏了，请修。"),
        ("\n\t\t\t\t\t\n\t\t\t\t\t路灯坏了", "路灯坏了"),
        ("\u3000\u3000第一段\r\n\r\n\u3000\u3000第二段\r第三段 ", "第一段\n第二段\n第三段"),
        ("甲\u00a0\u00a0乙\u3000丙\t丁", "甲 乙 丙 丁"),
        ("甲  乙", "甲 乙"),
        ("\ufeff甲\u200b乙\u2060丙\u00ad丁", "甲乙丙丁"),
        ("甲\x07乙\x1b丙\x7f丁\x85戊", "甲乙丙丁\n戊"),
        ("\u202e反过来\u202c", "反过来"),
        (wide("ABC123=()"), wide("ABC123=()")),
        ("e\u0301", "\u00e9"),
        ("甲\u200d乙\u200c", "甲乙"),
        ("👨\u200d👩\u200d👧 一家", "👨\u200d👩\u200d👧 一家"),
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648"),
        ("\u200b \u3000\n", ""),
        ("", ""),
    ],
)
def test_clean_paragraphs_changes_only_white_space_and_the_invisible(written, kept):
    assert clean_paragraphs(written) == (kept, False)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("甲\x00乙", "甲乙"),
        ("甲\ud800乙", "甲乙"),
        ("甲\ufffd乙", "甲\ufffd乙"),
        ("甲\ufffd\n乙\x00", "甲\ufffd\n乙"),
        ("\x00", ""),
    ],
)
def test_clean_paragraphs_says_when_characters_were_lost(written, kept):
    assert clean_paragraphs(written) == (kept, True)


def test_clean_line_has_one_line():
    assert clean_line("\n甲\r\n\t乙 ") == ("甲 乙", False)


# Every code point, with those that matter here far more often than chance would have them.
texts = st.text(
    st.one_of(st.characters(), st.sampled_from("\x00\t\r\n \u3000\u00a0\u200b\u200d\ufeff\ud800\u0301甲é")),
    max_size=60,
)


@given(texts)
def test_clean_text_can_be_stored_and_is_stable(text):
    clean, _ = clean_paragraphs(text)
    assert "\x00" not in clean
    clean.encode("utf-8")
    assert unicodedata.is_normalized("NFC", clean)
    assert clean == "\n".join(" ".join(line.split()) for line in clean.splitlines() if line.strip())
    assert clean_paragraphs(clean)[0] == clean


@given(texts)
def test_clean_text_loses_no_visible_character(text):
    def visible(value):
        return [
            c
            for c in unicodedata.normalize("NFC", value)
            if unicodedata.category(c)[0] in "LNPS" and c != "\ufffd"
        ]

    clean, _ = clean_paragraphs(text)
    # Marks may compose with a letter once the invisible character between them is gone.
    assert [unicodedata.normalize("NFD", c)[0] for c in visible(clean)] == [
        unicodedata.normalize("NFD", c)[0] for c in visible(text)
    ]
