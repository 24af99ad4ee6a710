"""Buyers of the demo who join and claim: by the same verbs as a phone, at the time of the story.

Promises: who has joined is not joined again, what was claimed is not claimed again. A claim presents a ticket that names a real row of
the scan log; what the rules refuse stays refused, and is counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random  # noqa: TID251 - the type alone; kit.chance makes them
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from campaigns import claiming
from campaigns.eligibility import ClaimRefused
from codegen import brands
from codegen.kinds import Kind
from crm import consents, identities, people
from crm.consents import ConsentForm, Language, Purpose
from crm.identities import E164, PersonalKeys
from crm.people import FirstTouch
from kit import chance as chances
from kit.clock import unix_ms
from scanservice import queries, tickets, visitors
from scanservice.queries import ScanLine
from scanservice.tickets import Stage, Ticket
from scanservice.verdicts import Reason, Verdict
from web.demo.story import Member, Story
from web.instance import Instance

MEMBERS_AT_ONCE: Final = 25
MARKETING_SHARE: Final = 0.55
# Of North America's numbers 555-0100 to 555-0199 are kept for stories: nobody will ever get a text message of this demo.
AREAS: Final = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231)
NUMBERS_PER_AREA: Final = 100
PHONES_MAX: Final = len(AREAS) * NUMBERS_PER_AREA
_CLAIMED_AFTER: Final = timedelta(seconds=40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    members: int = 0
    members_new: int = 0
    claims: int = 0
    claims_new: int = 0
    claims_refused: int = 0
    points: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            members=self.members + other.members,
            members_new=self.members_new + other.members_new,
            claims=self.claims + other.claims,
            claims_new=self.claims_new + other.claims_new,
            claims_refused=self.claims_refused + other.claims_refused,
            points=self.points + other.points,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    tenant_id: int
    zone: ZoneInfo
    personal: PersonalKeys
    visitors: visitors.Keys
    ends_at: datetime


def enrol(instance: Instance, story: Story, *, tenant_id: int, seed: int, advance: Callable[[int], None]) -> Counts:
    """Everybody who joins, with their claims; a transaction for each MEMBERS_AT_ONCE. More than PHONES_MAX do not get a number."""
    secret = instance.settings.secret_bytes
    chance = chances.seeded(f"onemark demo members {seed}")
    with instance.transaction(tenant_id) as session:
        zone = ZoneInfo(brands.load(session, tenant_id=tenant_id).timezone)
    desk = _Desk(
        tenant_id=tenant_id,
        zone=zone,
        personal=PersonalKeys.derive(secret),
        visitors=visitors.Keys.of(secret),
        ends_at=story.ends_at,
    )
    total = Counts()
    numbered = list(enumerate(story.members[:PHONES_MAX]))
    for at in range(0, len(numbered), MEMBERS_AT_ONCE):
        some = numbered[at : at + MEMBERS_AT_ONCE]
        with instance.transaction(tenant_id) as session:
            for number, member in some:
                total += _enrol(session, desk, member, phone=phone(number), chance=chance)
        advance(len(some))
    return total


def phone(number: int) -> E164:
    """A number that exists in stories alone."""
    return E164(f"+1{AREAS[number // NUMBERS_PER_AREA]}55501{number % NUMBERS_PER_AREA:02d}")


def _enrol(session: Session, desk: _Desk, member: Member, *, phone: E164, chance: Random) -> Counts:
    wants_marketing = chance.random() < MARKETING_SHARE
    visitor = visitors.by_client_id(desk.visitors, tenant_id=desk.tenant_id, client_id=member.person.visitor_id, vouched=True)
    scans = _own_items(session, visitor, tenant_id=desk.tenant_id)
    if not scans:
        return Counts()
    granted = {
        Purpose.SERVICE: True,
        Purpose.MARKETING: wants_marketing,
        Purpose.LOCATION: member.person.shares_position,
    }
    found = people.find_or_create(
        session,
        tenant_id=desk.tenant_id,
        keys=desk.personal,
        phone=phone,
        source=FirstTouch(channel="scan", scan_id=scans[0].scan_id, gtin=scans[0].gtin, lot=scans[0].lot),
        language=Language.ZH.value,
        now=member.joined_at,
    )
    if found.is_new:
        identities.link_visitor(
            session, tenant_id=desk.tenant_id, consumer_id=found.consumer_id, visitor=visitor, now=member.joined_at
        )
        form = ConsentForm(
            granted=frozenset(purpose for purpose, ticked in granted.items() if ticked),
            version=consents.VERSION,
            language=Language.ZH,
            channel="web",
            scan_id=scans[0].scan_id,
        )
        consents.grant(session, tenant_id=desk.tenant_id, consumer_id=found.consumer_id, form=form, now=member.joined_at)
    counts = Counts(members=1, members_new=int(found.is_new))
    for scan in scans:
        claimed_at = max(scan.scanned_at, member.joined_at) + _CLAIMED_AFTER
        if claimed_at > desk.ends_at:
            continue
        try:
            claimed = claiming.claim(
                session,
                ticket=_ticket(scan, visitor, tenant_id=desk.tenant_id),
                visitor=visitor,
                consumer_id=found.consumer_id,
                zone=desk.zone,
                now=claimed_at,
            )
        except ClaimRefused:
            counts += Counts(claims_refused=1)
        else:
            counts += Counts(claims=1, claims_new=int(claimed.is_new), points=claimed.points)
    return counts


def _own_items(session: Session, visitor: bytes, *, tenant_id: int) -> Sequence[ScanLine]:
    """Scans by which this visitor was the first at an item, the earliest first."""
    lines = queries.scans_of_visitors(session, tenant_id=tenant_id, visitors=[visitor])
    firsts = [line for line in lines if line.verdict is Verdict.GENUINE_FIRST and line.confirmed_at is not None]
    return sorted(firsts, key=lambda line: (line.scanned_at, line.scan_id))


def _ticket(scan: ScanLine, visitor: bytes, *, tenant_id: int) -> Ticket:
    """What the edge would have given this phone for this scan."""
    return Ticket(
        tenant_id=tenant_id,
        stage=Stage.CONFIRMED,
        verdict=scan.verdict,
        reasons=tuple(Reason(code, value) for code, value in scan.reasons),
        gtin=scan.gtin,
        scan_id=scan.scan_id,
        visitor=visitor,
        expires_at_s=tickets.expiry_s(unix_ms(scan.scanned_at)),
        lot=scan.lot,
        kind=Kind.ITEM_OUTER.value,
        epoch=scan.epoch,
        counter=scan.counter,
        order_id=scan.order_id,
    )
