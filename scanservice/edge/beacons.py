"""`POST /v1/scans/confirm`: the page tells that a person looked at it, and the verdict becomes final.

Promises: the same ticket again gets the same answer and records nothing; a position, where the person allowed one, goes with the
confirmation. Refused: a page of itself in a data centre, where a tap is asked for; a ticket of another visitor, one that is too old or not ours, one of a preview, a position that is none.
"""

from typing import ClassVar, Final
from urllib.parse import parse_qs

import msgspec

from kit.refusals import Conflict, Forbidden, Malformed
from scanservice import tickets, verdicts, visitors
from scanservice.catalogue import Asked
from scanservice.edge import clients, positions
from scanservice.edge.clients import USER_AGENT_BYTES_MAX
from scanservice.edge.http import NOT_READ, Answer, Request, json, redirect
from scanservice.edge.parts import Parts, language, ticket_of
from scanservice.edge.scanning import Answered, Repeat, Scan, visit
from scanservice.edge.visits import PAGE
from scanservice.tickets import Stage, Ticket

PATH: Final = b"/v1/scans/confirm"
BODY_BYTES_MAX: Final = 8 << 10
_FORM: Final = b"application/x-www-form-urlencoded"


class BeaconMalformed(Malformed):
    code: ClassVar[str] = "beacon_malformed"
    says: ClassVar[str] = "A confirmation is a JSON object or a form with a ticket: {why}."


class TicketOfAnother(Forbidden):
    code: ClassVar[str] = "ticket_of_another"
    says: ClassVar[str] = "This ticket was given to another visitor. Scan the code yourself."


class TicketOfPreview(Conflict):
    code: ClassVar[str] = "ticket_of_preview"
    says: ClassVar[str] = "This page was opened as a preview. Scan the code to check it."


class TapNeeded(Conflict):
    code: ClassVar[str] = "tap_needed"
    says: ClassVar[str] = "Confirm this check by a tap on the page."


class Beacon(msgspec.Struct, frozen=True, kw_only=True):
    """`tapped`: a person pressed a button, where the page alone would have told."""

    ticket: str
    tapped: bool = False
    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: float | None = None


_decoder = msgspec.json.Decoder(Beacon)


async def answer(parts: Parts, request: Request) -> Answer:
    body = await request.body(bytes_max=BODY_BYTES_MAX)
    form = request.headers.get(b"content-type", b"").startswith(_FORM)
    beacon = _of_form(body) if form else _of_json(body)
    ticket = tickets.read(beacon.ticket, key=parts.ticket_key, now=parts.clock.now())
    answered = None if ticket.stage == Stage.CONFIRMED else await _confirm(parts, request, ticket, beacon)
    text = beacon.ticket if answered is None else ticket_of(answered, key=parts.ticket_key)
    if form:
        return redirect(303, PAGE + text.encode())
    verdict, reasons = (
        (ticket.verdict, ticket.reasons) if answered is None else (answered.judgement.verdict, answered.judgement.reasons)
    )
    return json(
        200,
        {
            "verdict": verdict,
            "reasons": [{"code": reason.code, "value": reason.value} for reason in reasons],
            "changed": verdict != ticket.verdict,
            "ticket": text,
        },
    )


async def _confirm(parts: Parts, request: Request, ticket: Ticket, beacon: Beacon) -> Answered:
    if ticket.stage == Stage.PREVIEW:
        raise TicketOfPreview
    cookie = visitors.cookie_of(request.headers.get(b"cookie", b""))
    if cookie is None or visitors.by_cookie(parts.keys, tenant_id=ticket.tenant_id, cookie=cookie) != ticket.visitor:
        raise TicketOfAnother
    address = request.address
    if not beacon.tapped and parts.address_places.of(address.packed).data_centre:
        # Messengers' servers open links in whole browsers, scripts and all, before the person does.
        raise TapNeeded
    position = positions.checked(latitude=beacon.latitude, longitude=beacon.longitude, accuracy_m=beacon.accuracy_m)
    counted = None if ticket.epoch is None or ticket.counter is None else (ticket.epoch, ticket.counter)
    return await parts.scanner.scan(
        Scan(
            asked=Asked(tenant_id=ticket.tenant_id, gtin=ticket.gtin, serial=ticket.serial, counted=counted),
            scan_id=ticket.scan_id,
            at_ms=parts.clock.now_ms(),
            repeat=Repeat.POSSIBLE,
            visit=visit(
                confirmed=True,
                visitor=ticket.visitor,
                whence=parts.whence(address, position),
                address=address,
                client=clients.client(request.headers.get(b"user-agent", b"")[:USER_AGENT_BYTES_MAX]).word,
                language=language(request.headers.get(b"accept-language", b"")),
                position=position,
                role=parts.role(request, tenant_id=ticket.tenant_id),
                signature=verdicts.signature_in(ticket.reasons),
                trace=request.trace,
            ),
        )
    )


def _of_json(body: bytes) -> Beacon:
    try:
        return _decoder.decode(body)
    except NOT_READ as error:
        raise BeaconMalformed(why=str(error)) from error


def _of_form(body: bytes) -> Beacon:
    fields = parse_qs(body.decode("latin-1"))
    if "ticket" not in fields:
        raise BeaconMalformed(why="the form has no ticket")
    return Beacon(ticket=fields["ticket"][0], tapped=True)
