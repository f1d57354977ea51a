"""The HTTP client: httpx's requests and replies on aiohttp's engine, one per event loop (docs/architecture.md says why)."""

from __future__ import annotations

import asyncio
import warnings
from weakref import WeakKeyDictionary

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from yarl import URL

__all__ = ["close_client", "provably_not_sent", "send"]

# A synchronous scene call holds its connection while the vendor draws, so this bounds all in-flight calls.
MAX_CONNECTIONS = 2000
# Shorter than the 5 s after which common servers hang up: a paid POST must not meet a dying connection.
KEEPALIVE_SECONDS = 4.0

_transports: WeakKeyDictionary[asyncio.AbstractEventLoop, AiohttpTransport] = WeakKeyDictionary()


with warnings.catch_warnings():
    # aiohttp discourages subclasses, and offers no other way to leave an address as it is.
    warnings.simplefilter("ignore", DeprecationWarning)

    class _VerbatimSession(aiohttp.ClientSession):
        """Sends addresses letter for letter: a requoted one may no longer fit its signature."""

        def _build_url(self, str_or_url: str | URL) -> URL:
            return URL(str_or_url, encoded=True) if isinstance(str_or_url, str) else str_or_url


class _Transport(AiohttpTransport):
    """aiohttp's engine without its cookie jar, which would carry cookies from one account to the next."""

    def get_client(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=MAX_CONNECTIONS, keepalive_timeout=KEEPALIVE_SECONDS, ssl=self.ssl_context
        )
        return _VerbatimSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


async def send(request: httpx.Request) -> httpx.Response:
    """
    Send a request as it is: no credentials, cookies or redirects are added, and nothing is logged.

    The reply's body is still to come: `aread` takes it, `aclose` drops it. An `httpx.AsyncClient` between the
    two would double what a small call costs.
    """
    loop = asyncio.get_running_loop()
    if loop not in _transports:
        _transports[loop] = _Transport()
    return await _transports[loop].handle_async_request(request)


async def close_client() -> None:
    """Close the running event loop's connections, if there are any; the next call opens new ones."""
    transport = _transports.pop(asyncio.get_running_loop(), None)
    if transport is not None:
        await transport.aclose()


def provably_not_sent(error: Exception) -> bool:
    """
    Whether no byte of the request can have reached the server.

    The transport reports a connection that broke after sending as `httpx.ConnectTimeout`, so only the
    aiohttp error beneath tells: no connection was ever made, or the wait for one ran out.
    """
    return isinstance(error.__cause__, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
