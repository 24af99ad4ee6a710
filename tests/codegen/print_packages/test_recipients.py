"""Recipients: names that stay, locks that are checked, passphrases that do not lie open."""

import pytest
from sqlalchemy import text

from codegen.brands import Brand
from codegen.print_packages.guarding import recipients
from codegen.print_packages.guarding.sealed_files import RecipientKeyMalformed
from tests.codegen.conftest import KEK, NOW, Inside
from tests.codegen.packaging import PASSPHRASE
from tests.codegen.print_packages.test_sealed_files import PUBLIC


def add(inside: Inside, tea: Brand, name: str, **more: str) -> recipients.Recipient:
    with inside() as session:
        return recipients.add(session, tenant_id=tea.tenant_id, name=name, kek=KEK, now=NOW, actor="alice", **more)


def test_recipients_are_listed_with_their_locks(inside: Inside, tea: Brand) -> None:
    add(inside, tea, "瓶盖厂", contact="caps@example.com", passphrase=PASSPHRASE)
    add(inside, tea, "Anna", public_key=PUBLIC)
    add(inside, tea, "Bert")
    with inside() as session:
        found = recipients.listing(session, tenant_id=tea.tenant_id)
        stored = session.execute(text("SELECT passphrase_sealed FROM package_recipient WHERE name = '瓶盖厂'")).scalar_one()
    assert [(one.name, one.lock) for one in found] == [("Anna", "x25519"), ("Bert", ""), ("瓶盖厂", "passphrase")]
    assert PASSPHRASE.encode() not in stored


def test_adding_the_same_again_is_fine_and_another_under_the_name_is_refused(inside: Inside, tea: Brand) -> None:
    first = add(inside, tea, "Anna", passphrase=PASSPHRASE)
    assert add(inside, tea, "Anna", passphrase=PASSPHRASE) == first
    for other in ({}, {"passphrase": "another passphrase"}, {"public_key": PUBLIC}, {"passphrase": PASSPHRASE, "contact": "x"}):
        with pytest.raises(recipients.RecipientDiffers):
            add(inside, tea, "Anna", **other)


def test_what_is_no_recipient_is_refused(inside: Inside, tea: Brand) -> None:
    for name in ("", " Anna", "An\nna", "A" * 81):
        with pytest.raises(recipients.RecipientMalformed):
            add(inside, tea, name)
    with pytest.raises(recipients.PassphraseTooShort):
        add(inside, tea, "Anna", passphrase="short")
    with pytest.raises(recipients.TwoLocks):
        add(inside, tea, "Anna", passphrase=PASSPHRASE, public_key=PUBLIC)
    with pytest.raises(RecipientKeyMalformed):
        add(inside, tea, "Anna", public_key="key")
    with inside() as session, pytest.raises(recipients.RecipientUnknown):
        recipients.find(session, tenant_id=tea.tenant_id, name="Anna")
