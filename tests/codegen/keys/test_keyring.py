"""The key ring: wrapped masters, one open epoch, and a clear answer to the wrong key."""

import pytest
from sqlalchemy import text

from codegen import orders
from codegen.brands import Brand
from codegen.keys import keyring
from codegen.keys.keyring import EpochDamaged, EpochUnknown, KekMismatch
from kit.db import transaction
from tests.codegen.conftest import KEK, NOW, Inside, ordered
from tests.conftest import Database


def test_a_master_is_at_rest_only_under_the_key_encryption_key(inside: Inside, tea: Brand) -> None:
    with inside() as session:
        row = session.execute(text("SELECT wrapped_master, kek_id FROM key_epoch")).one()
        opened = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
    assert len(row.wrapped_master) == 40
    assert row.kek_id == keyring.kek_id(KEK)
    assert opened.counter_of(opened.serial_of(7)) == 7


def test_one_brand_does_not_accept_the_codes_of_another(inside: Inside, database: Database, tea: Brand, rival: Brand) -> None:
    with inside() as session:
        ours = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)
    with transaction(database.app_engine, tenant_id=rival.tenant_id) as session:
        theirs = keyring.cipher(session, tenant_id=rival.tenant_id, epoch=0, kek=KEK)
    assert theirs.counter_of(ours.serial_of(1)) is None


def test_another_key_encryption_key_is_named_and_is_no_forgery(inside: Inside, tea: Brand) -> None:
    with inside() as session, pytest.raises(KekMismatch) as refused:
        keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=bytes(32))
    assert refused.value.status == 503
    assert refused.value.data == {"epoch": 0, "wrapped_with": keyring.kek_id(KEK), "given": keyring.kek_id(bytes(32))}


def test_a_damaged_master_is_said_to_be_damaged(inside: Inside, tea: Brand) -> None:
    with inside() as session:
        session.execute(
            text("UPDATE key_epoch SET wrapped_master = set_byte(wrapped_master, 3, get_byte(wrapped_master, 3) # 1)")
        )
        with pytest.raises(EpochDamaged):
            keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK)


def test_an_epoch_that_was_never_opened_is_unknown(inside: Inside, tea: Brand) -> None:
    with inside() as session, pytest.raises(EpochUnknown):
        keyring.cipher(session, tenant_id=tea.tenant_id, epoch=5, kek=KEK)


def test_the_next_epoch_closes_the_last_one_and_keeps_its_codes_good(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        before = ordered(session, tea, gtin, quantity=10)
        printed = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK).serial_of(before.first_counter)
    with inside() as session:
        assert keyring.open_epoch(session, tenant_id=tea.tenant_id, kek=KEK, now=NOW) == 1
    with inside() as session:
        after = ordered(session, tea, gtin, quantity=10, request_id="r2")
        ring = keyring.epochs(session, tenant_id=tea.tenant_id, kek=KEK)
        found = orders.at(session, tenant_id=tea.tenant_id, epoch=0, counter=before.first_counter)
    assert (after.epoch, after.first_counter) == (1, 0)
    assert {number: epoch.state for number, epoch in ring.items()} == {0: "closed", 1: "open"}
    assert ring[0].cipher.counter_of(printed) == before.first_counter
    assert found == before
    assert ring[1].next_counter == 10
