import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kit.db import transaction
from supplychain.distributors import DistributorUnknown
from tests.conftest import NOW, Database
from tests.web.conftest import PASSWORD, Furnished, Join, sign_in
from web import accounts, known_devices
from web.accounts import Role


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    return found[1]


def test_the_start_leads_strangers_to_the_door_and_staff_home(app: Flask, owner: FlaskClient, distributor: FlaskClient) -> None:
    assert app.test_client().get("/").location.startswith("/sign-in")
    assert owner.get("/").location == "/console/"
    assert distributor.get("/").location == "/portal/"


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(app: Flask, hire: Join) -> None:
    known = hire(Role.MARKETER).email
    client = app.test_client()
    answers = [
        client.post("/sign-in", data={"email": email, "password": "not the password"})
        for email in (known, "nobody@brand.example")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert all("This e-mail address and password do not match." in answer.text for answer in answers)


def test_the_ninth_try_for_one_account_is_refused_even_with_the_right_password(app: Flask, hire: Join) -> None:
    member = hire(Role.OWNER)
    client = app.test_client()
    for _ in range(8):
        assert client.post("/sign-in", data={"email": member.email, "password": "guess guess guess"}).status_code == 401
    refused = client.post("/sign-in", data={"email": member.email.upper(), "password": PASSWORD})
    assert refused.status_code == 429
    assert re.search(r"Wait \d+ seconds", refused.text)
    # Somebody else still comes in.
    sign_in(app.test_client(), hire(Role.MARKETER))


@pytest.mark.parametrize(
    ("addresses", "last"),
    [
        ([f"2001:db8:7:{number:x}::1" for number in range(31)], 429),
        ([f"198.51.100.{number}" for number in range(31)], 401),
    ],
)
def test_the_addresses_of_one_customer_are_one(app: Flask, addresses: list[str], last: int) -> None:
    client = app.test_client()
    answers = [
        client.post(
            "/sign-in",
            data={"email": f"nobody{number}@brand.example", "password": "guess guess guess"},
            headers={"X-Forwarded-For": address},
        ).status_code
        for number, address in enumerate(addresses)
    ]
    assert answers == [401] * 30 + [last]


def test_a_stranger_who_guesses_locks_nobody_out_of_the_browser_they_work_in(app: Flask, hire: Join) -> None:
    alice, bob = hire(Role.OWNER), hire(Role.MARKETER)
    at_work, stranger = sign_in(app.test_client(), alice), app.test_client()
    at_work.post("/sign-out")
    for _ in range(9):
        refused = stranger.post("/sign-in", data={"email": alice.email, "password": "guess guess guess"})
    assert refused.status_code == 429
    sign_in(at_work, alice)
    # The device is known for Alice alone, has eight tries as well, and its mark cannot be invented.
    at_work.post("/sign-out")
    answers = [at_work.post("/sign-in", data={"email": bob.email, "password": "guess guess guess"}).status_code for _ in range(9)]
    assert answers == [401] * 8 + [429]
    stranger.set_cookie(known_devices.COOKIE, "device." + "0" * 32, path="/sign-in")
    assert stranger.post("/sign-in", data={"email": alice.email, "password": PASSWORD}).status_code == 429


def test_after_signing_in_one_lands_on_the_page_that_was_asked_for_but_never_on_another_site(app: Flask, hire: Join) -> None:
    member = hire(Role.OWNER)

    def landing(wanted: str) -> str:
        answer = app.test_client().post(
            "/sign-in", query_string={"next": wanted}, data={"email": member.email, "password": PASSWORD}
        )
        assert answer.status_code == 302
        return answer.location

    assert landing("/console/orders?after=x") == "/console/orders?after=x"
    for elsewhere in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/console/\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
        "",
    ):
        assert landing(elsewhere) == "/console/"


def test_a_page_for_staff_remembers_itself_when_it_sends_to_the_door(app: Flask) -> None:
    answer = app.test_client().get("/console/orders?after=abc")
    assert answer.status_code == 302
    assert answer.location == "/sign-in?next=/console/orders?after%3Dabc"


def test_forms_without_their_token_are_refused(app: Flask, hire: Join) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    member = hire(Role.OWNER)
    client = app.test_client()
    login = {"email": member.email, "password": PASSWORD}
    assert client.post("/sign-in", data=login).status_code == 400
    page = client.get("/sign-in").text
    assert client.post("/sign-in", data={**login, "csrf_token": token_of(page)}).status_code == 302
    product = {"gtin": "09521234543213", "name": "Tea"}
    assert client.post("/console/products/new", data=product).status_code == 400
    form = client.get("/console/products/new").text
    assert client.post("/console/products/new", data={**product, "csrf_token": token_of(form)}).status_code in {302, 422}
    assert client.post("/sign-out").status_code == 400


def test_signing_out_ends_the_session(owner: FlaskClient) -> None:
    assert owner.get("/console/products").status_code == 200
    owner.post("/sign-out")
    assert owner.get("/console/products").status_code == 302


def test_a_new_password_ends_the_other_sessions_of_that_person(app: Flask, hire: Join) -> None:
    member = hire(Role.MARKETER)
    here, elsewhere = sign_in(app.test_client(), member), sign_in(app.test_client(), member)
    wrong = here.post("/password", data={"current": "not the password", "chosen": "another long password"})
    assert wrong.status_code == 401
    short = here.post("/password", data={"current": PASSWORD, "chosen": "short"})
    assert "From 10 to 200 characters." in short.text
    assert here.post("/password", data={"current": PASSWORD, "chosen": "another long password"}).status_code == 302
    assert here.get("/console/products").status_code == 200
    assert elsewhere.get("/console/products").status_code == 302


def test_a_disabled_account_is_out_at_once(app: Flask, hire: Join, database: Database, furnished: Furnished) -> None:
    hire(Role.OWNER)
    member = hire(Role.MARKETER)
    client = sign_in(app.test_client(), member)
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        accounts.disable(session, tenant_id=furnished.tenant_id, staff_id=member.id, now=NOW)
    assert client.get("/console/products").status_code == 302
    assert client.post("/sign-in", data={"email": member.email, "password": PASSWORD}).status_code == 401


def test_the_door_speaks_chinese_also_when_it_refuses(app: Flask) -> None:
    client = app.test_client()
    answer = client.post(
        "/sign-in", data={"email": "nobody@brand.example", "password": "x"}, headers={"Accept-Language": "zh-CN,zh;q=0.9"}
    )
    assert "邮箱或密码不正确。" in answer.text
    assert 'lang="zh"' in answer.text


def test_switching_the_language_keeps_what_the_page_was_asked(owner: FlaskClient) -> None:
    page = owner.get("/console/?days=7").text
    assert "?days=7&amp;lang=zh" in page
    assert "数据看板" in owner.get("/console/?days=7&lang=zh").text
    # The choice is remembered.
    assert "商品" in owner.get("/console/products").text


def test_every_answer_forbids_scripts_and_frames_from_elsewhere(app: Flask, owner: FlaskClient) -> None:
    for answer in (app.test_client().get("/sign-in"), owner.get("/console/"), owner.get("/console/orders/none")):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("distributor_id", ["", "D9"])
def test_an_account_for_goods_names_a_distributor_that_is_there(hire: Join, distributor_id: str) -> None:
    with pytest.raises((accounts.DistributorNeeded, DistributorUnknown)):
        hire(Role.DISTRIBUTOR, distributor_id=distributor_id)
