"""What is not the edge's own goes to the web process, in pieces and with headers that only the edge sets."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from kit.http_protocol import HEAD_BYTES_MAX, HEADERS_MAX
from scanservice.edge.app import Edge
from scanservice.edge.proxy import AT_ONCE_MAX, UPLOAD_BYTES, UPLOADS_AT_ONCE_MAX, UPLOADS_MAX
from tests.scanservice.conftest import LocalEdge, Market

Headers = list[tuple[str, str]]
UPLOAD_BYTES_MAX = 4 << 20


async def mirror(request: web.Request) -> web.StreamResponse:
    """Tells what came: the request's own headers, and its body's length."""
    body = await request.read()
    told = [f"{name}={value}" for name, value in request.headers.items()]
    answer = web.StreamResponse(status=201, headers={"X-Path": request.raw_path, "Set-Cookie": "a=1"})
    answer.headers.add("Set-Cookie", "b=2")
    await answer.prepare(request)
    await answer.write("\n".join(told).encode())
    await answer.write(b"\nbody=%d" % len(body))
    await answer.write_eof()
    return answer


@pytest.fixture
def proxied(market: Market) -> Iterator[LocalEdge]:
    """An edge with a web process, both in one event loop."""
    with asyncio.Runner() as runner:

        async def serve() -> tuple[web.AppRunner, int]:
            app = web.Application(client_max_size=1 << 26)
            app.router.add_route("*", "/{path:.*}", mirror)
            serving = web.AppRunner(app, max_line_size=HEAD_BYTES_MAX)
            await serving.setup()
            site = web.TCPSite(serving, "127.0.0.1", 0)
            await site.start()
            return serving, serving.addresses[0][1]

        serving, port = runner.run(serve())
        settings = market.settings.model_copy(update={"web_port": port, "request_bytes_max": UPLOAD_BYTES_MAX})
        edge = LocalEdge(Edge(lambda: settings, market.clock), runner)
        edge.start()
        yield edge
        edge.stop()
        runner.run(serving.cleanup())


def test_path_and_answer_pass_through_as_they_are(proxied: LocalEdge) -> None:
    answer = proxied.stranger().get("/s/a%2Fb?x=%20&y=1", accept="text/html")
    assert answer.status == 201
    assert answer.headers["x-path"] == "/s/a%2Fb?x=%20&y=1"
    assert answer.cookies == ["a=1", "b=2"]
    assert "transfer-encoding" not in answer.headers
    assert "accept=text/html" in answer.body.decode().lower()


def test_the_client_cannot_say_who_it_is(proxied: LocalEdge) -> None:
    liar = proxied.stranger()
    answer = liar.get("/", x_forwarded_for="6.6.6.6", x_request_id="mine", forwarded="for=6.6.6.6", x_forwarded_proto="https")
    told = dict(line.split("=", 1) for line in answer.body.decode().lower().splitlines())
    assert told["x-forwarded-for"] == liar.ip
    assert told["x-forwarded-proto"] == "http"
    assert told["x-forwarded-host"] == told["host"] == "tea.example"
    assert len(told["x-request-id"]) == 32
    assert "forwarded" not in told


def test_a_trace_goes_on_in_the_web_process(proxied: LocalEdge) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = proxied.stranger().get("/", traceparent=f"00-{trace_id}-00f067aa0ba902b7-01")
    told = dict(line.split("=", 1) for line in answer.body.decode().lower().splitlines())
    assert told["x-request-id"] == trace_id
    assert told["traceparent"].startswith(f"00-{trace_id}-")
    assert "00f067aa0ba902b7" not in told["traceparent"]
    made = proxied.stranger().get("/", traceparent="nonsense").body.decode().lower()
    assert "nonsense" not in made


def test_headers_of_one_hop_stay_behind(proxied: LocalEdge) -> None:
    answer = proxied.stranger().get("/", connection="keep-alive, X-Secret", x_secret="s", te="trailers", cookie="k=v")
    told = answer.body.decode().lower()
    assert "x-secret" not in told
    assert "te=" not in told
    assert "cookie=k=v" in told


def test_bodies_pass_and_too_large_ones_do_not(proxied: LocalEdge) -> None:
    assert proxied.stranger().ask("POST", "/upload", b"x" * 300_000).body.endswith(b"body=300000")
    huge = str(UPLOAD_BYTES_MAX + 1)
    answer = proxied.stranger().ask("POST", "/upload", b"", content_length=huge)
    assert (answer.status, answer.json()["code"]) == (413, "body_too_large")


def test_a_body_in_pieces_passes_up_to_the_limit_and_no_further(proxied: LocalEdge) -> None:
    asked = proxied.stranger().asking("POST", "/upload", b"", transfer_encoding="chunked")
    (answer,) = proxied.together([{**asked, "body": [b"x" * 1000] * 20}])
    assert answer.body.endswith(b"body=20000")
    (answer,) = proxied.together([{**asked, "body": [b"x" * (1 << 20)] * (UPLOAD_BYTES_MAX // (1 << 20) + 1)}])
    assert (answer.status, answer.json()["code"]) == (413, "body_too_large")
    (answer,) = proxied.together([{**asked, "body": [b"x" * 1000], "whole": False}])
    assert (answer.status, answer.json()["code"]) == (400, "body_cut")


def test_an_address_has_its_share_of_the_connections_and_no_more(proxied: LocalEdge) -> None:
    greedy, other = proxied.stranger(), proxied.stranger()
    answers = proxied.together([greedy.asking("GET", "/") for _ in range(AT_ONCE_MAX + 1)] + [other.asking("GET", "/")])
    assert [answer.status for answer in answers] == [201] * AT_ONCE_MAX + [429, 201]
    assert answers[-2].json()["code"] == "too_many_at_once"
    assert "retry-after" in answers[-2].headers
    assert greedy.get("/").status == 201


def test_uploads_have_their_share_of_the_room_and_no_more(proxied: LocalEdge) -> None:
    body = {"body": [bytes(UPLOAD_BYTES)] * 2}
    people = [proxied.stranger() for _ in range(UPLOADS_MAX // UPLOADS_AT_ONCE_MAX + 1)]

    def upload(number: int) -> dict[str, Any]:
        asked = people[number].asking("POST", "/upload", b"", content_length=str(2 * UPLOAD_BYTES))
        return {**asked, "body": list(body["body"])}

    full = [upload(number // UPLOADS_AT_ONCE_MAX) for number in range(UPLOADS_MAX)]
    answers = proxied.together(
        [*full[:UPLOADS_AT_ONCE_MAX], upload(0), *full[UPLOADS_AT_ONCE_MAX:], upload(-1), people[-1].asking("GET", "/")]
    )
    refused = answers.pop(UPLOADS_AT_ONCE_MAX)
    *uploaded, late, page = answers
    assert {answer.status for answer in uploaded} == {201}
    assert (refused.status, refused.json()["code"]) == (429, "too_many_at_once")
    assert (late.status, late.json()["code"]) == (503, "too_many_uploads")
    assert page.status == 201
    (again,) = proxied.together([upload(0)])
    assert again.status == 201


@pytest.mark.parametrize("target", ["*@127.0.0.1:1/", "@127.0.0.1:1/", ":1@127.0.0.1/", "0/"])
def test_no_target_names_another_server(proxied: LocalEdge, target: str) -> None:
    answer = proxied.stranger().get(target)
    assert (answer.status, answer.json()["code"]) == (400, "target_malformed")


def test_more_headers_than_the_web_process_takes_are_refused_here(proxied: LocalEdge) -> None:
    answer = proxied.stranger().get("/", **{f"x_{number}": "y" for number in range(HEADERS_MAX)})
    assert (answer.status, answer.json()["code"]) == (431, "too_many_headers")


def test_a_long_header_comes_back_whole(proxied: LocalEdge) -> None:
    path = "/" + "a" * 20_000
    assert proxied.stranger().get(path).headers["x-path"] == path


def test_there_is_one_date(proxied: LocalEdge) -> None:
    # The server before the edge puts it.
    assert "date" not in proxied.stranger().get("/").headers


def test_an_empty_post_has_a_length(proxied: LocalEdge) -> None:
    answer = proxied.stranger().ask("POST", "/sign-out", b"", content_length="0")
    assert answer.status == 201
    assert "content-length=0" in answer.body.decode().lower()
