"""A new key-encryption key: all brands or none, and every printed code stays good."""

import pytest
from sqlalchemy import text

from codegen import audit
from codegen.audit import Action
from codegen.keys import keyring, rewrapping
from codegen.keys.keyring import KekMismatch
from codegen.keys.kms import LocalKms, WrongKey
from kit.db import transaction
from tests.codegen.conftest import KEK, NOW, new_brand
from tests.conftest import Database

NEW_KEK = bytes(range(96, 128))


def test_every_brand_is_rewrapped_and_its_codes_stay_good(fresh_database: Database) -> None:
    engine = fresh_database.app_engine
    tea, oil = new_brand(fresh_database), new_brand(fresh_database)
    with transaction(engine, tenant_id=oil.tenant_id) as session:
        keyring.open_epoch(session, tenant_id=oil.tenant_id, kek=KEK, now=NOW)
        printed = keyring.cipher(session, tenant_id=oil.tenant_id, epoch=1, kek=KEK).serial_of(5)
    with transaction(engine, tenant_id=None) as session:
        done = rewrapping.rewrap(session, old=KEK, new=NEW_KEK, now=NOW, actor="alice")
    with transaction(engine, tenant_id=None) as session:
        again = rewrapping.rewrap(session, old=KEK, new=NEW_KEK, now=NOW, actor="alice")
    with transaction(engine, tenant_id=oil.tenant_id) as session:
        ring = keyring.epochs(session, tenant_id=oil.tenant_id, kek=NEW_KEK)
        lines = audit.of_keys(session, tenant_id=oil.tenant_id)
        with pytest.raises(KekMismatch):
            keyring.cipher(session, tenant_id=oil.tenant_id, epoch=1, kek=KEK)
    with transaction(engine, tenant_id=tea.tenant_id) as session:
        assert set(keyring.epochs(session, tenant_id=tea.tenant_id, kek=LocalKms(NEW_KEK))) == {0}
    assert (done.brands, done.epochs, again.epochs) == (2, 3, 0)
    assert ring[1].cipher.counter_of(printed) == 5
    assert lines[-1].action is Action.EPOCHS_REWRAPPED
    assert dict(lines[-1].facts) == {"epochs": [0, 1], "kek_id": keyring.kek_id(NEW_KEK)}


def test_one_epoch_that_cannot_be_opened_leaves_all_as_they_were(fresh_database: Database) -> None:
    engine = fresh_database.app_engine
    tea, oil = new_brand(fresh_database), new_brand(fresh_database)
    with transaction(engine, tenant_id=oil.tenant_id) as session:
        session.execute(text("UPDATE key_epoch SET kek_id = 'stranger'"))
    with pytest.raises(KekMismatch), transaction(engine, tenant_id=None) as session:
        rewrapping.rewrap(session, old=KEK, new=NEW_KEK, now=NOW, actor="alice")
    with transaction(engine, tenant_id=tea.tenant_id) as session:
        assert set(keyring.epochs(session, tenant_id=tea.tenant_id, kek=KEK)) == {0}


def test_a_keeper_names_its_key_and_keeps_it_out_of_logs() -> None:
    keeper = LocalKms(KEK)
    assert keeper.key_id == keyring.kek_id(KEK)
    assert "kek" not in repr(keeper)
    assert keeper.unwrap(keeper.wrap(bytes(32))) == bytes(32)
    with pytest.raises(WrongKey):
        LocalKms(NEW_KEK).unwrap(keeper.wrap(bytes(32)))
