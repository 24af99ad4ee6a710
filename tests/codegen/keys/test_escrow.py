"""Key rings in sealed files: what comes back, what is refused, and what a file alone tells."""

import json

import pytest
from sqlalchemy import text

from codegen import audit
from codegen.audit import Action
from codegen.brands import Brand
from codegen.keys import escrow, keyring
from codegen.keys.escrow import KeyFileForeign, KeyFileUnreadable, MasterDiffers, PassphraseShort
from codegen.keys.kms import LocalKms
from kit.db import transaction
from tests.codegen.conftest import KEK, NOW, Inside, ordered
from tests.conftest import Database

PASSPHRASE = "four horses under water"
NEW_KEK = bytes(range(64, 96))


@pytest.fixture(autouse=True)
def quick_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(escrow, "SCRYPT_LOG2_N", 4)


def exported(inside: Inside, tea: Brand) -> bytes:
    with inside() as session:
        return escrow.export(session, tenant_id=tea.tenant_id, kek=KEK, passphrase=PASSPHRASE, now=NOW, actor="alice")


def imported(inside: Inside, tea: Brand, file: bytes, *, kek: bytes = KEK, passphrase: str = PASSPHRASE) -> escrow.Imported:
    with inside() as session:
        return escrow.import_(session, file, tenant_id=tea.tenant_id, kek=kek, passphrase=passphrase, now=NOW, actor="alice")


def test_a_ring_whose_key_is_lost_comes_back_under_another_key(inside: Inside, tea: Brand, gtin: str) -> None:
    with inside() as session:
        order = ordered(session, tea, gtin, quantity=10)
        printed = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK).serial_of(order.first_counter)
        keyring.open_epoch(session, tenant_id=tea.tenant_id, kek=KEK, now=NOW)
    file = exported(inside, tea)
    done = imported(inside, tea, file, kek=NEW_KEK)
    again = imported(inside, tea, file, kek=NEW_KEK)
    with inside() as session:
        ring = keyring.epochs(session, tenant_id=tea.tenant_id, kek=NEW_KEK)
        story = audit.of_keys(session, tenant_id=tea.tenant_id)
    assert (done.replaced, again.same) == ((0, 1), (0, 1))
    assert ring[0].cipher.counter_of(printed) == order.first_counter
    assert {number: epoch.state for number, epoch in ring.items()} == {0: "closed", 1: "closed"}
    assert [line.action for line in story][-3:] == [
        Action.EPOCHS_EXPORTED,
        Action.EPOCHS_IMPORTED,
        Action.EPOCHS_IMPORTED,
    ]


def test_an_epoch_that_a_restored_backup_lost_comes_back_closed(inside: Inside, tea: Brand) -> None:
    with inside() as session:
        keyring.open_epoch(session, tenant_id=tea.tenant_id, kek=KEK, now=NOW)
        made = keyring.cipher(session, tenant_id=tea.tenant_id, epoch=1, kek=KEK).serial_of(7)
    file = exported(inside, tea)
    with inside() as session:
        session.execute(text("UPDATE key_epoch SET epoch = 29, state = 'closed' WHERE epoch = 1"))  # as if it had never been
    done = imported(inside, tea, file)
    with inside() as session:
        found = keyring.find(session, tenant_id=tea.tenant_id, epoch=1, kek=KEK)
    assert (done.same, done.added) == ((0,), (1,))
    assert (found.state, found.cipher.counter_of(made)) == ("closed", 7)


def test_a_master_that_codes_were_issued_from_is_not_replaced(inside: Inside, tea: Brand, gtin: str) -> None:
    file = exported(inside, tea)
    other = LocalKms(KEK).wrap(bytes(32))
    with inside() as session:
        session.execute(text("UPDATE key_epoch SET wrapped_master = :other"), {"other": other})
    assert imported(inside, tea, file).replaced == (0,)
    with inside() as session:
        session.execute(text("UPDATE key_epoch SET wrapped_master = :other, state = 'open'"), {"other": other})
        ordered(session, tea, gtin, quantity=1)
    with pytest.raises(MasterDiffers):
        imported(inside, tea, file)


def test_a_revoked_epoch_stays_revoked(inside: Inside, tea: Brand) -> None:
    file = exported(inside, tea)
    with inside() as session:
        keyring.revoke(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK, reason="leaked", now=NOW, actor="alice")
    imported(inside, tea, file)
    with inside() as session:
        assert keyring.find(session, tenant_id=tea.tenant_id, epoch=0, kek=KEK).revoked


def test_a_file_tells_nothing_without_its_passphrase(inside: Inside, tea: Brand) -> None:
    file = exported(inside, tea)
    assert set(json.loads(file)) == {"format", "brand", "made_at", "scrypt_log2_n", "salt", "nonce", "sealed"}
    with pytest.raises(KeyFileUnreadable):
        imported(inside, tea, file, passphrase="four horses under wine")
    with inside() as session, pytest.raises(PassphraseShort):
        escrow.export(session, tenant_id=tea.tenant_id, kek=KEK, passphrase="horse", now=NOW, actor="alice")


@pytest.mark.parametrize(
    "change", [{"brand": "other"}, {"made_at": "2020-01-01T00:00:00Z"}, {"scrypt_log2_n": 40}, {"format": "x"}]
)
def test_a_changed_file_is_noticed(inside: Inside, tea: Brand, change: dict[str, object]) -> None:
    file = {**json.loads(exported(inside, tea)), **change}
    with pytest.raises(KeyFileUnreadable):
        imported(inside, tea, json.dumps(file).encode())
    with pytest.raises(KeyFileUnreadable):
        imported(inside, tea, b"{}")


def test_another_brands_file_is_refused(inside: Inside, database: Database, tea: Brand, rival: Brand) -> None:
    file = exported(inside, tea)
    with transaction(database.app_engine, tenant_id=rival.tenant_id) as session, pytest.raises(KeyFileForeign):
        escrow.import_(session, file, tenant_id=rival.tenant_id, kek=KEK, passphrase=PASSPHRASE, now=NOW, actor="alice")
