"""Scan origins: scheme and host in front of every printed code. A printed origin cannot be called back, so it is checked hard.

Promises: a checked origin is lower case, without path, and its host is an ASCII name or an address. Refuses http, save for loopback and
private addresses, where phones try out a box that has no certificate. Pure.
"""

import ipaddress
import re
from urllib.parse import urlsplit

from kit.refusals import Invalid

ORIGIN_LENGTH_MAX = 100
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


class OriginMalformed(Invalid):
    code = "origin_malformed"
    says = "{origin!r} is no scan origin: {why}."


class OriginNotSecure(Invalid):
    code = "origin_not_secure"
    says = "{origin!r} must be https; http is only for loopback and private addresses."


class HostMalformed(Invalid):
    code = "host_malformed"
    says = "{host!r} is neither a host name in ASCII nor an address."


def checked(text: str) -> str:
    """`text` as an origin in lower case."""
    origin = text.strip().rstrip("/").lower()
    if len(origin) > ORIGIN_LENGTH_MAX:
        raise OriginMalformed(origin=text[:ORIGIN_LENGTH_MAX], why=f"longer than {ORIGIN_LENGTH_MAX} characters")
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise OriginMalformed(origin=text, why=str(error)) from error
    if parts.scheme not in {"http", "https"} or not host:
        raise OriginMalformed(origin=text, why="it has to be http(s)://HOST")
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc or port == 0:
        raise OriginMalformed(origin=text, why="it is scheme, host and port alone")
    checked_host(host)
    if parts.scheme == "http" and not is_near(host):
        raise OriginNotSecure(origin=text)
    return origin


def host_of(origin_or_header: str) -> str:
    """The host name without its port, in lower case, of an origin or of a Host header. Says nothing of whether it is allowed."""
    try:
        return urlsplit(origin_or_header if "//" in origin_or_header else f"//{origin_or_header}").hostname or ""
    except ValueError:
        return ""


def checked_host(text: str) -> str:
    host = text.strip().lower()
    if not _NAME.fullmatch(host) and _address(host) is None:
        raise HostMalformed(host=text)
    return host


def is_near(host: str) -> bool:
    """Loopback, private and link-local addresses, and the names that always mean this machine."""
    address = _address(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_private or address.is_loopback or address.is_link_local


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
