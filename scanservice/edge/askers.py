"""Who asks: everything that the address and the headers of a request say, read once for as long as they stay the same.

Promises: what is remembered is what would be read again, for address and headers as a whole are the key; nothing that depends on the time,
on the catalogue or on the code is in it. Refused (None): whoever asks in an unusual way (a crawler, a prefetch, for a linkset, for JSON
among other things, or with the cookie of an insider, which has an end); what they want is for `visits` to find out.
"""

from typing import Any, Final

from kit.http_straight import Scope
from scanservice import insiders, visitors
from scanservice.edge import clients
from scanservice.edge.clients import USER_AGENT_BYTES_MAX
from scanservice.edge.http import Request
from scanservice.edge.parts import Parts, host_name, language, origin_of
from scanservice.edge.scanning import Visit, visit
from scanservice.verdicts import NO_MARKS, Role, Signature
from scanservice.visitors import Address, Keys

# A kilobyte each, four at most. Programs and the proxies before phones repeat themselves; a phone of its own seldom does.
ASKERS_KEPT: Final = 1 << 12
HEADERS_BYTES_MAX: Final = 4 << 10
_PREFETCH: Final = frozenset(clients.PREFETCH_HEADERS)
_INSIDER: Final = insiders.COOKIE.encode() + b"="


_Key = tuple[str, str, tuple[tuple[bytes, bytes], ...]]


class Asker:
    """`cookie` is the visitor's, None where there is none; `origin` is scheme and host as they were asked."""

    __slots__ = (
        "_visits",
        "address",
        "client",
        "cookie",
        "host",
        "is_program",
        "language",
        "origin",
        "secure",
        "trace",
        "user_agent",
        "whence",
    )

    def __init__(self, parts: Parts, request: Request) -> None:
        headers = request.headers
        self.user_agent: bytes = headers.get(b"user-agent", b"")[:USER_AGENT_BYTES_MAX]
        self.is_program = request.wants_json
        self.client = clients.client(self.user_agent).word
        self.language = language(headers.get(b"accept-language", b""))
        self.address: Address = request.address
        self.whence = parts.whence(self.address)
        self.cookie = visitors.cookie_of(headers.get(b"cookie", b""))
        self.host = host_name(request.host)
        self.origin = origin_of(request)
        self.secure = request.scheme == "https"
        self.trace = request.trace
        self._visits: dict[int, Visit] = {}

    def visitor(self, keys: Keys, *, tenant_id: int) -> bytes:
        """By the cookie, else by address and program."""
        if self.cookie is None:
            return visitors.by_address(keys, tenant_id=tenant_id, address=self.address, user_agent=self.user_agent)
        return visitors.by_cookie(keys, tenant_id=tenant_id, cookie=self.cookie)

    def visit(self, visitor: bytes, *, role: Role = Role.CONSUMER, signature: Signature = Signature.NONE) -> Visit:
        # By place: names cost half a microsecond, and this is made for every page.
        client = "api" if self.is_program else self.client
        return visit(
            self.is_program,
            visitor,
            self.whence,
            self.address,
            client,
            self.language,
            None,
            role,
            signature,
            NO_MARKS,
            self.trace,
        )

    def usual_visit(self, keys: Keys, *, tenant_id: int) -> Visit:
        """A consumer's, to an address without a signature: the same for each of its scans."""
        known = self._visits.get(tenant_id)
        if known is None:
            known = self._visits[tenant_id] = self.visit(self.visitor(keys, tenant_id=tenant_id))
        return known


class Askers:
    """Those who asked lately, for one edge."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._kept: dict[_Key, Asker | None] = {}
        self.forget = self._kept.clear

    def of(self, scope: Scope) -> Asker | None:
        client: Any = scope["client"]
        key = (client[0] if client else "", scope["scheme"], tuple(scope["headers"]))
        try:
            return self._kept[key]
        except KeyError:
            found = self._read(*key)
        if sum(len(name) + len(value) for name, value in key[2]) <= HEADERS_BYTES_MAX:
            if len(self._kept) >= ASKERS_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = found
        return found

    def _read(self, peer: str, scheme: str, headers: tuple[tuple[bytes, bytes], ...]) -> Asker | None:
        scope: Scope = {
            "client": (peer, 0),
            "scheme": scheme,
            "headers": headers,
            "method": "GET",
            "raw_path": b"",
            "query_string": b"",
        }
        request = Request(scope, trusted=self._parts.trusted)
        if (
            not _PREFETCH.isdisjoint(request.headers)
            or b"linkset" in request.accept
            or (request.wants_json and not clients.is_on_purpose(request.accept))
            or _INSIDER in request.headers.get(b"cookie", b"")
            # Refused by the protocol where it is not answered straight.
            or sum(name == b"host" for name, _ in headers) > 1
        ):
            return None
        if not clients.client(request.headers.get(b"user-agent", b"")[:USER_AGENT_BYTES_MAX]).counts:
            return None
        return Asker(self._parts, request)
