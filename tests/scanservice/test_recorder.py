"""The recorder against servers that are away, slow, or break off in the middle."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from kit import redis
from kit.redis import connect
from kit.redis_line import pack
from scanservice.edge.recorder import CatalogueOld, GenerationMissing, Recorder, RecorderAway, recorded
from scanservice.hot import calls, functions

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SIGHT = (functions.meta_key(1), functions.log_key(1))


async def sight(recorder: Recorder, *, generation: int = 1, catalogue: int = 1) -> bytes:
    return await recorded(recorder, 1, calls.packed(functions.SIGHT, SIGHT, generation, catalogue, 10_000, b"entry"))


def ready(redis_url: str) -> None:
    with connect(redis_url) as redis:
        functions.prepare(redis)
        redis.hset(functions.meta_key(1), mapping={"g": 1, "c": 1})


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[str]:
    """The address of a server that treats each connection as `serve` does."""

    async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()
            ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(serve_and_close, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    server.close()
    await server.wait_closed()
    await ended.wait()
    await asyncio.sleep(0)


async def against(serve: Serve) -> None:
    """A recorder whose server answers as `serve` does must refuse."""
    async with serving(serve) as url:
        recorder = Recorder(url)
        with pytest.raises(RecorderAway):
            await sight(recorder)
        await recorder.close()


def test_what_many_ask_in_one_turn_is_recorded_in_their_order(redis_url: str) -> None:
    ready(redis_url)

    async def run() -> list[bytes]:
        recorder = Recorder(redis_url)
        answers = await asyncio.gather(*(sight(recorder) for _ in range(3000)))
        await recorder.close()
        return list(answers)

    assert asyncio.run(run()) == [b""] * 3000
    with connect(redis_url) as redis:
        assert redis.xlen(functions.log_key(1)) == 3000


def test_refusals_of_the_function_reach_only_whom_they_concern(redis_url: str) -> None:
    ready(redis_url)

    async def run() -> list[bytes | BaseException]:
        recorder = Recorder(redis_url)
        asked = (sight(recorder), sight(recorder, generation=2), sight(recorder, catalogue=0), sight(recorder))
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert recorder.troubled.is_set()
        await recorder.close()
        return list(answers)

    first, second, third, fourth = asyncio.run(run())
    assert (first, fourth) == (b"", b"")
    assert isinstance(second, GenerationMissing)
    assert isinstance(third, CatalogueOld)
    assert third.version == 1


def test_a_missing_function_is_unavailable(redis_url: str) -> None:
    async def run() -> None:
        recorder = Recorder(redis_url)
        with pytest.raises(RecorderAway):
            await sight(recorder)
        assert recorder.troubled.is_set()
        await recorder.close()

    asyncio.run(run())


def test_a_server_that_is_away_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        async def run() -> None:
            recorder = Recorder(f"redis://127.0.0.1:{taken.getsockname()[1]}/0")
            with pytest.raises(RecorderAway):
                await sight(recorder)
            await recorder.close()

        asyncio.run(run())


def test_a_server_that_comes_back_is_found(redis_url: str) -> None:
    ready(redis_url)

    async def run() -> None:
        recorder = Recorder(redis_url)
        assert await sight(recorder) == b""
        with connect(redis_url) as redis:
            redis.client_kill_filter(_type="normal", skipme=True)
        # The first notices, unless the end of the connection came before it.
        await asyncio.gather(sight(recorder), return_exceptions=True)
        assert await sight(recorder) == b""
        await recorder.close()

    asyncio.run(run())


def test_a_broken_connection_is_no_answer_and_nothing_is_sent_again() -> None:
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"entry\r\n"))

    asyncio.run(against(serve))
    assert len(received) == 1


def test_half_an_answer_is_no_answer() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"entry\r\n")
        writer.write(b"$10\r\nabc")

    asyncio.run(against(serve))


def test_a_late_answer_closes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "ANSWER_S_MAX", 0.01)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    asyncio.run(against(serve))


@pytest.mark.parametrize(("answer", "recorded"), [(b"*2\r\n:1\r\n:1\r\n", True), (b"*2\r\n:1\r\n:0\r\n", False)])
def test_where_there_are_replicas_one_of_them_has_to_acknowledge(answer: bytes, recorded: bool) -> None:  # noqa: FBT001
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"WAITAOF\r\n")
        await reader.readuntil(b"1000\r\n")
        writer.write(_bulk(b"") + answer)
        await reader.read()

    async def run() -> None:
        async with serving(serve) as url:
            recorder = Recorder(url)
            recorder.acknowledgement = pack(("WAITAOF", 1, 1, 1000))
            if recorded:
                assert await sight(recorder) == b""
            else:
                with pytest.raises(RecorderAway):
                    await sight(recorder)
            await recorder.close()

    asyncio.run(run())


def test_a_wrong_password_is_unavailable(redis_url: str) -> None:
    address = redis_url.rpartition("@")[2]

    async def run() -> None:
        recorder = Recorder(f"redis://:wrong@{address}")
        with pytest.raises(RecorderAway):
            await sight(recorder)
        await recorder.close()

    asyncio.run(run())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_through_tls_it_records_as_well(redis_url: str, tmp_path: Path, run: Callable[..., object]) -> None:
    """A tunnel before the real server: redis-py opens it, and hands over a transport that still encrypts."""
    ready(redis_url)
    given, ended = urlsplit(redis_url), asyncio.Event()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(given.hostname, given.port)

        async def pour(source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
            while piece := await source.read(1 << 16):
                into.write(piece)
            into.close()

        await asyncio.gather(pour(reader, inner_writer), pour(inner_reader, writer), return_exceptions=True)
        for one in (inner_writer, writer):
            one.close()
        ended.set()

    async def record() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*_certificate(tmp_path))
        server = await asyncio.start_server(tunnel, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        recorder = Recorder(f"rediss://:{given.password}@127.0.0.1:{port}/0?ssl_ca_certs={tmp_path}/certificate.pem")
        assert await asyncio.gather(*(sight(recorder) for _ in range(300))) == [b""] * 300
        await recorder.close()
        await ended.wait()
        server.close()
        await server.wait_closed()

    run(record())


def _certificate(folder: Path) -> tuple[Path, Path]:
    """One that signs itself, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "certificate.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, private


def _bulk(value: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(value), value)
