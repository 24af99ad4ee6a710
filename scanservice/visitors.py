"""Who scans: the client's address, the visitor behind it, and the network that a household shares. All of it keyed hashes.

Promises: a visitor is the cookie, else the id that the client gives itself, else address and user agent, and another brand
sees another visitor; only addresses of configured proxies are believed when they say for whom they ask. Refused: to make a
household of the loopback address, behind which stands a proxy or a developer and never a home.
"""

import base64
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from kit import chance, seals
from scanservice.hot.state import NETWORK_BYTES, NETWORK_NONE

COOKIE: Final = "om_v"
COOKIE_DAYS: Final = 365
COOKIE_RANDOM_BYTES: Final = 16
VISITOR_BYTES: Final = 8
VISITOR_PURPOSE: Final = "onemark/visitor"
NETWORK_PURPOSE: Final = "onemark/network"
NETWORK_BITS: Final = {4: 24, 6: 56}
IPV4_BYTES: Final = 4
FORWARDED_HOPS_MAX: Final = 20
ADDRESSES_KEPT: Final = 1 << 16

_COOKIE_SHAPE: Final = re.compile(rb"(?:^|;\s*)om_v=([A-Za-z0-9_-]{22})(?:;|$)")

_cookies: Final = chance.Drawn(COOKIE_RANDOM_BYTES, lambda drawn: base64.urlsafe_b64encode(drawn).rstrip(b"="))

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An IP address, packed; `block` is its /24 or /56, packed, and empty for loopback."""

    packed: bytes
    block: bytes

    @property
    def share(self) -> bytes:
        """Whose share of a limit it counts to: an IPv4 address, or the network that a customer has of IPv6."""
        return self.packed if len(self.packed) == IPV4_BYTES else self.block or self.packed


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    visitor: bytes
    network: bytes

    @classmethod
    def of(cls, secret: bytes) -> "Keys":
        return cls(visitor=seals.derive(secret, VISITOR_PURPOSE), network=seals.derive(secret, NETWORK_PURPOSE))


NOWHERE: Final = Address(packed=b"", block=b"")


@lru_cache(maxsize=ADDRESSES_KEPT)
def address(text: str) -> Address:
    """An address as text; IPv4 inside IPv6 counts as IPv4. What cannot be read is nowhere, not an error: a scan is answered anyway."""
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return NOWHERE
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if parsed.is_loopback:
        return Address(packed=parsed.packed, block=b"")
    return Address(packed=parsed.packed, block=parsed.packed[: NETWORK_BITS[parsed.version] // 8])


def proxies(networks: Sequence[str]) -> tuple[IpNetwork, ...]:
    return tuple(ipaddress.ip_network(network, strict=False) for network in networks)


def is_proxy(peer: str, trusted: Sequence[IpNetwork]) -> bool:
    if not trusted:
        return False
    try:
        parsed = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)


def forwarded_for(header: str, trusted: Sequence[IpNetwork], *, peer: str) -> str:
    """The last address in X-Forwarded-For that no trusted proxy answers for; what stands left of it anybody could have written."""
    for hop in reversed(header.split(",")[-FORWARDED_HOPS_MAX:]):
        named = hop.strip()
        if not is_proxy(named, trusted):
            return named
        peer = named
    return peer


def new_cookie() -> bytes:
    return _cookies.take()


def cookie_of(header: bytes) -> bytes | None:
    """The visitor cookie, where it has the shape that we give it."""
    found = _COOKIE_SHAPE.search(header)
    return None if found is None else found[1]


def by_cookie(keys: Keys, *, tenant_id: int, cookie: bytes) -> bytes:
    return _visitor(keys, tenant_id, b"c" + cookie)


def by_client_id(keys: Keys, *, tenant_id: int, client_id: str, vouched: bool) -> bytes:
    """`vouched`: by an API key. What anybody says without one is never the same visitor: ids of users are often easy to guess."""
    return _visitor(keys, tenant_id, (b"i" if vouched else b"u") + client_id.encode())


def by_address(keys: Keys, *, tenant_id: int, address: Address, user_agent: bytes) -> bytes:
    return _by_address(
        keys.visitor, tenant_id.to_bytes(8, "big") + b"a" + bytes([len(address.packed)]) + address.packed + user_agent
    )


def network_of(keys: Keys, address: Address) -> bytes:
    if not address.block:
        return NETWORK_NONE
    return _network(keys.network, address.block)


@lru_cache(maxsize=ADDRESSES_KEPT)
def _network(key: bytes, block: bytes) -> bytes:
    hashed = seals.keyed_hash(key, block, size_bytes=NETWORK_BYTES)
    return hashed if hashed != NETWORK_NONE else b"\x00\x00\x01"


@lru_cache(maxsize=ADDRESSES_KEPT)
def _by_address(key: bytes, value: bytes) -> bytes:
    """A program asks many times from one address; a phone has a cookie of its own, which is not worth remembering."""
    return seals.keyed_hash(key, value, size_bytes=VISITOR_BYTES)


def _visitor(keys: Keys, tenant_id: int, value: bytes) -> bytes:
    return seals.keyed_hash(keys.visitor, tenant_id.to_bytes(8, "big") + value, size_bytes=VISITOR_BYTES)
