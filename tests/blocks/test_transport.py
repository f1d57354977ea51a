"""Connections that break at every point, on real sockets: what provably was not sent, and what may have been."""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from pydantic import SecretStr

from blocks import ClaidCredentials
from blocks.account import Limits, Timeouts
from blocks.errors import OutcomeUnknown, Unavailable, VendorError
from blocks.exchange import Call, call
from blocks.transport import close_client, send

pytestmark = pytest.mark.usefixtures("closed_client")

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

PAID = Call("POST", "/v1/scene/create", json={"object": {}})
FREE = Call("GET", "/v1/image/ai-edit/1")


@asynccontextmanager
async def _serving(handler: Handler) -> AsyncGenerator[str]:
    """A server on a free port that leaves every connection to the handler; gives its address."""
    running = set[asyncio.Task[None]]()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for task in running:
            task.cancel()
        server.close()
        await server.wait_closed()


async def _whole_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b"0")
    return head + await reader.readexactly(int(length))


def _account(base_url: str, *, connect: float = 5, reply: float = 5) -> ClaidCredentials:
    return ClaidCredentials(
        api_key=SecretStr("secret-key"),
        base_url=base_url,
        limits=Limits(),
        timeouts=Timeouts(connect=connect, reply=reply),
    )


async def _failure(account: ClaidCredentials, *, paid: bool) -> VendorError:
    with pytest.raises(VendorError) as caught:
        await call(account, PAID if paid else FREE, paid=paid)
    return caught.value


async def closes_before_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, and hang up."""


async def closes_after_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the whole request, and hang up."""
    await _whole_request(reader)


async def resets_after_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the whole request, and reset the connection."""
    await _whole_request(reader)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def sends_half_a_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hang up in the middle of the reply's head."""
    await _whole_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-le")
    await writer.drain()


async def sends_half_a_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hang up in the middle of the reply's body."""
    await _whole_request(reader)
    writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":')
    await writer.drain()


async def sends_a_broken_chunk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Announce chunks, and send none."""
    await _whole_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nno chunk\r\n")
    await writer.drain()


async def sends_garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer in no protocol at all."""
    await _whole_request(reader)
    writer.write(b"\x00\x01 this is not HTTP\r\n\r\n")
    await writer.drain()


async def sends_a_broken_encoding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Announce gzip, and send something else."""
    await _whole_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope")
    await writer.drain()


async def never_replies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the whole request, and be silent."""
    await _whole_request(reader)
    await asyncio.Event().wait()


async def trickles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a body byte by byte, without end."""
    await _whole_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


BREAKS = [
    closes_before_reading,
    closes_after_reading,
    resets_after_reading,
    sends_half_a_head,
    sends_half_a_body,
    sends_a_broken_chunk,
    sends_garbage,
    sends_a_broken_encoding,
    never_replies,
    trickles,
]


@pytest.mark.parametrize("breaks", BREAKS)
async def test_a_paid_call_that_breaks_once_connected_is_an_unknown_outcome(breaks: Handler) -> None:
    """The vendor may have read the request, whatever became of its answer."""
    async with _serving(breaks) as url:
        error = await _failure(_account(url, connect=0.2, reply=0.2), paid=True)

    assert OutcomeUnknown is type(error)
    assert error.outcome_unknown
    assert not error.retryable


@pytest.mark.parametrize("breaks", BREAKS)
async def test_a_free_call_that_breaks_may_be_repeated(breaks: Handler) -> None:
    """A poll costs nothing, so it is only asked again."""
    async with _serving(breaks) as url:
        error = await _failure(_account(url, connect=0.2, reply=0.2), paid=False)

    assert Unavailable is type(error)
    assert error.retryable


def _refused_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("paid", [True, False])
@pytest.mark.parametrize("base_url", [_refused_port(), "http://vendor.invalid"], ids=["refused", "unknown"])
async def test_without_a_connection_nothing_was_sent(base_url: str, *, paid: bool) -> None:
    """A refused port and an unknown host are no doubt: even a paid call may be repeated."""
    error = await _failure(_account(base_url), paid=paid)

    assert Unavailable is type(error)
    assert "nothing was sent" in str(error)


@pytest.mark.parametrize("paid", [True, False])
async def test_a_failed_handshake_sends_nothing(*, paid: bool) -> None:
    """TLS that does not come about has carried no request."""
    async with _serving(closes_before_reading) as url:
        error = await _failure(_account(url.replace("http:", "https:")), paid=paid)

    assert Unavailable is type(error)
    assert "nothing was sent" in str(error)


@pytest.mark.parametrize("paid", [True, False])
async def test_a_connection_that_never_comes_about_sends_nothing(*, paid: bool) -> None:
    """A full queue at the vendor's door leaves the call outside, and its deadline ends the wait."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for queued in (first, second):
            queued.setblocking(False)
            queued.connect_ex(listener.getsockname())
        error = await _failure(_account(f"http://127.0.0.1:{listener.getsockname()[1]}", connect=0.2), paid=paid)

    assert Unavailable is type(error)
    assert "nothing was sent" in str(error)


