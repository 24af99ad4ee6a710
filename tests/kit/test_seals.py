import pytest
from cryptography.exceptions import InvalidTag

from kit import seals

SECRET = bytes(range(32))


def test_keys_of_two_purposes_differ_and_stay_the_same() -> None:
    assert seals.derive(SECRET, "one") == seals.derive(SECRET, "one") != seals.derive(SECRET, "two")


def test_a_sealed_value_opens_with_its_key_and_context_alone() -> None:
    sealed = seals.seal(SECRET, b"+8613800138000", context=b"tenant 1")
    assert b"138" not in sealed
    assert seals.unseal(SECRET, sealed, context=b"tenant 1") == b"+8613800138000"
    for key, context in ((SECRET[::-1], b"tenant 1"), (SECRET, b"tenant 2")):
        with pytest.raises(InvalidTag):
            seals.unseal(key, sealed, context=context)


def test_sealing_twice_never_gives_the_same_bytes() -> None:
    assert seals.seal(SECRET, b"x", context=b"") != seals.seal(SECRET, b"x", context=b"")


def test_a_keyed_hash_depends_on_key_and_value() -> None:
    hashes = {
        seals.keyed_hash(SECRET, b"a", size_bytes=8),
        seals.keyed_hash(SECRET, b"b", size_bytes=8),
        seals.keyed_hash(SECRET[::-1], b"a", size_bytes=8),
    }
    assert {len(one) for one in hashes} == {8}
    assert len(hashes) == 3
