"""`GET /.well-known/onemark-keys.json`: the public keys of the brand that the host belongs to.

Promises: the brand is found as for a scan; where several share the host, `?gtin=` says whose product it is. Any cache may keep the answer for
CACHE_S, so that long at most a revoked epoch goes on being believed; an ETag spares those who ask again. Pages of any origin may read it.
"""

import hashlib
from typing import Final

import msgspec

from codegen import gtin
from codegen.catalogue import BrandCatalogue
from codegen.keys import public_keys
from scanservice.catalogue import Elsewhere
from scanservice.edge.http import JSON, Answer, Request, redirect
from scanservice.edge.parts import Parts, host_name

PATH: Final = public_keys.WELL_KNOWN.encode()
CACHE_S: Final = 300
QUERY_BYTES_MAX: Final = 64
_GTIN: Final = b"gtin="
_METHODS: Final = frozenset({"GET", "HEAD"})
_OPEN: Final = (b"access-control-allow-origin", b"*")


def is_asked(request: Request) -> bool:
    return request.path == PATH and request.method in _METHODS


async def answer(parts: Parts, request: Request) -> Answer:
    named = request.query[:QUERY_BYTES_MAX]
    number = gtin.normalise(named.removeprefix(_GTIN).decode("latin-1")) if named.startswith(_GTIN) else ""
    brand = parts.shelf.catalogue.brand_for(host_name(request.host), gtin=number, guess=parts.guess_brand)
    if isinstance(brand, Elsewhere):
        return redirect(307, brand.origin.encode() + request.target, _OPEN)
    body = _document(brand)
    tag = b'"%b"' % hashlib.sha256(body).hexdigest()[:32].encode()
    headers = (_OPEN, (b"cache-control", b"public, max-age=%d" % CACHE_S), (b"etag", tag), (b"vary", b"Host"))
    known = request.headers.get(b"if-none-match", b"")
    if tag in (one.strip().removeprefix(b"W/") for one in known.split(b",")):
        return Answer(304, headers)
    return Answer(200, (JSON, *headers), body)


def _document(brand: BrandCatalogue) -> bytes:
    return msgspec.json.encode(brand.key_set)
