"""Order pages: what is decided about codes, looked at once more before it is done; lists, bindings, keys, and who did what."""

import io
import re
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from werkzeug.test import encode_multipart

from codegen import orders
from codegen.keys import keyring
from codegen.kinds import Kind, Profile
from codegen.lifecycle import bindings, order_life, ranges
from codegen.lifecycle.bindings import Scene
from codegen.lifecycle.order_life import Life
from codegen.lifecycle.ranges import CodeState
from codegen.orders import CodeOrder, Stage
from kit.db import transaction
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished
from tests.web.scans import words_of


def place(database: Database, furnished: Furnished, **facts: Any) -> CodeOrder:
    wanted: dict[str, Any] = {
        "gtin": furnished.gtin,
        "quantity": 24,
        "lot": "L7",
        "request_id": str(facts),
        "now": NOW,
        "actor": "alice",
    } | facts
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        return orders.place(session, tenant_id=furnished.tenant_id, **wanted)


def states(database: Database, furnished: Furnished, order_id: UUID) -> dict[str, int]:
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        order = orders.find(session, order_id, tenant_id=furnished.tenant_id)
        found = ranges.counts(session, tenant_id=furnished.tenant_id, orders=[order])[order_id]
    return {name: getattr(found, name) for name in ("inactive", "printed", "active", "frozen", "recalled", "void")}


def decide(client: FlaskClient, order_id: UUID, state: str, **typed: str) -> Any:
    return client.post(f"/console/orders/{order_id}/decide/{state}", data={"which": "rows", **typed}, follow_redirects=True)


