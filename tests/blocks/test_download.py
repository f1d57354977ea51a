"""Tests for blocks/download.py, against a real server on this machine."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks import download as module
from blocks import exchange
from blocks.account import Timeouts
from blocks.download import download
from blocks.errors import JobFailed, ResultExpired, Unavailable, VendorError
from blocks.transport import close_client
from blocks.vmake import VmakeCredentials
from tests.blocks.vendor_server import Handler, png, serving

Serve = Callable[[Handler], Awaitable[str]]


PICTURE = png(64)


def account(base_url: str, *, seconds: float = 10) -> VmakeCredentials:
    """An account at a vendor that answers at this address."""
    return VmakeCredentials.model_validate(
        {"api_key": "vmake-secret", "base_url": base_url, "timeouts": Timeouts(download=seconds, connect=5)}
    )


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "FIRST_BACKOFF_SECONDS", 0.001)


@pytest.fixture
async def serve() -> AsyncGenerator[Serve]:
    """Start a server whose every path is answered by one handler, and give its address."""
    async with AsyncExitStack() as servers:

        async def start(handler: Handler) -> str:
            return await servers.enter_async_context(serving(handler))

        yield start


async def answer(_: web.Request) -> web.Response:
    """A whole picture."""
    return web.Response(body=PICTURE)


async def test_returns_the_bytes_and_what_they_are(serve: Serve) -> None:
    """A result arrives bit for bit, measured."""
    base = await serve(answer)

    data, info = await download(f"{base}/r.png", account(base))

    assert data == PICTURE
    assert (info.format, info.width, info.height) == ("PNG", 64, 64)


async def test_sends_neither_key_nor_cookies(serve: Serve) -> None:
    """The host that holds results learns nothing of the account, even after it set a cookie."""
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request)
        response = web.Response(body=PICTURE)
        response.set_cookie("session", "abc")
        return response

    base = await serve(handler)
    for _ in range(2):
        await download(f"{base}/r.png", account(base))

    assert len(seen) == 2
    assert not any("vmake-secret" in str(request.headers) or "Cookie" in request.headers for request in seen)


async def test_sniffs_the_bytes_whatever_the_content_type_says(serve: Serve) -> None:
    """A vendor's storage labels pictures as it likes."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=PICTURE, content_type="text/html")

    base = await serve(handler)

    assert (await download(f"{base}/r.jpg", account(base)))[1].mime == "image/png"


async def test_keeps_a_signed_address_as_it_is(serve: Serve) -> None:
    """A signature means the same to the server as it did in the vendor's reply."""
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.query["Signature"])
        return web.Response(body=PICTURE)

    base = await serve(handler)
    await download(f"{base}/r.png?Expires=1&Signature=a%2Bb%2Fc%3D%3D", account(base))

    assert seen == ["a+b/c=="]


@pytest.mark.parametrize("fault", ["500", "429", "truncated", "short", "corrupted", "empty", "html", "dropped"])
async def test_fetches_again_what_did_not_arrive_whole(serve: Serve, fault: str) -> None:
    """Every fault of the line or the storage is tried again, since the picture is paid for."""
    calls: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        calls.append(request.path)
        return web.Response(body=PICTURE) if len(calls) == 3 else await faulty(request, fault)

    base = await serve(handler)

    assert (await download(f"{base}/r.png", account(base)))[0] == PICTURE
    assert len(calls) == 3


async def faulty(request: web.Request, fault: str) -> web.StreamResponse:
    """Answer in one of the ways that are no whole picture."""
    if fault in {"short", "dropped"}:
        return await broken_off(request, announced=fault == "short")
    answers: dict[str, dict[str, Any]] = {
        "500": {"status": 500, "text": "Internal Server Error"},
        "429": {"status": 429, "headers": {"Retry-After": "0"}},
        # Its announced length arrives, but the picture is cut off.
        "truncated": {"body": PICTURE[:-100]},
        "corrupted": {"body": PICTURE[:2000] + bytes(8) + PICTURE[2008:]},
        "empty": {"body": b""},
        "html": {"text": "<html>Please wait</html>", "content_type": "text/html"},
    }
    return web.Response(**answers[fault])


async def broken_off(request: web.Request, *, announced: bool) -> web.StreamResponse:
    """Hang up in the middle: short of the announced length, or before the last chunk."""
    response = web.StreamResponse(headers={"Content-Length": str(len(PICTURE))} if announced else {})
    await response.prepare(request)
    await response.write(PICTURE[:1000])
    assert request.transport is not None
    request.transport.close()
    return response


