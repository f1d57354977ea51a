"""The HTTP client: httpx as the API, aiohttp as the engine, one per event loop (docs/architecture.md has the measurements)."""

from __future__ import annotations

import asyncio
import logging
import warnings
from weakref import WeakKeyDictionary

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from yarl import URL

__all__ = ["close_client", "provably_not_sent", "shared_client"]

# A synchronous scene call holds its connection while the vendor draws, so this bounds all in-flight calls.
MAX_CONNECTIONS = 2000
# Shorter than the 5 s after which common servers hang up: a paid POST must not meet a dying connection.
KEEPALIVE_SECONDS = 4.0

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx.AsyncClient] = WeakKeyDictionary()


def _without_query(record: logging.LogRecord) -> bool:
    """Keep the signatures of addresses out of httpx's own log lines, which name every address in full."""
    if isinstance(record.args, tuple):
        record.args = tuple(arg.copy_with(query=None) if isinstance(arg, httpx.URL) else arg for arg in record.args)
    return True


logging.getLogger("httpx").addFilter(_without_query)


with warnings.catch_warnings():
    # aiohttp discourages subclasses, and offers no other way to leave an address as it is.
    warnings.simplefilter("ignore", DeprecationWarning)

    class _VerbatimSession(aiohttp.ClientSession):
        """Sends addresses letter for letter: a requoted one may no longer fit its signature."""

        def _build_url(self, str_or_url: str | URL) -> URL:
            return URL(str_or_url, encoded=True) if isinstance(str_or_url, str) else str_or_url


class _NoCookies(httpx.Cookies):
    """A jar that nothing goes into, and nothing comes out of."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep nothing."""

    def set_cookie_header(self, request: httpx.Request) -> None:
        """Send nothing."""


class _Transport(AiohttpTransport):
    """aiohttp's engine without its cookie jar, which would carry cookies from one account to the next."""

    def get_client(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=MAX_CONNECTIONS, keepalive_timeout=KEEPALIVE_SECONDS, ssl=self.ssl_context
        )
        return _VerbatimSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


def shared_client() -> httpx.AsyncClient:
    """The running event loop's client; it holds no credentials, no cookies, and follows no redirect."""
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None or client.is_closed:
        client = httpx.AsyncClient(
            transport=_Transport(),
            follow_redirects=False,
            headers={"user-agent": "catwalk"},
        )
        # httpx has no switch for cookies, and reading them is a tenth of what a call costs.
        client._cookies = _NoCookies()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        _clients[loop] = client
    return client


async def close_client() -> None:
    """Close the running event loop's client, if one was opened."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.aclose()


def provably_not_sent(error: Exception) -> bool:
    """
    Whether no byte of the request can have reached the server.

    The transport reports a connection that broke after sending as `httpx.ConnectTimeout`, so only the
    aiohttp error beneath tells: no connection was ever made, or the wait for one ran out.
    """
    return isinstance(error.__cause__, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
