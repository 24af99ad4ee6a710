"""Refusals: expected ways in which a request is turned down, each with a stable code and its data.

Domain code raises them and knows nothing of HTTP; borders turn them into pages, problem documents (RFC 9457) or exit codes.
"""

from collections.abc import Mapping
from typing import ClassVar


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a programming error
    """Base of all refusals. `code` is for machines, `says` (a format string over the data) for people."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400
    says: ClassVar[str] = ""

    def __init__(self, detail: str = "", **data: object) -> None:
        self.data: Mapping[str, object] = data
        self.detail = detail or (self.says.format(**data) if self.says else self.code.replace("_", " "))
        super().__init__(self.detail)


class Malformed(Refusal):
    """The request cannot be read."""

    code = "malformed"
    status = 400


class Unauthenticated(Refusal):
    code = "unauthenticated"
    status = 401


class Forbidden(Refusal):
    code = "forbidden"
    status = 403


class NotFound(Refusal):
    code = "not_found"
    status = 404


class Conflict(Refusal):
    """The request contradicts what is already there."""

    code = "conflict"
    status = 409


class Gone(Refusal):
    code = "gone"
    status = 410


class TooLarge(Refusal):
    code = "too_large"
    status = 413


class Invalid(Refusal):
    """The request can be read, and what it asks is not allowed."""

    code = "invalid"
    status = 422


class TooMany(Refusal):
    code = "too_many"
    status = 429


class Unavailable(Refusal):
    """Something that we depend on is away; the same request may succeed later."""

    code = "unavailable"
    status = 503


def problem(refusal: Refusal, *, instance: str) -> dict[str, object]:
    """The problem document of a refusal (RFC 9457 section 3): its data are extension members."""
    members = {key: value if isinstance(value, int | float | bool | None) else str(value) for key, value in refusal.data.items()}
    return {
        **members,
        "type": f"urn:onemark:problem:{refusal.code}",
        "title": refusal.code.replace("_", " ").capitalize(),
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail,
        "instance": instance,
    }
