"""The address under which a consumer follows a report: brand and report with a keyed hash, so that nobody guesses another's.

Promises: needs no account and no cookie, and nothing of it is kept. Refuses whatever is not of our making.
"""

import base64
import binascii
from struct import Struct
from typing import ClassVar, Final, NamedTuple
from uuid import UUID

from kit import seals
from kit.refusals import NotFound

KEY_PURPOSE: Final = "onemark/fake-report-link"
TEXT_LENGTH_MAX: Final = 100
_MAC_BYTES: Final = 16
_BODY: Final = Struct(">Q16s")


class FollowLinkUnknown(NotFound):
    code: ClassVar[str] = "follow_link_unknown"
    says: ClassVar[str] = "There is no report under this address."


class Followed(NamedTuple):
    tenant_id: int
    report_id: UUID


def seal(followed: Followed, *, key: bytes) -> str:
    body = _BODY.pack(followed.tenant_id, followed.report_id.bytes)
    return base64.urlsafe_b64encode(body + _mac(body, key)).rstrip(b"=").decode()


def read(text: str, *, key: bytes) -> Followed:
    if len(text) > TEXT_LENGTH_MAX:
        raise FollowLinkUnknown
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise FollowLinkUnknown from error
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    if len(body) != _BODY.size or not seals.same(mac, _mac(body, key)):
        raise FollowLinkUnknown
    tenant_id, report_id = _BODY.unpack(body)
    return Followed(tenant_id, UUID(bytes=report_id))


def _mac(body: bytes, key: bytes) -> bytes:
    return seals.keyed_hash(key, body, size_bytes=_MAC_BYTES)