def test_a_decision_is_looked_at_once_more_and_then_done_once(
    marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    typed = {"first": "11", "last": "20", "reason": "Stolen", "along": "y"}
    looked = decide(marketer, furnished.order_id, "void", **typed)
    assert looked.status_code == 200
    page = words_of(looked.text)
    assert "10 codes" in page
    assert "Until now: Active 10" in page
    assert states(database, furnished, furnished.order_id)["void"] == 0
    unsure = decide(marketer, furnished.order_id, "void", do="y", lot="L2", **typed)
    assert unsure.status_code == 422
    assert "This is not the lot of this order, which is L1." in unsure.text
    done = decide(marketer, furnished.order_id, "void", do="y", lot="L1", **typed)
    assert "Void codes: done for 10 codes." in done.text
    assert "Active 90 Void 10" in words_of(done.text)
    assert "Void 11 – 20 Stolen 2026-11-22 16:00" in words_of(done.text)
    again = decide(marketer, furnished.order_id, "void", do="y", lot="L1", **typed)
    assert "these codes were so already. Nothing was changed." in again.text
    frozen = decide(marketer, furnished.order_id, "frozen", first="12", last="13", reason="x", do="y")
    assert frozen.status_code == 422
    assert "All of these codes are void, and void is for ever." in frozen.text


@pytest.mark.parametrize(
    ("state", "typed", "said"),
    [
        ("active", {"first": "0", "last": "101"}, "Rows 0 to 101 are not within the order&#39;s 1 to 100."),
        ("active", {"first": "9", "last": "5"}, "Rows 9 to 5 are not within"),
        ("void", {"first": "", "last": "", "reason": "x"}, "Please fill this in."),
        ("void", {"first": "1", "last": "2", "reason": " "}, "Please fill this in."),
        ("recalled", {"which": "all", "reason": ""}, "Please fill this in."),
        ("frozen", {"first": "x", "last": "2", "reason": "y"}, "Not a valid integer value."),
        ("printed", {"first": "1", "last": "2", "reason": "z" * 201}, "Field cannot be longer than 200 characters."),
    ],
)
def test_decisions_that_cannot_be_are_refused_beside_the_field(
    marketer: FlaskClient, furnished: Furnished, database: Database, state: str, typed: dict[str, str], said: str
) -> None:
    answer = decide(marketer, furnished.order_id, state, do="y", lot="L1", **typed)
    assert answer.status_code == 422
    assert said in answer.text
    assert states(database, furnished, furnished.order_id) == {
        "inactive": 0, "printed": 0, "active": 100, "frozen": 0, "recalled": 0, "void": 0
    }  # fmt: skip


def test_everything_that_a_decision_lacks_is_said_at_once(marketer: FlaskClient, furnished: Furnished) -> None:
    page = words_of(marketer.get(f"/console/orders/{furnished.order_id}/decide/void").text)
    assert "The rows of this order: 1 to 100." in page
    answer = decide(marketer, furnished.order_id, "void", first="", last="", reason="")
    assert answer.text.count("Please fill this in.") == 3


def test_rows_of_a_packed_order_take_their_packages_along_where_that_is_wanted(
    marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    order = place(database, furnished, inner=True, items_per_case=4, cases_per_pallet=2)
    page = words_of(marketer.get(f"/console/orders/{order.id}/decide/active").text)
    assert "Case 6 49 – 54 2 a pallet" in page
    looked = words_of(decide(marketer, order.id, "active", first="3", last="8", along="y").text)
    assert "13 codes" in looked
    assert "6 Item, outside 6 Item, inside 1 Case" in looked
    assert "Rows 3 – 8, 27 – 32, 50" in looked
    decide(marketer, order.id, "active", first="3", last="8", along="y", do="y")
    assert states(database, furnished, order.id)["active"] == 13
    decide(marketer, order.id, "frozen", first="3", last="3", reason="alone", do="y")
    assert states(database, furnished, order.id)["frozen"] == 1
    whole = words_of(decide(marketer, order.id, "recalled", which="all", reason="Bitter", do="y", lot="L7").text)
    assert "Recall: done for 57 codes." in whole


def test_the_life_of_an_order_from_draft_to_closed(marketer: FlaskClient, furnished: Furnished, database: Database) -> None:
    order = place(database, furnished, stage=Stage.DRAFT)
    address = f"/console/orders/{order.id}"

    def life() -> Life:
        with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
            found = orders.find(session, order.id, tenant_id=furnished.tenant_id)
            return order_life.of(found, ranges.states_of(session, tenant_id=furnished.tenant_id, order_id=order.id))

    draft = marketer.get(address).text
    assert "Next: issue the order" in draft
    assert "/decide/" not in draft
    assert "codes.csv" not in draft
    assert decide(marketer, order.id, "active", which="all", do="y").request.path == address
    assert life() is Life.DRAFT
    for _ in range(2):
        assert marketer.post(f"{address}/issue").status_code == 302
    assert "Next: Mark as printed" in words_of(marketer.get(address).text)
    decide(marketer, order.id, "printed", which="all", do="y")
    assert life() is Life.PRINTED
    assert "Next: Activate" in words_of(marketer.get(address).text)
    decide(marketer, order.id, "active", which="all", do="y")
    assert life() is Life.ACTIVE
    assert marketer.post(f"{address}/close", data={"reason": "all sold"}).status_code == 302
    assert life() is Life.CLOSED
    closed = marketer.get(address).text
    assert "/decide/active" not in closed
    assert "/decide/recalled" in closed
    story = words_of(marketer.get(f"{address}/history").text)
    for said in (
        "Order closed",
        "all sold",
        "Activated 24 codes: rows 1 – 24",
        "Marked as printed",
        "Order issued",
        "Order placed",
    ):
        assert said in story
    assert "alice" in story


def test_a_draft_is_thrown_away_and_its_codes_are_void(marketer: FlaskClient, furnished: Furnished, database: Database) -> None:
    order = place(database, furnished, stage=Stage.DRAFT)
    gone = marketer.post(f"/console/orders/{order.id}/close", data={"reason": "wrong lot"}, follow_redirects=True)
    assert "The draft is thrown away." in gone.text
    assert states(database, furnished, order.id)["void"] == 24
    assert marketer.post(f"/console/orders/{order.id}/issue").status_code == 409


def test_orders_are_filtered_and_canaries_stay_out_of_sight(
    marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    place(database, furnished, lot="CASES", kind=Kind.CASE)
    place(database, furnished, lot="BIRD", kind=Kind.CANARY)
    place(database, furnished, lot="DRAFT", stage=Stage.DRAFT)
    place(database, furnished, lot="ROLL", gtin=None, profile=Profile.SHORT)

    def lots(**asked: str) -> set[str]:
        page = marketer.get("/console/orders", query_string=asked).text
        return set(re.findall(r'<a class="code" href="/console/orders/[^"]+">([^<]+)</a>', page))

    assert lots() == {"L1", "CASES", "DRAFT", "ROLL"}
    assert lots(state="draft") == {"DRAFT"}
    assert lots(state="active") == {"L1"}
    assert lots(kind="case") == {"CASES"}
    assert lots(kind="canary") == lots()
    assert lots(gtin="blank") == {"ROLL"}
    assert lots(text="cas") == {"CASES"}
    assert lots(lot="L1", gtin=furnished.gtin) == {"L1"}
    assert lots(text="nothing of the kind") == set()
    assert "No such order" in marketer.get("/console/orders?text=nothing").text


def test_a_list_of_codes_is_void_after_its_number_is_typed(
    marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    other = place(database, furnished, lot="L8")
    text = f"{furnished.serial(5).lower()}\n\nhttps://x.example/01/{furnished.gtin}/21/{furnished.serial(6)}\n"
    file = f"{furnished.cipher.serial_of(other.first_counter)}\r\n".encode("utf-8-sig")
    form = {"serials": text, "reason": "torn"}
    looked = marketer.post("/console/codes/void", data={**form, "file": (io.BytesIO(file), "codes.txt")})
    assert "3 codes 2 of lot L1 1 of lot L8" in words_of(looked.text)
    found = re.search(r'<textarea[^>]*name="serials"[^>]*>([^<]*)</textarea>', looked.text)
    assert found
    wrong = marketer.post("/console/codes/void", data={**form, "serials": found[1], "count": "4", "do": "y"})
    assert wrong.status_code == 422
    assert "The list holds 3 codes." in wrong.text
    assert states(database, furnished, furnished.order_id)["void"] == 0
    wide = f"{furnished.serial(5)}\n{(' ' * 1900 + chr(10)) * 300}{furnished.serial(6)}"
    sent_back = {**form, "serials": wide, "count": "4", "do": "y"}
    # In memory: what the test client itself writes to a file it leaves open.
    boundary, body = encode_multipart(sent_back)
    again = marketer.post("/console/codes/void", data=body, content_type=f"multipart/form-data; boundary={boundary}")
    assert (again.status_code, "The list holds 2 codes." in again.text) == (422, True), (
        "what a file may hold, the form sends back"
    )
    for fresh in ("3", "0"):
        done = marketer.post(
            "/console/codes/void", data={**form, "serials": found[1], "count": "3", "do": "y"}, follow_redirects=True
        )
        assert f"3 codes of 2 orders are void, {fresh} of them since now." in done.text
    assert states(database, furnished, furnished.order_id)["void"] == 2
    assert states(database, furnished, other.id)["void"] == 1


def test_a_list_with_one_wrong_line_changes_nothing(
    marketer: FlaskClient, furnished: Furnished, other_furnished: Furnished, database: Database
) -> None:
    for stranger in (other_furnished.serial(1), "not a code", furnished.serial(2)[:-1]):
        text = f"{furnished.serial(1)}\n{stranger}"
        refused = marketer.post("/console/codes/void", data={"serials": text, "reason": "torn", "count": "2", "do": "y"})
        assert refused.status_code == 422
        assert "Line 2:" in refused.text
    empty = marketer.post("/console/codes/void", data={"serials": " \n", "reason": "torn"})
    assert "The list holds no serial." in empty.text
    long = marketer.post("/console/codes/void", data={"serials": "A\n" * 20_001, "reason": "torn"})
    assert "This page takes 20000 codes at most." in long.text
    assert states(database, furnished, furnished.order_id)["void"] == 0


def test_blank_codes_are_bound_by_rows_or_by_a_list(marketer: FlaskClient, furnished: Furnished, database: Database) -> None:
    roll = place(database, furnished, lot="ROLL", gtin=None, profile=Profile.SHORT)
    address = f"/console/orders/{roll.id}/bind"
    rows = {"which": "rows", "first": "1", "last": "10", "gtin": furnished.gtin, "lot": "B1", "scene": "reward"}
    looked = words_of(marketer.post(address, data=rows).text)
    assert "10 codes 10 of lot ROLL" in looked
    assert looked.count(furnished.gtin) == 1
    assert "Reward: check, and collect what campaigns offer" in looked
    done = marketer.post(address, data={**rows, "do": "y"}, follow_redirects=True)
    assert f"10 codes are bound to {furnished.gtin}, lot B1." in done.text
    assert "10 of 24 codes are bound to a product." in words_of(done.text)
    again = marketer.post(address, data={**rows, "do": "y"}, follow_redirects=True)
    assert "These codes were bound so already." in again.text
    listed = {
        "which": "list",
        "serials": "\n".join(furnished.cipher.serial_of(roll.first_counter + place) for place in (20, 11)),
        "gtin": furnished.gtin,
        "lot": "B2",
        "scene": "trace",
    }
    assert "2 codes are bound" in marketer.post(address, data={**listed, "do": "y"}, follow_redirects=True).text
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        bound = bindings.of_orders(session, tenant_id=furnished.tenant_id, order_ids=[roll.id])[roll.id]
    assert [(one.lot, one.scene, one.stretch.count) for one in bound] == [
        ("B1", Scene.REWARD, 10), ("B2", Scene.TRACE, 1), ("B2", Scene.TRACE, 1)
    ]  # fmt: skip
    taken = marketer.post(address, data={**rows, "last": "12", "lot": "B3", "do": "y"})
    assert taken.status_code == 422
    assert "Row 1 is bound to product" in taken.text
    assert "A lot is 1 to 20 letters" in marketer.post(address, data={**rows, "lot": "a b"}).text
    assert "Please fill this in." in marketer.post(address, data={**rows, "first": ""}).text
    plain = marketer.get(f"/console/orders/{furnished.order_id}/bind", follow_redirects=True)
    assert "there is nothing to bind" in plain.text


def test_the_kill_switch_of_an_epoch_is_the_owners_and_asks_for_the_words(
    owner: FlaskClient, marketer: FlaskClient, furnished: Furnished, database: Database
) -> None:
    assert marketer.get("/console/keys").status_code == 403
    assert marketer.post("/console/keys/0/revoke", data={"reason": "x", "phrase": "x"}).status_code == 403
    phrase = f"VOID EPOCH 0 OF {furnished.slug.upper()}"
    asked = owner.get("/console/keys/0/revoke").text
    assert phrase in asked
    assert "100 codes of 1 orders become void for ever." in words_of(asked)
    unsure = owner.post("/console/keys/0/revoke", data={"reason": "leaked", "phrase": "yes"})
    assert unsure.status_code == 422
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        assert [one.state for one in keyring.entries(session, tenant_id=furnished.tenant_id)] == ["open"]
    done = owner.post("/console/keys/0/revoke", data={"reason": "leaked", "phrase": phrase.lower()}, follow_redirects=True)
    assert "Epoch 0 is revoked" in done.text
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        assert [one.state for one in keyring.entries(session, tenant_id=furnished.tenant_id)] == ["revoked", "open"]
    assert owner.get("/console/keys/9/revoke").status_code == 404
    assert "Key epoch revoked epoch 0 – leaked" in words_of(owner.get("/console/audit?action=epoch").text)


def test_the_brands_audit_is_filtered_and_shows_nothing_of_others(
    marketer: FlaskClient, furnished: Furnished, other_furnished: Furnished, database: Database
) -> None:
    with transaction(database.app_engine, tenant_id=other_furnished.tenant_id) as session:
        ranges.void(
            session,
            tenant_id=other_furnished.tenant_id,
            order_id=other_furnished.order_id,
            reason="rivals",
            now=NOW,
            actor="mallory",
        )
    decide(marketer, furnished.order_id, "frozen", first="1", last="2", reason="A question", do="y")
    everything = words_of(marketer.get("/console/audit").text)
    assert "Frozen 2 codes: rows 1 – 2 L1 A question" in everything
    assert "mallory" not in everything
    only = words_of(marketer.get("/console/audit?action=range.frozen").text)
    assert "A question" in only
    assert "Order placed 100 codes" not in only
    assert "No such decision" in marketer.get("/console/audit?text=nobody-of-that-name").text
    assert "A question" in marketer.get("/console/audit?since=2026-11-22&until=2026-11-22").text
    assert "No such decision" in marketer.get("/console/audit?until=2026-11-20").text
    for odd in ("since=x", "action=nonsense", "after=x", "until=0001-01-01", "since=9999-12-31"):
        assert marketer.get(f"/console/audit?{odd}").status_code == 200


def test_another_brands_orders_are_not_there(marketer: FlaskClient, other_furnished: Furnished) -> None:
    for page in ("", "/history", "/decide/void", "/close", "/bind"):
        assert marketer.get(f"/console/orders/{other_furnished.order_id}{page}").status_code == 404
    assert marketer.post(f"/console/orders/{other_furnished.order_id}/issue").status_code == 404


def test_unknown_decisions_are_no_page(marketer: FlaskClient, furnished: Furnished) -> None:
    for state in ("inactive", "nonsense", CodeState.ACTIVE.value.upper()):
        assert marketer.get(f"/console/orders/{furnished.order_id}/decide/{state}").status_code == 404
