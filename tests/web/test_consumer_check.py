"""A code by hand, by picture or by camera: forgiven what people do to it, handed to the scan service, never to another site."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from threading import Thread

import pytest
import qrcode
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from codegen.symbology import photos
from tests.browser import SWITCHES, executable
from tests.web.conftest import Furnished

SERIAL = "0816MZTTBH7PFP77PTNS"


def photo(text: str, *, turned: float = 0, size: int = 600, kind: str = "JPEG") -> bytes:
    """A symbol in the middle of a larger picture, as a phone sees it."""
    symbol = qrcode.make(text).convert("L").resize((size // 2, size // 2)).rotate(turned, expand=True, fillcolor=255)
    picture = Image.new("L", (size, size), 230)
    picture.paste(symbol, ((size - symbol.width) // 2, (size - symbol.height) // 2))
    written = BytesIO()
    picture.save(written, kind)
    return written.getvalue()


@pytest.fixture
def phone(app: Flask) -> FlaskClient:
    return app.test_client()


def led_to(phone: FlaskClient, typed: str) -> str:
    answer = phone.get("/check", query_string={"code": typed})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


@pytest.mark.parametrize("typed", [SERIAL, SERIAL.lower(), "O8l6m ztt-bh7 pfp77 ptns", f"  {SERIAL} "])
def test_what_people_do_to_a_serial_is_forgiven(phone: FlaskClient, typed: str) -> None:
    assert led_to(phone, typed) == f"/{SERIAL}"


def test_an_address_of_this_instance_is_read_and_never_followed(phone: FlaskClient, furnished: Furnished) -> None:
    host = f"{furnished.slug}.example"
    path = f"/01/{furnished.gtin}/21/{SERIAL}"
    assert led_to(phone, f"HTTPS://{host.upper()}{path}") == path
    assert led_to(phone, path) == path
    assert led_to(phone, f"https://{host}/{SERIAL}") == f"/{SERIAL}"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("https://evil.example/01/09521234543213/21/ABC", "leads to evil.example"),
        ("//evil.example/" + SERIAL, "leads to evil.example"),
        (SERIAL[:-1], "20 letters and digits; this one has 19"),
        (SERIAL + "0", "this one has 21"),
        (SERIAL[:-1] + "U", "U"),
        ("javascript:alert(1)", "Our codes have no"),
        ("/01/09521234543210/21/ABC", "check digit"),
        ("https://[/" + SERIAL, "no address"),
        ("//\u2100.example/" + SERIAL, "no address"),
    ],
)
def test_what_cannot_be_checked_is_explained_beside_the_field(phone: FlaskClient, typed: str, says: str) -> None:
    answer = phone.get("/check", query_string={"code": typed})
    assert answer.status_code in {400, 422}
    assert "location" not in answer.headers
    assert says in answer.text


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_read_turned_as_it_is(phone: FlaskClient, kind: str) -> None:
    answer = phone.post("/check/photo", data={"photo": (BytesIO(photo(SERIAL, turned=17, kind=kind)), "a.jpg")})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/check?code={SERIAL}"


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "no photo"), (b"GIF89a", "no photo"), (b"\xff\xd8\xff" + bytes(99), "no photo"), (None, "No code was found")],
)
def test_other_pictures_are_refused_in_words(phone: FlaskClient, content: bytes | None, says: str) -> None:
    if content is None:
        written = BytesIO()
        Image.new("L", (50, 50)).save(written, "PNG")
        content = written.getvalue()
    answer = phone.post("/check/photo", data={"photo": (BytesIO(content), "a.png")})
    assert answer.status_code == 422
    assert says in answer.text


def test_a_small_file_of_a_huge_picture_is_not_unpacked(phone: FlaskClient) -> None:
    written = BytesIO()
    # One that would be welcome as a JPEG, of which only a part is ever unpacked.
    Image.new("RGBA", (6_000, 6_000)).save(written, "PNG")
    assert len(written.getvalue()) < photos.PHOTO_BYTES_MAX
    assert photos.JPEG_PIXELS_MAX > 6_000 * 6_000
    answer = phone.post("/check/photo", data={"photo": (BytesIO(written.getvalue()), "a.png")})
    assert answer.status_code == 413
    assert "megapixels" in answer.text


def test_one_frame_of_the_camera_says_what_it_shows(phone: FlaskClient) -> None:
    def read(frame: bytes) -> object:
        return phone.post("/check/frame", data=frame, content_type="image/jpeg").get_json()

    assert read(photo(SERIAL)) == {"code": SERIAL}
    written = BytesIO()
    Image.new("L", (50, 50)).save(written, "JPEG")
    assert read(written.getvalue()) == {"code": None}


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


def test_a_label_before_the_camera_is_found(served: str, tmp_path: Path, in_ci: bool) -> None:  # noqa: FBT001 - a fixture
    path = executable()
    if path is None:
        if in_ci:
            pytest.fail("Chromium is missing: make browser")
        pytest.skip("Chromium is missing: make browser says how to get it")
    film = tmp_path / "label.mjpeg"
    film.write_bytes(photo(SERIAL, turned=8, size=640) * 5)
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES + camera)
        page = browser.new_page()
        page.goto(f"{served}/check")
        page.get_by_role("button", name="Scan with the camera").click()
        page.wait_for_url(f"**/{SERIAL}")
        page.goto(f"{served}/check")
        field = page.get_by_label("Type the code")
        field.press_sequentially(SERIAL[:7].lower())
        assert field.input_value() == "0816M ZT"
        assert page.locator("[data-said]").inner_text() == "7 of 20"
        field.press_sequentially("u")
        assert "Our codes have no U" in page.locator("[data-said]").inner_text()
        browser.close()
