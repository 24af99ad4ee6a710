"""Insiders who scan with a browser: the brand's own people, its inspectors and distributors. Their scans count as staff, never as strangers.

Promises: the cookie is a sealed statement of brand, role and end, that the web process makes at a sign-in and the edge reads without
a look-up; it opens nothing but this. Refused: cookies of others, forged and old ones; whoever brings one is a consumer, like anybody.
"""

import base64
import re
from datetime import datetime
from struct import Struct
from typing import Final

from kit import seals
from scanservice.verdicts import Role

COOKIE: Final = "om_r"
# As long as a session may live; whoever left the company scans as staff a week longer, which warns nobody and earns nothing.
COOKIE_S: Final = 7 * 24 * 3600
KEY_PURPOSE: Final = "onemark/insider"
_MAC_BYTES: Final = 16
_BODY: Final = Struct(">QIB")
_ROLES: Final = (Role.CONSUMER, Role.SHOP, Role.STAFF)
_TEXT_LENGTH: Final = 39
_SHAPE: Final = re.compile(rb"(?:^|;\s*)om_r=([A-Za-z0-9_-]{39})(?:;|$)")


def seal(role: Role, *, tenant_id: int, now: datetime, key: bytes) -> str:
    body = _BODY.pack(tenant_id, int(now.timestamp()) + COOKIE_S, _ROLES.index(role))
    return base64.urlsafe_b64encode(_mac(key, body) + body).rstrip(b"=").decode()


def role_of(cookies: bytes, *, tenant_id: int, now: datetime, key: bytes) -> Role:
    """The role that a request's cookies prove at this brand."""
    found = _SHAPE.search(cookies) if b"om_r=" in cookies else None
    if found is None:
        return Role.CONSUMER
    raw = base64.urlsafe_b64decode(found[1] + b"=" * (-_TEXT_LENGTH % 4))
    mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not seals.same(mac, _mac(key, body)):
        return Role.CONSUMER
    whose, ends_s, role = _BODY.unpack(body)
    return _ROLES[role] if whose == tenant_id and ends_s > now.timestamp() else Role.CONSUMER


def _mac(key: bytes, body: bytes) -> bytes:
    return seals.keyed_hash(key, body, size_bytes=_MAC_BYTES)