async def test_a_paid_call_is_posted_once_even_on_a_connection_that_dies() -> None:
    """A kept connection that the server drops as the next call arrives is not quietly replaced by another."""
    posts = list[bytes]()

    async def answers_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        posts.append(await _whole_request(reader))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        posts.append(await _whole_request(reader))

    async with _serving(answers_once) as url:
        account = _account(url)
        await call(account, PAID, paid=True)
        error = await _failure(account, paid=True)

    assert OutcomeUnknown is type(error)
    assert len(posts) == 2


@pytest.mark.parametrize("breaks", [sends_garbage, never_replies])
async def test_what_broke_is_told_without_the_key(breaks: Handler) -> None:
    """Neither the message nor an error behind it holds the request's headers."""
    async with _serving(breaks) as url:
        error = await _failure(_account(url, connect=0.1, reply=0.1), paid=True)

    assert "secret-key" not in f"{error!r} {error} {vars(error)}"
    assert (error.__cause__, error.__context__) == (None, None)


async def test_no_redirect_is_followed_and_no_other_host_sees_the_key() -> None:
    """Wherever the vendor points to, the key stays with the account's own address."""
    elsewhere = list[bytes]()

    async def takes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        elsewhere.append(await _whole_request(reader))

    async with _serving(takes) as other:

        async def redirects(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _whole_request(reader)
            writer.write(f"HTTP/1.1 307 Go\r\nlocation: {other}/x\r\ncontent-length: 0\r\n\r\n".encode())
            await writer.drain()

        async with _serving(redirects) as url:
            error = await _failure(_account(url), paid=True)

    assert "base_url" in str(error)
    assert elsewhere == []


async def test_no_cookie_is_kept() -> None:
    """What one account is given must not go along with the next account's calls."""
    requests = list[bytes]()

    async def gives_a_cookie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            requests.append(await _whole_request(reader))
            writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: session=1; Path=/\r\ncontent-length: 2\r\n\r\n{}")
            await writer.drain()

    async with _serving(gives_a_cookie) as url:
        for _ in range(2):
            await call(_account(url.replace("127.0.0.1", "localhost")), FREE, paid=False)

    assert [b"cookie" in request.lower() for request in requests] == [False, False]


async def test_calls_share_connections_until_they_are_closed() -> None:
    """A closed client is replaced by the next call."""
    connections = 0

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await _whole_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            await writer.drain()

    async with _serving(answers) as url:
        for _ in range(3):
            await call(_account(url), FREE, paid=False)
        shared = connections
        await close_client()
        await close_client()
        await call(_account(url), FREE, paid=False)

    assert (shared, connections) == (1, 2)


@pytest.mark.parametrize(
    "target",
    ["/a%2Fb%28c%29/d%20e?X-Credential=k%2Fus%2Faws4&time=10%3A30&name=a+b", "/%7Euser/caf%C3%A9.png?x=%E2%82%AC"],
)
async def test_an_address_is_sent_letter_for_letter(target: str) -> None:
    """A signed address fits its signature only as it was given."""
    asked: list[str] = []

    async def records(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await _whole_request(reader)).split(b" ", 2)[1].decode())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()

    async with _serving(records) as base_url:
        await (await send(httpx.Request("GET", base_url + target))).aclose()

    assert [target] == asked
