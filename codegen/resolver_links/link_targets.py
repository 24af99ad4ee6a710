"""Where links lead: addresses checked hard when they are entered, and how a request's parameters are passed on to them.

Promises: a checked target is https, ASCII, has a host by name and a path, no user, and a host that the brand has allowed, or one below it;
what a phone adds to a query can change neither host nor path, nor a parameter that the brand has set. Refuses every other scheme,
addresses of this machine or a private network, and hosts under which the brand's own codes are scanned, for such a link could lead in a
circle. Templates are not known: a brace is no character of an address. Pure.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, unquote_plus, urlsplit

from codegen import origins
from codegen.origins import HostMalformed
from kit.refusals import Invalid

TARGET_LENGTH_MAX: Final = 1024
HOST_LENGTH_MAX: Final = 253
_URI: Final = re.compile(r"https://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
# Browsers take names whose last label is a number for addresses: `127.1`, `0x7f.1`.
_PUBLIC_NAME: Final = re.compile(r".+\.[a-z][a-z0-9-]*")
_BROKEN_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Everything a query may hold (RFC 3986 section 3.4) and the percent sign of what is encoded already.
_QUERY_SAFE: Final = "-._~:/?@!$&'()*+,;=%"
# Some servers part parameters at a semicolon too.
_PARAMETER: Final = re.compile(r"[&;]([^&;=]*)[^&;]*")
_BRACKET: Final = re.compile(r"[\[\]]")
_UNDERSCORES: Final = str.maketrans(". [", "___")


class TargetMalformed(Invalid):
    code = "target_malformed"
    says = "This is no address that a link may lead to."


class TargetTooLong(TargetMalformed):
    code = "target_too_long"
    says = "An address has at most {length_max} characters."


class TargetScheme(TargetMalformed):
    code = "target_scheme"
    says = "An address begins with https://."


class TargetCharacter(TargetMalformed):
    code = "target_character"
    says = "This address holds a character that has to be percent-encoded."


class TargetAuthority(TargetMalformed):
    code = "target_authority"
    says = "Between https:// and the first slash stand a host and perhaps a port, nothing else."


class TargetHost(TargetMalformed):
    code = "target_host"
    says = "A link leads to a host by its public name, not to an address: {host} is none."


class TargetHostNotAllowed(Invalid):
    code = "target_host_not_allowed"
    says = "Links may not lead to {host} yet: an owner of the brand has to allow this host first."


class TargetOwnHost(Invalid):
    code = "target_own_host"
    says = "{host} is where codes of this brand are scanned: a link to it could lead in a circle."


def checked(text: str, *, allowed: Iterable[str], own: Iterable[str]) -> str:
    """`text` as a target: host in lower case, a slash where there was no path."""
    target = text.strip()
    if len(target) > TARGET_LENGTH_MAX:
        raise TargetTooLong(length_max=TARGET_LENGTH_MAX)
    if not target.startswith("https://"):
        raise TargetScheme
    if not _URI.fullmatch(target) or _BROKEN_PERCENT.search(target):
        raise TargetCharacter
    try:
        parts = urlsplit(target)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise TargetAuthority from error
    if "@" in parts.netloc or port == 0 or parts.netloc.endswith(":"):
        raise TargetAuthority
    checked_host(host)
    if host in set(own):
        raise TargetOwnHost(host=host)
    if not is_allowed(host, allowed):
        raise TargetHostNotAllowed(host=host)
    return parts._replace(netloc=host if port is None else f"{host}:{port}", path=parts.path or "/").geturl()


def checked_host(text: str) -> str:
    """A host that may be allowed: a name with a dot, not an address and not this machine."""
    try:
        host = origins.checked_host(text)
    except HostMalformed as fault:
        raise TargetHost(host=text[:HOST_LENGTH_MAX]) from fault
    if not _PUBLIC_NAME.fullmatch(host) or origins.is_near(host):
        raise TargetHost(host=host)
    return host


def host_of(target: str) -> str:
    """Of a checked target: it has a path, and no user."""
    return target.split("/", 3)[2].partition(":")[0]


def is_allowed(host: str, allowed: Iterable[str]) -> bool:
    return any(host == one or host.endswith("." + one) for one in allowed)


def with_query(target: str, query: bytes) -> str:
    """The target with a request's parameters behind its own, but for those that the target names itself.

    Of two with one name many servers take the last: whoever prints a code could change what the brand has set. What goes on is byte for
    byte as it came, only foreign bytes are encoded. A fragment stays at the end.
    """
    if not query:
        return target
    start, mark, fragment = target.partition("#")
    _, has_query, own = start.partition("?")
    # Each parameter with what stands before it.
    added = "&" + quote(query, safe=_QUERY_SAFE)
    if has_query:
        taken = frozenset[str]().union(*(_names(one[1]) for one in _PARAMETER.finditer("&" + own)))
        added = "".join(one[0] for one in _PARAMETER.finditer(added) if taken.isdisjoint(_names(one[1])))
        if not added:
            return target
    return f"{start}{'&' if has_query else '?'}{added[1:]}{mark}{fragment}"


def _names(encoded: str) -> set[str]:
    """What servers may take for a parameter's name.

    All end it before a bracket (`aff[]` is `aff`), Rack passes over brackets before it. PHP passes over spaces, stops at a NUL, and makes
    underscores of dots, spaces and a bracket that nothing closes.
    """
    text = unquote_plus(encoded, errors="surrogateescape").partition("\0")[0].lstrip().casefold()
    readings = (text, _BRACKET.split(text.lstrip("[]"), maxsplit=1)[0])
    return {one.translate(_UNDERSCORES) for one in readings if one}
