"""Pictures on the web, from a real server that misbehaves."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from blocks.errors import CatalogError
from catalogs import web as pictures_web
from catalogs.web import fetch_web
from tests.s3_servers import free_port

pytestmark = pytest.mark.usefixtures("closed_client")

PICTURE = bytes(range(256)) * 1000
NO_WAITS = (0.0, 0.0)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncGenerator[str]:
    """A server that answers every path with the handler; gives its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def refusal(url: str) -> str:
    """What is said of a picture that can't be had."""
    with pytest.raises(CatalogError) as caught:
        await fetch_web(url, NO_WAITS)
    return str(caught.value)


async def test_a_picture_arrives_whole() -> None:
    """The query goes to the server as it is, and nothing else goes along."""
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(body=PICTURE)

    async with serving(answer) as base:
        data = await fetch_web(f"{base}/a%20b.jpg?sig=x%2By", NO_WAITS)

    assert data == PICTURE
    assert [request.raw_path for request in seen] == ["/a%20b.jpg?sig=x%2By"]
    assert not {"Authorization", "Cookie"} & set(seen[0].headers)


async def test_redirects_are_followed_to_any_server() -> None:
    """A link of the shop's content system leads to its storage, with relative steps between."""

    async def answer(request: web.Request) -> web.Response:
        step = int(request.path.strip("/"))
        if step == 0:
            return web.Response(body=PICTURE)
        return web.Response(status=(301, 302, 303, 307, 308)[step - 1], headers={"Location": f"{step - 1}"})

    async with serving(answer) as base:
        assert await fetch_web(f"{base}/5", NO_WAITS) == PICTURE


async def test_redirects_that_lead_nowhere_are_refused() -> None:
    """A circle ends, and no other kind of address is followed."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async with serving(answer) as base:
        assert await refusal(f"{base}/a.jpg?to=?to=%3Fto") == (
            f"picture {base}/a.jpg can't be fetched: it redirects more than 5 times. Use the picture's own address."
        )
        assert await refusal(f"{base}/a.jpg?to=file:///etc/passwd") == (
            f"picture {base}/a.jpg can't be fetched: it redirects to a file: address. Use the picture's own address."
        )


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "HTTP 401 Unauthorized. Make the picture readable without a login."),
        (403, "HTTP 403 Forbidden. Make the picture readable, or renew the signature in its address."),
        (404, "HTTP 404 Not Found. Correct the address in the catalog, or put the picture there."),
        (410, "HTTP 410 Gone. Correct the address in the catalog, or put the picture there."),
        (204, "HTTP 204 No Content. Correct the address in the catalog."),
        (418, "HTTP 418 I'm a Teapot. Correct the address in the catalog."),
    ],
)
async def test_a_refusal_is_told_at_once(status: int, words: str) -> None:
    """The status is named, and the signature in the query is not."""
    asked = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=status, reason=None)

    async with serving(answer) as base:
        message = await refusal(f"{base}/a.jpg?X-Amz-Signature=secret")

        assert message.casefold() == f"picture {base}/a.jpg can't be fetched: {words}".casefold()
    assert asked == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_server_in_trouble_is_asked_again(status: int) -> None:
    """The third answer is the picture."""
    answers = iter([status, status])

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=next(answers, 200), body=PICTURE)

    async with serving(answer) as base:
        assert await fetch_web(f"{base}/a.jpg", NO_WAITS) == PICTURE


async def test_a_server_that_stays_in_trouble_is_given_up() -> None:
    """The message counts the tries."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=503)

    async with serving(answer) as base:
        assert await refusal(f"{base}/a.jpg?sig=secret") == (
            f"picture {base}/a.jpg can't be fetched: HTTP 503 Service Unavailable, 3 times. "
            "Run again once its server answers."
        )


async def test_a_server_that_asks_for_patience_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry-After counts where it is longer than our own wait, up to a limit."""
    monkeypatch.setattr(pictures_web, "LONGEST_WAIT_SECONDS", 0.2)
    answers = iter([web.Response(status=429, headers={"Retry-After": "60"})])
    loop = asyncio.get_running_loop()
    began: list[float] = []

    async def answer(_: web.Request) -> web.Response:
        began.append(loop.time())
        return next(answers, web.Response(body=PICTURE))

    async with serving(answer) as base:
        await fetch_web(f"{base}/a.jpg", NO_WAITS)

    assert began[1] - began[0] >= 0.19


async def test_a_server_that_is_not_there_is_given_up() -> None:
    """The cause is the connection's own."""
    url = f"http://127.0.0.1:{free_port()}/a.jpg"

    message = await refusal(f"{url}?sig=secret")

    assert message.startswith(f"picture {url} can't be fetched: ")
    assert message.endswith(", 3 times. Run again once its server answers.")
    assert "Cannot connect to host 127.0.0.1" in message
    assert "secret" not in message


async def test_a_body_that_breaks_off_is_fetched_again() -> None:
    """Half a picture is no picture."""
    asked = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked == 2:
            return web.Response(body=PICTURE)
        response = web.StreamResponse(headers={"Content-Length": str(len(PICTURE))})
        await response.prepare(request)
        await response.write(PICTURE[:1000])
        assert request.transport is not None
        request.transport.close()
        return response

    async with serving(answer) as base:
        assert await fetch_web(f"{base}/a.jpg", NO_WAITS) == PICTURE
    assert asked == 2


async def test_a_server_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try has its deadline, even if bytes trickle."""
    monkeypatch.setattr(pictures_web, "TRY_SECONDS", 0.1)

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.02)

    async with serving(answer) as base:
        assert await refusal(f"{base}/a.jpg") == (
            f"picture {base}/a.jpg can't be fetched: its server does not answer in time, 3 times. "
            "Run again once its server answers."
        )


async def test_a_picture_that_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is read than a vendor would take, also when it was packed."""
    monkeypatch.setattr(pictures_web, "MAX_BYTES", 2 * 1024 * 1024)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/packed.jpg":
            return web.Response(body=gzip.compress(bytes(9_000_000)), headers={"Content-Encoding": "gzip"})
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(PICTURE)

    async with serving(answer) as base:
        for name in ("endless.jpg", "packed.jpg"):
            assert await refusal(f"{base}/{name}") == f"picture {base}/{name} is larger than 2 MB. Make it smaller."


async def test_an_address_that_no_host_can_have() -> None:
    """It is refused, not tried again."""
    host = "a" * 64 + ".example"

    assert "it is no valid address" in await refusal(f"http://{host}/a.jpg")
