"""Sealed texts, keys and their rotation."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st

from opinion.contacts.book import Person, opened, sealed
from opinion.contacts.rotating import rotate
from opinion.contacts.sealing import SealBroken, index_of, key_of, keyring, seal, unseal
from opinion.models import Contact

OLD = "k1:" + base64.b64encode(b"1" * 32).decode()
NEW = "k2:" + base64.b64encode(b"2" * 32).decode()
INDEX = base64.b64encode(b"3" * 32).decode()


@pytest.fixture(autouse=True)
def keys(settings):
    settings.HUIYIN_CONTACT_KEYS, settings.HUIYIN_INDEX_KEY = OLD, INDEX


@given(st.text(min_size=1))
def test_unseal_gives_back_what_was_sealed(text):
    envelope = seal(text, case_id=7, field="name")
    assert unseal(envelope, case_id=7, field="name") == text
    assert text not in envelope or len(text) < 3


def test_envelope_names_version_and_key():
    version, key, box = seal("何晓枫", case_id=7, field="name").split(".")
    assert (version, key) == ("v1", "k1")
    assert len(base64.b64decode(box)) == 12 + len("何晓枫".encode()) + 16


def test_equal_texts_are_sealed_differently():
    assert seal("何晓枫", case_id=7, field="name") != seal("何晓枫", case_id=7, field="name")


def test_empty_stays_empty():
    assert (seal("", case_id=7, field="name"), unseal("", case_id=7, field="name")) == ("", "")
    assert (key_of(""), index_of("")) == ("", "")


@pytest.mark.parametrize(("case_id", "field"), [(8, "name"), (7, "phone")])
def test_a_sealed_text_cannot_be_moved(case_id, field):
    with pytest.raises(SealBroken, match="不属于本案本栏"):
        unseal(seal("何晓枫", case_id=7, field="name"), case_id=case_id, field=field)


@pytest.mark.parametrize("spoil", [lambda s: s[:-8] + "AAAAAAA=", lambda s: s + "*", lambda s: s[:7]])
def test_a_damaged_text_is_refused(spoil):
    with pytest.raises(SealBroken, match="已损坏"):
        unseal(spoil(seal("何晓枫", case_id=7, field="name")), case_id=7, field="name")


def test_a_lost_key_is_named(settings):
    envelope = seal("何晓枫", case_id=7, field="name")
    settings.HUIYIN_CONTACT_KEYS = NEW
    with pytest.raises(SealBroken, match="没有密钥 k1"):
        unseal(envelope, case_id=7, field="name")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "没有设置"),
        ("k1", "不是 base64|应为 32 字节"),
        ("k1:@@", "不是 base64"),
        ("k1:" + base64.b64encode(b"short").decode(), "应为 32 字节，现为 5 字节"),
        (f"{OLD},{OLD}", "编号不能重复"),
        (":" + OLD, "应写成"),
    ],
)
def test_wrong_keys_say_what_is_wrong(settings, text, reason):
    settings.HUIYIN_CONTACT_KEYS = text
    with pytest.raises(ImproperlyConfigured, match=reason):
        keyring()


def test_index_is_keyed_and_equal_for_equal_numbers(settings):
    index = index_of("13800005678")
    assert index == index_of("13800005678")
    assert index != index_of("13800005679")
    settings.HUIYIN_INDEX_KEY = base64.b64encode(b"4" * 32).decode()
    assert index != index_of("13800005678")


def test_rotation_reseals_everything_once(county, at, settings):
    person = Person("何晓枫", "13800005678", "", "he@example.org")
    contacts = [Contact.objects.get(case=county.register(at, person=person)) for _ in range(5)]
    settings.HUIYIN_CONTACT_KEYS = f"{NEW},{OLD}"
    assert rotate(batch=2) == 5
    assert rotate(batch=2) == 0
    settings.HUIYIN_CONTACT_KEYS = NEW
    for contact in contacts:
        fresh = Contact.objects.get(pk=contact.pk)
        assert opened(fresh) == person
        assert fresh.address == ""
        assert fresh.phone_index == contact.phone_index


def test_rotation_command_says_what_it_did(county, at, settings, capsys):
    county.register(at)
    settings.HUIYIN_CONTACT_KEYS = f"{NEW},{OLD}"
    call_command("rotate_contact_keys")
    assert capsys.readouterr().out == "已用密钥 k2 重新加密 1 份联系人\n"
    settings.HUIYIN_CONTACT_KEYS = OLD
    with pytest.raises(CommandError, match="没有密钥 k2"):
        call_command("rotate_contact_keys")


def test_an_absent_person_is_false():
    assert not Person()
    assert Person(email="a@b.c")
    assert sealed(7, Person(phone="123456")).name == ""
