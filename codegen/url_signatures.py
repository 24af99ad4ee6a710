"""The public signature of a printed address: that the brand issued it can be checked by anybody, without us and without a network.

    HTTPS://ID.EXAMPLE/01/09521234543213/21/0816MZTTBH7PFP77PTNS?s=<86 letters of base64url>

Ed25519 (RFC 8032) over the ASCII of everything before `?`, in capitals as it is printed: browsers write scheme and host small, so `verify`
writes them large again. The first letter of the serial names the epoch, and with it the key (codegen.keys.public_keys).

Promises: `verify` needs the brand's key set alone, no server, no database, no clock, and says exactly what is wrong. A right signature proves that
the brand issued this text; a copy of the text carries the same signature, so it proves nothing about the item in the hand. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from codegen import cipher, digital_link
from codegen.addresses import SIGNATURE_LENGTH, Addresses, Signer
from codegen.cipher import SerialCipher
from codegen.gtin import Gtin
from codegen.keys import public_keys
from codegen.keys.public_keys import KeyUnknown, Use
from codegen.kinds import Profile
from codegen.proofs import Proofs
from kit.refusals import Invalid

QUERY_KEY = "s"
URL_LENGTH_MAX = 2000
_SCHEMES = ("HTTP://", "HTTPS://")


class UrlUnreadable(Invalid):
    code = "url_unreadable"
    says = "This is no address of a code: {why}."


class UrlUnsigned(Invalid):
    code = "url_unsigned"
    says = "The address carries no signature."


class SignatureMalformed(Invalid):
    code = "signature_malformed"
    says = "The signature is not one: {why}."


class SignatureWrong(Invalid):
    code = "signature_wrong"
    says = "The signature does not belong to this address: one of them was altered, or the brand never signed it."


class SignatureEpochUnknown(Invalid):
    code = "signature_epoch_unknown"
    says = "The key set of {brand!r} knows no epoch {epoch}."


class SignatureEpochRevoked(Invalid):
    code = "signature_epoch_revoked"
    says = "The brand has revoked epoch {epoch}: what was signed with its key proves nothing any more."


class KeySetMalformed(Invalid):
    code = "key_set_malformed"
    says = "This is no key set of a brand: {why}."


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedUrl:
    """An address with its signature, not yet checked. `printed` is what stands before `?` on the label; `gtin` None: a short address."""

    printed: str
    serial: str
    gtin: Gtin | None
    epoch: int
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    brand: str
    epoch: int
    serial: str
    gtin: Gtin | None
    printed: str


class Order(Protocol):
    """A code order (codegen.orders), as far as its addresses go: this module knows no database."""

    @property
    def gtin(self) -> Gtin: ...
    @property
    def profile(self) -> Profile: ...
    @property
    def proofs(self) -> Proofs: ...


def signer(serials: SerialCipher) -> Signer:
    """Signs addresses of codes of the cipher's epoch: about 40,000 a second."""
    key = public_keys.private(serials, Use.URL)
    return lambda printed: public_keys.text_of(key.sign(printed)).encode()


def addresses_of(order: Order, serials: SerialCipher, *, origin: str) -> Addresses:
    """How the addresses of an order are printed, signed where the order is."""
    return Addresses.of(
        origin=origin, gtin=order.gtin, profile=order.profile, signer=signer(serials) if order.proofs.signed else None
    )


def read(url: str) -> SignedUrl:
    """An address as it was scanned, pasted or exported. What stands in its query besides the signature is passed over."""
    text = url.strip()
    if len(text) > URL_LENGTH_MAX:
        raise UrlUnreadable(why=f"longer than {URL_LENGTH_MAX} characters")
    printed, _, query = text.partition("#")[0].partition("?")
    printed = printed.upper()
    if not printed.isascii() or not printed.isprintable() or " " in printed:
        raise UrlUnreadable(why="it has characters that no printed address has")
    scheme = next((one for one in _SCHEMES if printed.startswith(one)), None)
    if scheme is None:
        raise UrlUnreadable(why="it does not begin with http:// or https://")
    host, slash, path = printed.removeprefix(scheme).partition("/")
    if not host or not slash:
        raise UrlUnreadable(why="it names no code")
    serial, gtin = _code(slash + path)
    epoch = cipher.epoch_of(serial)
    if epoch is None:
        raise UrlUnreadable(why="its serial cannot be one of ours")
    return SignedUrl(printed=printed, serial=serial, gtin=gtin, epoch=epoch, signature=signature_of(query))


def signature_of(query: str) -> bytes:
    """The signature in a query, as it stands behind the question mark."""
    given = [value for key, value in parse_qsl(query, keep_blank_values=True) if key == QUERY_KEY]
    if not given:
        raise UrlUnsigned
    if len(given) > 1:
        raise SignatureMalformed(why="there are several")
    if len(given[0]) != SIGNATURE_LENGTH:
        raise SignatureMalformed(why=f"it has {len(given[0])} characters, not {SIGNATURE_LENGTH}")
    try:
        return public_keys.raw_of(given[0])
    except ValueError as error:
        raise SignatureMalformed(why=str(error)) from error


def verify(url: str, keys: Mapping[str, Any]) -> Verified:
    """Raises one of the refusals above, or returns what the brand has signed."""
    brand, states = _brand_of(keys)
    found = read(url)
    state = states.get(found.epoch)
    if state is None:
        raise SignatureEpochUnknown(brand=brand, epoch=found.epoch)
    if state == "revoked":
        raise SignatureEpochRevoked(epoch=found.epoch)
    try:
        public = public_keys.find(keys, public_keys.key_id(brand, found.epoch, Use.URL))
    except KeyUnknown as error:
        raise KeySetMalformed(why=f"it has no key of epoch {found.epoch}") from error
    if not is_right(public, found.printed, found.signature):
        raise SignatureWrong
    return Verified(brand=brand, epoch=found.epoch, serial=found.serial, gtin=found.gtin, printed=found.printed)


def is_right(public: Ed25519PublicKey, printed: str, signature: bytes) -> bool:
    try:
        public.verify(signature, printed.encode())
    except InvalidSignature:
        return False
    return True


def _code(path: str) -> tuple[str, Gtin | None]:
    short = digital_link.short_serial(path)
    if short is not None:
        return short, None
    address = digital_link.parse(path)
    return address.serial, address.gtin


def _brand_of(keys: Mapping[str, Any]) -> tuple[str, dict[int, str]]:
    """(slug, state of each epoch) of a key set that somebody handed over."""
    if keys.get("format") != public_keys.FORMAT:
        raise KeySetMalformed(why=f"its format is not {public_keys.FORMAT}")
    brand, epochs = keys.get("brand"), keys.get("epochs")
    if not isinstance(brand, str) or not isinstance(epochs, list):
        raise KeySetMalformed(why="brand or epochs are missing")
    states: dict[int, str] = {}
    for one in epochs:
        if (
            not isinstance(one, dict)
            or not isinstance(one.get("epoch"), int)
            or one.get("state") not in {"open", "closed", "revoked"}
        ):
            raise KeySetMalformed(why="an epoch has no number or no state")
        states[one["epoch"]] = one["state"]
    return brand, states
