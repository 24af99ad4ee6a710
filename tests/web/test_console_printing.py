"""The console's pages about printing: label templates, printers, packages; who may, and whose they are."""

import base64
import io
import re
from datetime import timedelta
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import select

from codegen.labels import library
from codegen.labels.logos import Logo
from codegen.print_packages import package_making, packages
from codegen.print_packages.package_files import JobMemory
from kit import outbox
from kit.clock import FixedClock
from kit.db import transaction
from kit.settings import Settings
from tests.codegen.labels.test_logos import picture
from tests.conftest import NOW, Database
from tests.web.conftest import Furnished

FIELD = re.compile(r'<(?:input|textarea)[^>]*? name="(?P<name>[\w-]+)"[^>]*?>')
VALUE = re.compile(r' value="([^"]*)"')
SELECT = re.compile(r'<select[^>]*? name="([\w-]+)".*?</select>', re.DOTALL)
CHOSEN = re.compile(r'<option selected value="([^"]*)"')


def fields(page: str) -> dict[str, str]:
    """What a browser would send if nobody changed anything."""
    found = {}
    for tag in FIELD.finditer(page):
        is_box = 'type="checkbox"' in tag[0] or 'type="radio"' in tag[0]
        if ('type="submit"' not in tag[0] and 'type="file"' not in tag[0]) and (not is_box or "checked" in tag[0]):
            value = VALUE.search(tag[0])
            found[tag["name"]] = value[1] if value else ""
    for tag in SELECT.finditer(page):
        chosen = CHOSEN.search(tag[0])
        found[tag[1]] = chosen[1] if chosen else VALUE.findall(tag[0])[0]
    return found


def label_form(client: FlaskClient, copied: str, **typed: str) -> dict[str, str]:
    return {**fields(client.get(f"/console/labels/new?copy={copied}").text), **typed}


def save_label(client: FlaskClient, **typed: str) -> None:
    answer = client.post("/console/labels/new", data=label_form(client, "a4-3x8", submit="1", **typed))
    assert answer.status_code == 302, answer.text


def add_printer(client: FlaskClient, name: str = "Anna Print", **typed: str) -> str:
    data = {"name": name, "lock": "passphrase", "passphrase": "correct horse battery", "submit": "1", **typed}
    answer = client.post("/console/printers/new", data=data)
    assert answer.status_code == 302, answer.text
    return str(answer.location)


def make(client: FlaskClient, furnished: Furnished, **typed: str) -> str:
    """Asks for a package, and answers its page's address."""
    place = f"/console/orders/{furnished.order_id}/packages"
    answer = client.post(place, data={**fields(client.get(place).text), "submit": "1", **typed})
    assert answer.status_code == 302, answer.text
    return str(answer.location)


def work(database: Database, settings: Settings, furnished: Furnished) -> None:
    """What the worker does."""
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        left = packages.unfinished(session, tenant_id=furnished.tenant_id, now=NOW, idle=timedelta(0))
    for package_id in left:
        memory, finished = JobMemory(), False
        while not finished:
            with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
                step = package_making.advance(
                    session,
                    tenant_id=furnished.tenant_id,
                    package_id=package_id,
                    memory=memory,
                    kek=settings.kek_bytes,
                    objects_dir=settings.objects_dir,
                    now=NOW,
                )
            assert step is not None
            finished = step.finished


def test_a_copy_of_a_built_in_template_becomes_ones_own(marketer: FlaskClient, furnished: Furnished, database: Database) -> None:
    assert "No templates of your own yet" in marketer.get("/console/labels").text
    data = label_form(marketer, "a4-3x8", name="Tea box", submit="1")
    for _ in range(2):
        assert marketer.post("/console/labels/new", data=data).status_code == 302
    page = marketer.get("/console/labels").text
    assert page.count("<h2>Tea box</h2>") == 1
    drawn = marketer.get("/console/labels/picture?name=Tea box")
    assert (drawn.mimetype, drawn.text[:4]) == ("image/svg+xml", "<svg")
    assert marketer.get("/console/labels/picture?name=Nobodys").status_code == 404
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        (kept,) = library.listing(session, tenant_id=furnished.tenant_id)
    edited = f"/console/labels/{kept.id}"
    form = {**fields(marketer.get(edited).text), "border": "y", "submit": "1"}
    assert marketer.post(edited, data=form).status_code == 302
    late = marketer.post(edited, data=form)
    assert late.status_code == 422
    assert "Somebody changed this label template" in late.text
    assert marketer.post(f"{edited}/remove").status_code == 302
    assert marketer.get(edited).status_code == 404


