"""Browsers in which somebody has signed in before. Their tries are counted by themselves: a stranger who guesses at an address uses up
the tries of strangers, and locks nobody out of the browser that they work in.

Promises: a cookie names no one, is good for one address alone, and cannot be made by anybody else. It opens nothing: who brings it
needs the password all the same, and has as few tries.
"""

from typing import Final

from flask import current_app, request
from werkzeug.wrappers import Response

from kit import chance, seals
from web.app import parts

COOKIE: Final = "om_device"
COOKIE_S: Final = 365 * 24 * 3600
PATH: Final = "/sign-in"
KEY_PURPOSE: Final = "onemark/known-device"
_MAC_BYTES: Final = 16


def known(address: str) -> str | None:
    """The name of the device that asks, where this address has signed in from it."""
    device, _, mac = request.cookies.get(COOKIE, "").partition(".")
    return device if device and seals.same(mac.encode(), _mac(device, address).encode()) else None


def remember(response: Response, address: str) -> None:
    device = known(address) or chance.token()
    response.set_cookie(
        COOKIE,
        f"{device}.{_mac(device, address)}",
        max_age=COOKIE_S,
        path=PATH,
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
    )


def _mac(device: str, address: str) -> str:
    key = seals.derive(parts().settings.secret_bytes, KEY_PURPOSE)
    return seals.keyed_hash(key, f"{device} {address}".encode("utf-8", "surrogatepass"), size_bytes=_MAC_BYTES).hex()