async def test_gives_up_without_telling_the_signature(serve: Serve) -> None:
    """In the end the picture is named without its query string, and the next run will fetch it."""
    calls: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response(status=502)

    base = await serve(handler)
    with pytest.raises(Unavailable) as raised:
        await download(f"{base}/r.png?Signature=secret-signature", account(base))

    assert len(calls) == 4
    assert raised.value.status == 502
    assert f"{base}/r.png could not be fetched: HTTP 502" in str(raised.value)
    assert "secret-signature" not in repr(raised.value) + str(raised.value)
    assert "the job is paid, and will be fetched, not repeated" in str(raised.value)


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_tells_that_a_result_has_expired(serve: Serve, status: int) -> None:
    """What the vendor no longer holds is asked for twice, then reported as expired."""
    calls: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response(status=status)

    base = await serve(handler)
    with pytest.raises(ResultExpired):
        await download(f"{base}/r.png", account(base))

    assert len(calls) == 2


async def test_ends_a_body_that_trickles(serve: Serve) -> None:
    """Each try has its deadline, however many bytes keep coming."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"\x89")
            await asyncio.sleep(0.02)

    base = await serve(handler)
    with pytest.raises(Unavailable, match="TimeoutError"):
        await download(f"{base}/r.png", account(base, seconds=0.1))


async def test_refuses_more_than_the_largest_size(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless or huge body is not read to its end, and not asked for again."""
    calls: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        calls.append(request.path)
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(4096))

    monkeypatch.setattr(module, "MAX_BYTES", 1024 * 1024)
    base = await serve(handler)
    with pytest.raises(JobFailed, match="larger than 1 MB"):
        await download(f"{base}/r.png", account(base))

    assert len(calls) == 1


async def test_unpacks_a_compressed_body(serve: Serve) -> None:
    """A host that compresses although it was asked not to is understood."""

    async def handler(_: web.Request) -> web.Response:
        response = web.Response(body=PICTURE)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    base = await serve(handler)

    assert (await download(f"{base}/r.png", account(base)))[0] == PICTURE


async def test_follows_three_redirects(serve: Serve) -> None:
    """A result may have moved, relatively or not, but not for ever."""

    async def handler(request: web.Request) -> web.Response:
        hop = int(request.path[1:])
        return web.Response(status=302, headers={"Location": f"/{hop - 1}"}) if hop else web.Response(body=PICTURE)

    base = await serve(handler)

    assert (await download(f"{base}/3", account(base)))[0] == PICTURE
    with pytest.raises(JobFailed, match="redirects more than 3 times"):
        await download(f"{base}/4", account(base))


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.com/a.png", "data:image/png;base64,AAAA", "/r.png", "", "https://", "x" * 99],
)
async def test_refuses_odd_addresses(url: str) -> None:
    """Only http and https are fetched."""
    with pytest.raises(JobFailed):
        await download(url, account("http://127.0.0.1:1"))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.0.0.8", "192.168.1.1", "169.254.169.254", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]",
     "[fe80::1]", "100.64.0.1", "224.0.0.1", "2130706433", "0x7f.1"],
)  # fmt: skip
async def test_refuses_private_addresses_of_a_public_vendor(serve: Serve, host: str) -> None:
    """A public vendor can't make the client call this network, under whatever name or notation."""
    calls: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response(body=PICTURE)

    port = httpx.URL(await serve(handler)).port
    with pytest.raises(JobFailed):
        await download(f"http://{host}:{port}/r.png", account("https://93.184.215.14"))

    assert not calls


async def test_connects_to_the_address_that_was_checked(serve: Serve) -> None:
    """The name goes into the Host header; the connection goes to the checked address."""
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.host)
        return web.Response(body=PICTURE)

    base = httpx.URL(await serve(handler))
    named = base.copy_with(host="results.example")
    data = await module._get(named, "127.0.0.1", account("https://93.184.215.14"))

    assert data == PICTURE
    assert seen == [f"results.example:{base.port}"]


async def test_checks_the_certificate_of_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calling an address by number still demands the certificate of the name."""
    server = TestServer(web.Application(), scheme="https")
    server.app.router.add_get("/r.png", answer)
    await server.start_server(ssl=certified("results.example", tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    try:
        good, bad = (httpx.URL(f"https://{name}:{server.port}/r.png") for name in ("results.example", "other.example"))

        assert await module._get(good, "127.0.0.1", account("https://93.184.215.14")) == PICTURE
        with pytest.raises(httpx.TransportError, match="certificate verify failed"):
            await module._get(bad, "127.0.0.1", account("https://93.184.215.14"))
    finally:
        await close_client()
        await server.close()


def certified(name: str, folder: Path) -> ssl.SSLContext:
    """A server's TLS context with a certificate of its own making for a name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


WORDS = st.text(st.characters(exclude_characters="@"), max_size=40)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(WORDS, *(WORDS.map(start.__add__) for start in ("https://127.0.0.1/", "http://127.0.0.1:", "http://[")))
)
def test_any_address_is_fetched_or_refused(url: str) -> None:
    """Whatever a vendor puts where the address belongs, only errors of ours come out."""
    with pytest.raises(VendorError):
        asyncio.run(download(url, account("https://93.184.215.14")))
