"""Headers that a GS1-conformant resolver puts on every answer, refusals and OPTIONS included (standard 1.2.0).

Promises: nothing that a client sent gets out of the angle brackets of a Link header.
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote

ALLOWED: Final = "GET, HEAD, OPTIONS"
LINKSET_TYPE: Final = b"application/linkset+json"
HEADERS: Final = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", ALLOWED.encode()),
    (b"access-control-expose-headers", b"Link, Location"),
    (b"vary", b"Accept, Accept-Language"),
)
CONTEXT_LOCATION: Final = "https://ref.gs1.org/standards/resolver/linkset-context"
CONTEXT: Final = f'<{CONTEXT_LOCATION}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'.encode()
# What is about a product or a lot is the same for everybody; a change of links may take so long to come through caches.
SHARED_S: Final = 60
ORIGINS_KEPT: Final = 1024
SHARED: Final = (b"cache-control", b"public, max-age=%d" % SHARED_S)
_PATH_SAFE: Final = "-._~:/@!$&'()*+,;=%"
_PLAIN: Final = re.compile(rb"[A-Za-z0-9\-._~:/@!$&'()*+,;=%]*")


def headers(origin: bytes, path: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """On every answer about a code, refusals included."""
    return (link_header(origin, path), *HEADERS)


def link_header(origin: bytes, path: bytes) -> tuple[bytes, bytes]:
    if not _PLAIN.fullmatch(path):
        path = quote(path, safe=_PATH_SAFE).encode()
    return (b"link", b'<%b%b?linkType=linkset>; rel="linkset"; type="application/linkset+json"' % (_plain(origin), path))


@lru_cache(maxsize=ORIGINS_KEPT)
def _plain(origin: bytes) -> bytes:
    return origin if _PLAIN.fullmatch(origin) else b""
