"""Keep text from being run as a formula by the program that opens an exported table."""

# ASCII triggers as OWASP lists them for CSV injection; the full-width forms start a formula
# in spreadsheet programs that fold width on entry.
_TRIGGERS = frozenset("=+-@\t\r\n＝＋－＠")


def escape_formula(text: str) -> str:
    """Return `text`, prefixed with an apostrophe if a spreadsheet could take it for a formula.

    White space before the trigger counts too, because some programs trim it on opening.
    Text that needs nothing is returned unchanged (the same object).
    """
    if not text:
        return text
    first = text[0]
    if first in _TRIGGERS:
        return "'" + text
    # U+FEFF and U+200B are invisible and not white space to Python, yet programs drop them.
    if not first.isspace() and first not in "\ufeff\u200b":
        return text
    rest = text.lstrip(" \t\r\n\f\v\u00a0\u3000\ufeff\u200b")
    return "'" + text if rest and rest[0] in _TRIGGERS else text
