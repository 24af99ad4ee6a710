"""What the public signature in a scanned address says: right, wrong, or nothing where there is none or the order has none.

Promises: an address without `s=` costs one look at its query; a wrong signature is a mark on the verdict and never a refusal, because the serial
alone says who made the code, and what altered the address may have been an app on the buyer's phone. The address is compared as it is printed:
under the brand's scan origin, or under the host that was asked, where the brand knows it (printed codes outlive a change of origin). Ed25519
gives the same signature every time, so whoever has the key signs again and compares, which takes a third of verifying.
"""

from functools import lru_cache
from hmac import compare_digest
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from codegen import digital_link, url_signatures
from codegen.catalogue import BrandCatalogue
from codegen.gtin import Gtin
from codegen.kinds import Profile
from codegen.url_signatures import SignatureMalformed, UrlUnsigned
from scanservice.catalogue import Asked
from scanservice.edge.http import Request
from scanservice.edge.parts import Parts, host_name
from scanservice.verdicts import Signature

KEYS_KEPT: Final = 1024
_MARK: Final = b"s="


def of_request(parts: Parts, request: Request, asked: Asked) -> Signature:
    if _MARK not in request.query:
        return Signature.NONE
    return _judged(parts, asked, query=request.query.decode("latin-1"), host=request.host)


def of_url(parts: Parts, asked: Asked, url: str) -> Signature:
    """Of an address that an app read and sent on; the caller has found that it is one."""
    _, _, query = url.partition("?")
    if "s=" not in query:
        return Signature.NONE
    return _judged(parts, asked, query=query.partition("#")[0], host=urlsplit(url).netloc)


def _judged(parts: Parts, asked: Asked, *, query: str, host: str) -> Signature:
    item = parts.shelf.catalogue.item(asked)
    if item.counted is None or not item.facts.proofs.signed:
        return Signature.NONE
    try:
        signature = url_signatures.signature_of(query)
    except UrlUnsigned:
        return Signature.NONE
    except SignatureMalformed:
        return Signature.WRONG
    brand = item.facts.brand
    key = _key(brand.epochs[item.counted[0]].cipher.keys.url)
    profile = Profile.GS1 if asked.gtin else Profile.SHORT
    for origin in _origins(brand, host):
        printed = digital_link.build(origin, Gtin(asked.gtin), asked.serial, profile)
        if compare_digest(key.sign(printed.encode()), signature):
            return Signature.RIGHT
    return Signature.WRONG


def _origins(brand: BrandCatalogue, host: str) -> tuple[str, ...]:
    """One, and a second only where the code was scanned under another host than the brand prints now."""
    scheme, _, now = brand.scan_origin.lower().partition("://")
    if host.lower() == now or host_name(host) not in brand.hosts:
        return (brand.scan_origin,)
    return (brand.scan_origin, f"{scheme}://{host}")


@lru_cache(maxsize=KEYS_KEPT)
def _key(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)
