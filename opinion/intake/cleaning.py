"""Take out of a text what its writer never typed; leave every visible character alone.

White space, line ends and control characters are put in order and the result is NFC. Nothing is folded
(full-width stays full-width): it is what the person wrote.
"""

import re
from unicodedata import is_normalized, normalize

_LOST = re.compile("[\x00\ud800-\udfff\ufffe\uffff\ufffd]")
"""NUL and half characters cannot be stored; U+FFFD says something was lost before it reached us."""

# Controls, zero-width space and word joiner, byte order marks, soft hyphens, bidirectional overrides (they
# make text read differently from what is stored), interlinear marks.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060-\u2064\u202a-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufffe\uffff]"
)
# Joiners mean something inside emoji and in Arabic, Mongolian or Indic script; beside Latin letters, Chinese
# characters or the edge of the text they are copying debris.
_PLAIN_NEIGHBOUR = "\x00-\u024f\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_STRAY_JOINER = re.compile(
    f"(?:(?<=[{_PLAIN_NEIGHBOUR}])|^)[\u200c\u200d]+|[\u200c\u200d]+(?=[{_PLAIN_NEIGHBOUR}]|$)", re.MULTILINE
)


def clean_paragraphs(text: str) -> tuple[str, bool]:
    """(clean text, whether characters were lost). Paragraphs are kept, one line each, none empty.

    Runs of white space of any kind inside a line become one space. Text that is clean already
    passes two C-speed checks and is returned as it is.
    """
    if text.isprintable():
        # One character is looked for ten times faster than two, and Chinese text mostly has no space.
        if " " in text and ("  " in text or text[0] == " " or text[-1] == " "):
            text = " ".join(text.split())
    else:
        text = _tidy_lines(text)
        if not text.replace("\n", "").isprintable():
            lost = _LOST.search(text) is not None
            return _nfc(_tidy_lines(_STRAY_JOINER.sub("", _INVISIBLE.sub("", text)))), lost
    return text if is_normalized("NFC", text) else normalize("NFC", text), "\ufffd" in text


def clean_line(text: str) -> tuple[str, bool]:
    """As `clean_paragraphs`, with line ends turned into spaces."""
    clean, lost = clean_paragraphs(text)
    return clean.replace("\n", " ") if "\n" in clean else clean, lost


def _tidy_lines(text: str) -> str:
    lines = []
    for line in text.splitlines():
        tidy = line.strip()
        if not tidy.isprintable() or (" " in tidy and "  " in tidy):
            tidy = " ".join(tidy.split())
        if tidy:
            lines.append(tidy)
    return "\n".join(lines)


def _nfc(text: str) -> str:
    return text if is_normalized("NFC", text) else normalize("NFC", text)
