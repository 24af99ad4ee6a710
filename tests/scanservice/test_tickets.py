from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from kit.clock import unix_ms
from scanservice import tickets
from scanservice.tickets import Stage, Ticket, TicketExpired, TicketInvalid
from scanservice.verdicts import Reason, Verdict

KEY = bytes(range(32))
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TICKET = Ticket(
    tenant_id=1,
    stage=Stage.SEEN,
    verdict=Verdict.GENUINE_SEEN,
    reasons=(Reason("first_confirmed_at", "2026-11-20T08:00:00Z"), Reason("strangers", 1), Reason("staff_before")),
    gtin="09521234543213",
    lot="L1",
    kind="item_outer",
    epoch=0,
    counter=123_456_789,
    order_id=UUID(int=7),
    scan_id=UUID(int=8),
    visitor=b"visitor8",
    expires_at_s=tickets.expiry_s(unix_ms(NOW)),
)


def test_a_ticket_comes_back_whole_and_short_enough_for_a_path() -> None:
    text = tickets.seal(TICKET, key=KEY)
    assert tickets.read(text, key=KEY, now=NOW) == TICKET
    assert len(text) < 300


def test_a_ticket_of_a_code_we_never_made() -> None:
    plain = Ticket(
        tenant_id=1,
        stage=Stage.CONFIRMED,
        verdict=Verdict.COUNTERFEIT,
        reasons=(Reason("bad_serial"),),
        gtin="",
        serial="0816MZTTBH7PFP77PTNT",
        scan_id=UUID(int=8),
        visitor=b"visitor8",
        expires_at_s=tickets.expiry_s(unix_ms(NOW)),
    )
    assert tickets.read(tickets.seal(plain, key=KEY), key=KEY, now=NOW) == plain


def test_half_an_hour_is_the_end() -> None:
    text = tickets.seal(TICKET, key=KEY)
    assert tickets.read(text, key=KEY, now=NOW + timedelta(minutes=29, seconds=59))
    with pytest.raises(TicketExpired):
        tickets.read(text, key=KEY, now=NOW + timedelta(minutes=30))


def test_any_changed_character_is_refused() -> None:
    text = tickets.seal(TICKET, key=KEY)
    for place in range(len(text) - 1):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(TicketInvalid):
            tickets.read(changed, key=KEY, now=NOW)


@pytest.mark.parametrize("text", ["", "x", "====", "a b", "ü", "A" * 5000, "A" * 40])
def test_what_is_no_ticket_is_refused(text: str) -> None:
    with pytest.raises(TicketInvalid):
        tickets.read(text, key=KEY, now=NOW)


def test_another_key_is_refused() -> None:
    with pytest.raises(TicketInvalid):
        tickets.read(tickets.seal(TICKET, key=KEY), key=bytes(32), now=NOW)
