"""PINs: equal to CMAC from another implementation, the same one by one and in arrays, read as people type them."""

import numpy as np
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from codegen.cipher import COUNTER_MAX, EPOCH_MAX, EpochKeys, SerialCipher
from codegen.print_packages.guarding import pins
from codegen.print_packages.guarding.block_macs import BlockMac

KEYS = EpochKeys.derive(bytes(range(32)))


def cmac(key: bytes, message: bytes) -> bytes:
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_a_block_mac_is_cmac(key: bytes, message: bytes) -> None:
    assert BlockMac(key).of(message) == cmac(key, message)


@given(st.integers(0, EPOCH_MAX), st.integers(0, COUNTER_MAX))
def test_a_pin_is_the_cmac_of_the_counter_under_its_own_key(epoch: int, n: int) -> None:
    tag = cmac(KEYS.pin, b"OM" + bytes((1, epoch)) + bytes(7) + n.to_bytes(5))
    assert pins.pin_of(SerialCipher(epoch, KEYS), n) == f"{int.from_bytes(tag[:8]) % 10**6:06d}"


def test_arrays_have_the_pins_of_their_counters_over_several_blocks() -> None:
    cipher = SerialCipher(3, KEYS)
    counters = np.arange(70_000, dtype=np.uint64)
    found = pins.of_counters(cipher, counters)
    assert found.shape == (70_000, 6)
    for n in (0, 1, 32_767, 32_768, 65_536, 69_999):
        assert found[n].tobytes().decode() == pins.pin_of(cipher, n)
    assert 60_000 < len({row.tobytes() for row in found}) < 70_000


def test_a_pin_is_read_as_people_type_it() -> None:
    cipher = SerialCipher(0, KEYS)
    pin = pins.pin_of(cipher, 7)
    assert pins.agrees(cipher, 7, pin)
    assert pins.agrees(cipher, 7, f" {pin[:3]} {pin[3:]}".translate({ord(str(d)): chr(0xFF10 + d) for d in range(10)}))
    assert not pins.agrees(cipher, 7, f"{(int(pin) + 1) % 10**6:06d}")
    assert not pins.agrees(cipher, 7, pin[:5])
    assert not pins.agrees(cipher, 7, "茶")