def test_what_does_not_fit_is_said_beside_its_field(marketer: FlaskClient) -> None:
    usual = label_form(marketer, "a4-3x8", name="Tea box")
    for typed, said in (
        ({"columns": "4"}, "4 columns with margin and gaps are 269 mm wide, and the page is 210 mm."),
        ({"page_width_mm": "50"}, "A label of 64 x 34 mm is larger than the page of 50 x 297 mm."),
        ({"texts-2-x_mm": "10"}, "Text 3 lies over the symbol or its quiet zone."),
        ({"symbol_side_mm": "40"}, "The symbol with its quiet zone does not lie within the label."),
        ({"width_mm": "NaN"}, "A number such as 12.5, with at most two decimals."),
        ({"name": "cap-15"}, "There is a label template named"),
    ):
        answer = marketer.post("/console/labels/new", data={**usual, **typed, "submit": "1"})
        assert answer.status_code == 422
        assert said in answer.text
        if "name" not in typed:
            previewed = marketer.post("/console/labels/preview", data={**usual, **typed})
            assert "data:image/svg" not in previewed.text
            assert said in previewed.text or "Correct the marked fields" in previewed.text


def test_the_preview_follows_the_form_and_keeps_nothing(marketer: FlaskClient, furnished: Furnished, database: Database) -> None:
    data = label_form(marketer, "a4-3x8", sample_dpi="300", name="", logo_x_mm="52", logo_y_mm="22", logo_height_mm="3")
    answer = marketer.post("/console/labels/preview", data={**data, "upload": (io.BytesIO(picture()), "logo.png")})
    assert "24 labels" in answer.text
    assert "at 300 dpi" in answer.text
    drawn = [base64.b64decode(one).decode() for one in re.findall(r"base64,([\w+/=]+)", answer.text)]
    assert [one.count("<image") for one in drawn] == [1, 1]
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        assert library.listing(session, tenant_id=furnished.tenant_id) == []


def test_a_logo_is_uploaded_shown_and_taken_away(marketer: FlaskClient, furnished: Furnished, database: Database) -> None:
    def kept() -> tuple[UUID, Logo | None]:
        with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
            (one,) = library.listing(session, tenant_id=furnished.tenant_id)
            return one.id, library.logo_of(session, one.template, tenant_id=furnished.tenant_id)

    place = {"logo_x_mm": "52", "logo_y_mm": "22", "logo_width_mm": "10", "logo_height_mm": "3"}
    data = label_form(marketer, "a4-3x8", name="Tea box", submit="1", **place)
    refused = marketer.post("/console/labels/new", data={**data, "upload": (io.BytesIO(b"<svg/>"), "logo.png")})
    assert "The file is no PNG or JPEG picture" in refused.text
    assert marketer.post("/console/labels/new", data={**data, "upload": (io.BytesIO(picture()), "logo.png")}).status_code == 302
    template_id, logo = kept()
    assert logo is not None
    assert "<image" in marketer.get("/console/labels/picture?name=Tea box").text
    edited = f"/console/labels/{template_id}"
    form = fields(marketer.get(edited).text)
    assert form["logo"] == logo.name
    assert marketer.post(edited, data={**form, "logo_removed": "y", "submit": "1"}).status_code == 302
    assert kept()[1] is None


def test_printers_are_added_with_their_lock(marketer: FlaskClient) -> None:
    assert "No printers yet" in marketer.get("/console/printers").text
    for typed, said in (
        ({"passphrase": "short"}, "A passphrase has at least 12 characters."),
        ({"lock": "x25519", "public_key": "no key"}, "This is no X25519 key in PEM."),
        ({"lock": "x25519"}, "Paste the key that they sent you."),
        ({"name": ""}, "Please fill this in."),
    ):
        data = {"name": "Anna Print", "lock": "passphrase", "passphrase": "correct horse battery", "submit": "1", **typed}
        answer = marketer.post("/console/printers/new", data=data)
        assert answer.status_code == 422, typed
        assert said in answer.text
    page = marketer.get(add_printer(marketer, contact="Anna Li")).text
    assert "Passphrase" in page
    assert "correct horse" not in page + marketer.get("/console/printers").text


