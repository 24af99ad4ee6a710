"""`POST /v1/scans/pin`: a consumer has scratched the PIN free and enters it on the page of their scan.

Promises: right, and the verdict is judged anew and comes with a new ticket; wrong, and the answer tells how many tries are left and when the
next may come; too early is 429 with the time, and says nothing of the PIN. A form works like JSON and is sent back to the page.
Refused: tickets of others, of previews, too old or not ours; codes without a PIN; what has not six digits, which costs no try. The PIN stands in no
answer, address, log entry or error.
"""

import unicodedata
from datetime import datetime
from typing import ClassVar, Final
from urllib.parse import parse_qs

import msgspec

from codegen.kinds import Kind
from codegen.print_packages.guarding.pins import PIN_DIGITS
from kit.refusals import Conflict, Invalid, Malformed, TooMany
from scanservice import tickets, verdicts, visitors
from scanservice.catalogue import Asked
from scanservice.edge.beacons import TicketOfAnother, TicketOfPreview
from scanservice.edge.http import NOT_READ, Answer, Request, json, redirect
from scanservice.edge.parts import Parts
from scanservice.edge.pin_desk import Entered, Limit, Taken
from scanservice.edge.senders import VISITOR_ID_CHARS_MAX
from scanservice.edge.visits import PAGE
from scanservice.hot.pin_tries import Outcome
from scanservice.tickets import Stage, Ticket
from scanservice.verdicts import Judgement

PATH: Final = b"/v1/scans/pin"
BODY_BYTES_MAX: Final = 8 << 10
PIN_CHARS_MAX: Final = 32  # with the spaces and hyphens that people put between groups
_FORM: Final = b"application/x-www-form-urlencoded"


class PinEntryMalformed(Malformed):
    code: ClassVar[str] = "pin_entry_malformed"
    says: ClassVar[str] = "An entered PIN is a JSON object or a form with the texts `ticket` and `pin`."


class PinMalformed(Invalid):
    code: ClassVar[str] = "pin_malformed"
    says: ClassVar[str] = "A PIN has {digits} digits."


class PinNotAsked(Conflict):
    code: ClassVar[str] = "pin_not_asked"
    says: ClassVar[str] = "This code has no PIN."


class PinLocked(TooMany):
    code: ClassVar[str] = "pin_locked"
    says: ClassVar[str] = "Too many wrong PINs. The next one can be entered at {opens_at}."


class PinEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`visitor_id` is that of the app whose scan it was, where there is no cookie."""

    ticket: str
    pin: str
    visitor_id: str = ""


_decoder = msgspec.json.Decoder(PinEntry)


async def answer(parts: Parts, request: Request) -> Answer:
    body = await request.body(bytes_max=BODY_BYTES_MAX)
    form = request.headers.get(b"content-type", b"").startswith(_FORM)
    entry = _of_form(body) if form else _of_json(body)
    now = parts.clock.now()
    ticket = tickets.read(entry.ticket, key=parts.ticket_key, now=now)
    asked = _own(parts, request, ticket, visitor_id=entry.visitor_id)
    address = request.address
    try:
        pin = _typed(entry.pin)
    except PinMalformed:
        if form:
            return _back(entry.ticket, b"?pin=malformed")
        raise
    taken = await parts.pin_desk.take(
        Entered(
            asked=asked,
            pin=pin,
            at=now,
            scan_id=ticket.scan_id,
            visitor=ticket.visitor,
            whence=parts.whence(address),
            address=address,
        )
    )
    text = entry.ticket if taken.judgement is None else tickets.seal(_renewed(ticket, taken.judgement), key=parts.ticket_key)
    return _to_page(text, taken) if form else _to_program(text, ticket, taken, now=now)


def _own(parts: Parts, request: Request, ticket: Ticket, *, visitor_id: str) -> Asked:
    """Which code, if this visitor may enter a PIN for it."""
    if ticket.stage == Stage.PREVIEW:
        raise TicketOfPreview
    cookie = visitors.cookie_of(request.headers.get(b"cookie", b""))
    if cookie is not None:
        visitor = visitors.by_cookie(parts.keys, tenant_id=ticket.tenant_id, cookie=cookie)
    elif 0 < len(visitor_id) <= VISITOR_ID_CHARS_MAX:
        # The ticket was given to whoever an API key vouched for, or to whoever said so: it is asked for together with its id.
        named = (
            visitors.by_client_id(parts.keys, tenant_id=ticket.tenant_id, client_id=visitor_id, vouched=by)
            for by in (True, False)
        )
        visitor = next((one for one in named if one == ticket.visitor), b"")
    else:
        raise TicketOfAnother
    if visitor != ticket.visitor:
        raise TicketOfAnother
    if ticket.epoch is None or ticket.counter is None:
        raise PinNotAsked
    asked = Asked(tenant_id=ticket.tenant_id, gtin=ticket.gtin, serial=ticket.serial, counted=(ticket.epoch, ticket.counter))
    item = parts.pin_desk.item(asked)
    if item.counted is None or not item.facts.kind or not item.facts.proofs.asks_pin(Kind(item.facts.kind)):
        raise PinNotAsked
    return asked


def _renewed(ticket: Ticket, judgement: Judgement) -> Ticket:
    """The same scan with its new verdict; it lives no longer for it."""
    judged = verdicts.marked(judgement, verdicts.signature_in(ticket.reasons))
    return msgspec.structs.replace(ticket, verdict=judged.verdict, reasons=judged.reasons)


def _to_program(text: str, ticket: Ticket, taken: Taken, *, now: datetime) -> Answer:
    if taken.outcome is Outcome.LOCKED:
        assert taken.opens_at is not None  # noqa: S101 - that is what locks
        retry_after_s = max(1, int((taken.opens_at - now).total_seconds()))
        raise PinLocked(opens_at=_iso(taken.opens_at), limit=taken.limit.value, retry_after_s=retry_after_s)
    judged = taken.judgement or Judgement(ticket.verdict or verdicts.Verdict.INACTIVE, ticket.reasons)
    return json(
        200,
        {
            "pin": taken.outcome.value,
            "tries_left": taken.tries_left,
            "opens_at": None if taken.opens_at is None else _iso(taken.opens_at),
            "verdict": judged.verdict,
            "reasons": [{"code": reason.code, "value": reason.value} for reason in judged.reasons],
            "ticket": text,
        },
    )


def _to_page(text: str, taken: Taken) -> Answer:
    until = b"" if taken.opens_at is None else b"&until=%d" % int(taken.opens_at.timestamp())
    if taken.outcome is Outcome.RIGHT:
        return _back(text, b"")
    if taken.outcome is Outcome.WRONG:
        return _back(text, b"?pin=wrong&left=%d%b" % (taken.tries_left, until))
    return _back(text, (b"?pin=busy" if taken.limit is Limit.ADDRESS else b"?pin=locked") + until)


def _back(ticket: str, query: bytes) -> Answer:
    return redirect(303, PAGE + ticket.encode() + query + b"#pin")


def _typed(text: str) -> str:
    """Full-width digits, spaces and hyphens are forgiven; what is no PIN at all costs no try."""
    plain = unicodedata.normalize("NFKC", text[:PIN_CHARS_MAX]).replace(" ", "").replace("-", "")
    if len(text) > PIN_CHARS_MAX or len(plain) != PIN_DIGITS or not (plain.isascii() and plain.isdigit()):
        raise PinMalformed(digits=PIN_DIGITS) from None
    return plain


def _of_json(body: bytes) -> PinEntry:
    try:
        return _decoder.decode(body)
    except NOT_READ:
        # Without the reader's own words: they may quote what was entered.
        raise PinEntryMalformed from None


def _of_form(body: bytes) -> PinEntry:
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    if "ticket" not in fields or "pin" not in fields:
        raise PinEntryMalformed
    return PinEntry(ticket=fields["ticket"][0], pin=fields["pin"][0])


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
