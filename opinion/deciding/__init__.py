"""What whoever decides has to read first: on the page of a move, above its form.

Who asked for what, when and why, is found from the log: from the event that began the approval, or by which the case
came to stand where it stands. Nothing is declared page by page. Texts are those of the case page, masked as there.
"""

from opinion.deciding.page import Deciding, deciding_on

__all__ = ["Deciding", "deciding_on"]