def test_codes_are_given_to_a_printer_fetched_and_counted(
    marketer: FlaskClient, furnished: Furnished, database: Database, settings: Settings
) -> None:
    place = f"/console/orders/{furnished.order_id}/packages"
    assert "First a printer, then a package" in marketer.get(place).text
    printer = add_printer(marketer)
    package = make(marketer, furnished, first="1", last="24", format="pdf", label="roll-40x30", downloads_max="2")
    with transaction(database.app_engine, tenant_id=furnished.tenant_id) as session:
        topics = list(
            session.scalars(select(outbox.OutboxEntry.topic).where(outbox.OutboxEntry.tenant_id == furnished.tenant_id))
        )
    assert "codegen.package" in topics
    assert f'data-renew="{package}/progress"' in marketer.get(package).text
    assert marketer.post(f"{package}/file").status_code == 409
    work(database, settings, furnished)
    assert "data-renew" not in marketer.get(f"{package}/progress").text
    for _ in range(2):
        file = marketer.post(f"{package}/file", environ_base={"REMOTE_ADDR": "192.0.2.7"})
        assert (file.status_code, file.headers["Cache-Control"]) == (200, "no-store")
        assert "sealed" in file.headers["Content-Disposition"]
        file.close()
    assert marketer.post(f"{package}/file").status_code == 403
    page = marketer.get(package).text
    assert "All 2 downloads are used up" in page
    assert page.count("192.0.2.7") == 2
    assert marketer.get(f"{package}/manifest").get_json()["codes"] == 24
    for listed in (printer, "/console/packages", place):
        assert "2 of 2" in marketer.get(listed).text


def test_rows_that_were_given_are_given_again_only_as_a_reprint(marketer: FlaskClient, furnished: Furnished) -> None:
    add_printer(marketer)
    place = f"/console/orders/{furnished.order_id}/packages"
    first = make(marketer, furnished, first="1", last="50", format="csv")
    again = marketer.post(place, data={**fields(marketer.get(place).text), "first": "50", "last": "60", "submit": "1"})
    assert again.status_code == 422
    assert "were given to &#39;Anna Print&#39; before" in again.text
    form = fields(marketer.get(f"{place}?reprint={first.rpartition('/')[2]}").text)
    assert (form["first"], form["last"], form["reprint"]) == ("1", "50", "y")
    assert marketer.post(place, data={**form, "submit": "1"}).status_code == 302
    assert "reprint" in marketer.get("/console/packages").text


def test_a_form_sent_twice_gives_once_and_parts_are_files_of_their_own(marketer: FlaskClient, furnished: Furnished) -> None:
    add_printer(marketer)
    place = f"/console/orders/{furnished.order_id}/packages"
    form = {**fields(marketer.get(place).text), "format": "txt", "parts_of": "40", "canaries": "0", "submit": "1"}
    for _ in range(2):
        assert marketer.post(place, data=form).status_code == 302
    page = marketer.get(place).text
    assert [part in page for part in ("1 – 40", "41 – 80", "81 – 100")] == [True] * 3
    assert page.count(">Details<") == 3
    for typed, said in (
        ({"first": "0"}, "row"),
        ({"label": "Nobodys", "format": "pdf"}, "There is no label template"),
        ({"downloads_max": "99"}, "20"),
        ({"recipient": "Somebody"}, "Not a valid choice"),
    ):
        answer = marketer.post(place, data={**fields(marketer.get(place).text), **typed, "submit": "1"})
        assert answer.status_code == 422
        assert said in answer.text


def test_a_label_of_the_order_is_shown_with_its_own_lot(marketer: FlaskClient, furnished: Furnished) -> None:
    drawn = marketer.get(f"/console/orders/{furnished.order_id}/packages/label?name=roll-40x30")
    assert drawn.mimetype == "image/svg+xml"


def test_pages_of_another_brand_do_not_exist(
    marketer: FlaskClient, distributor: FlaskClient, furnished: Furnished, other_furnished: Furnished, clock: FixedClock
) -> None:
    add_printer(marketer)
    package = make(marketer, furnished, first="1", last="5", format="csv")
    assert marketer.get(f"/console/orders/{other_furnished.order_id}/packages").status_code == 404
    for page in ("/console/labels", "/console/printers", "/console/packages", package):
        assert distributor.get(page).status_code == 403
    assert marketer.get("/console/packages?after=nonsense").status_code == 400
    assert (
        marketer.get(
            f"/console/packages?after={clock.now().isoformat().replace('+', '%2B')}~{package.rpartition('/')[2]}"
        ).status_code
        == 200
    )
