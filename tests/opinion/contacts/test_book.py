"""What is kept, shown and revealed."""

import pytest

from opinion.contacts.book import Person, reveal, shown
from opinion.models import Contact
from tests.factories.world import PERSON
from workflows.errors import Cannot, MayNot
from workflows.models import Note


def test_the_table_holds_nothing_readable(county, at):
    county.register(at)
    row = str(Contact.objects.values().get())
    assert not any(part in row for part in ("何晓枫", "5678", "桂花路", "example"))


def test_pages_show_a_mask(county, at):
    assert shown(county.register(at)) == Person(
        "何**", "138****5678", "云溪县东浦街道***", "h***@example.org"
    )
    assert shown(county.register(at, person=Person())) == Person()


def test_a_reveal_is_in_the_log_with_its_reason(county, at):
    case = county.walk("handling", at)
    assert reveal(case, by=county.handler, reason="联系留言人核实", at=at) == PERSON
    event = case.events.get(name="contact.revealed")
    assert (event.actor, event.source, event.target) == (county.handler, "handling", "handling")
    note = Note.objects.get(case=case, seq=event.seq)
    assert (note.kind, note.text) == ("reason", "联系留言人核实")


@pytest.mark.parametrize(
    "name", ["other_handler", "reviewer", "supervisor", "leader", "sysadmin", "exporter"]
)
def test_others_may_not_look(county, at, name):
    case = county.walk("handling", at)
    with pytest.raises(MayNot):
        reveal(case, by=getattr(county, name), reason="看看", at=at)
    assert not case.events.filter(name="contact.revealed").exists()


def test_nothing_to_reveal(county, at):
    case = county.register(at, person=Person())
    with pytest.raises(Cannot, match="没有留下联系方式"):
        reveal(case, by=county.clerk, reason="联系", at=at)
