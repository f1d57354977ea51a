"""Fetching what a vendor made: the whole picture, from a public address, without the account's key."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import aclosing
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address

import aiohttp
import httpx

from blocks.account import VendorAccount
from blocks.errors import JobFailed, ResultExpired, Unavailable, VendorError
from blocks.exchange import backoff, retry_after
from blocks.pictures import BrokenPicture, PictureInfo, examine, off_loop
from blocks.transport import send

__all__ = ["download"]

SECRETS = re.compile(r"[?#]\S*|(?<=//)[^/\s]*@")

Address = IPv4Address | IPv6Address

MAX_BYTES = 64 * 1024 * 1024
MAX_REDIRECTS = 3
TRIES = 4
# A result's storage may lag behind the job's status by a moment, and the picture is paid for.
ABSENT_TRIES = 2

ABSENT = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


async def download(url: str, account: VendorAccount) -> tuple[bytes, PictureInfo]:
    """
    Fetch one result and decode it whole.

    Raises `ResultExpired` when the vendor no longer holds it, `JobFailed` when it can't be taken as it is, and
    `Unavailable` when it could not be had in a few tries, each of `account.timeouts.download` seconds.
    """
    for failures in range(1, TRIES + 1):
        try:
            data = await _fetched(url, account, failures)
            return data, await off_loop(examine, data, source=f"{account.vendor}'s result {_bare(url)}")
        except BrokenPicture as error:
            failure: VendorError = _unavailable(url, account, error.what)
        except VendorError as error:
            failure = error
        if failures == _tries(failure):
            raise failure
        await asyncio.sleep(backoff(failures, failure))
    raise AssertionError("unreachable: the last try returns or raises")


def _tries(failure: VendorError) -> int:
    if isinstance(failure, ResultExpired):
        return ABSENT_TRIES
    return TRIES if failure.retryable else 1


async def _fetched(url: str, account: VendorAccount, turn: int) -> bytes:
    try:
        async with asyncio.timeout(account.timeouts.download):
            return await _followed(httpx.URL(url), account, turn)
    # ValueError comes for ports that can't be and, as UnicodeError, for host names that can't be.
    except (httpx.InvalidURL, ValueError):
        failure: VendorError = _unusable(url, account, "is no valid address")
    # aiohttp's errors arrive raw where its httpx transport has no name for them.
    except (httpx.RequestError, aiohttp.ClientError, OSError) as error:
        failure = _unavailable(url, account, SECRETS.sub("", str(error)) or type(error).__name__)
    # Raised outside of the handlers, as the errors caught there hold the whole address.
    raise failure


async def _followed(target: httpx.URL, account: VendorAccount, turn: int) -> bytes:
    for _ in range(1 + MAX_REDIRECTS):
        answer = await _get(target, await _pinned(target, account, turn), account)
        if isinstance(answer, bytes):
            return answer
        target = target.join(answer)
    raise _unusable(str(target), account, f"redirects more than {MAX_REDIRECTS} times")


async def _get(target: httpx.URL, address: str | None, account: VendorAccount) -> bytes | str:
    """The picture's bytes, or where it is to be had instead."""
    request = httpx.Request("GET", target, headers={"user-agent": "catwalk", "accept-encoding": "identity"})
    timeouts = account.timeouts
    waits = httpx.Timeout(timeouts.download, connect=timeouts.connect, pool=timeouts.connect)
    request.extensions["timeout"] = waits.as_dict()
    if address is not None:
        # The name stays in the Host header and in the certificate's check.
        request.extensions["sni_hostname"] = target.host
        request.url = target.copy_with(host=address)
    response = await send(request)
    async with aclosing(response):
        if response.has_redirect_location:
            return response.headers["location"]
        if response.status_code != HTTPStatus.OK:
            raise _refused(target, response, account)
        return await _body(target, response, account)


async def _body(target: httpx.URL, response: httpx.Response, account: VendorAccount) -> bytes:
    data = bytearray()
    # aiohttp raises when a body ends before its announced length or its last chunk.
    async for part in response.aiter_bytes():
        data += part
        if len(data) > MAX_BYTES:
            raise _unusable(str(target), account, f"is larger than {MAX_BYTES // 1024 // 1024} MB")
    return bytes(data)


async def _pinned(target: httpx.URL, account: VendorAccount, turn: int) -> str | None:
    """
    One of the host's public addresses, a different one at each turn; None to connect by name.

    The name is resolved once, and the address checked is the address called: a name that resolves to a public
    address now and to a private one a moment later gets nowhere.
    """
    if target.scheme not in ("http", "https") or not target.host:
        raise _unusable(str(target), account, "is no http(s) address")
    addresses = await _addresses(target.host)
    if all(_is_public(address) for address in addresses):
        return str(addresses[(turn - 1) % len(addresses)])
    if any(_is_public(address) for address in await _addresses(httpx.URL(account.base_url).host)):
        raise _unusable(str(target), account, "is a private address, which a public vendor has no business with")
    # The vendor itself is on this machine or network: the sandbox.
    return None


async def _addresses(host: str) -> list[Address]:
    try:
        return [ip_address(host)]
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return sorted({ip_address(where[0]) for *_, where in found}, key=lambda address: (address.version, address))


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_global and not address.is_multicast


def _refused(target: httpx.URL, response: httpx.Response, account: VendorAccount) -> VendorError:
    where, status = _bare(str(target)), response.status_code
    if status in ABSENT:
        return ResultExpired(
            f"{account.vendor} no longer holds {where} (HTTP {status})",
            vendor=account.vendor,
            status=status,
            next_step="Vendors keep results for 24 hours; --retry failed buys it anew.",
        )
    failure = _unavailable(str(target), account, f"HTTP {status}")
    failure.status, failure.retry_after = status, retry_after(response)
    return failure


def _unavailable(url: str, account: VendorAccount, cause: str) -> Unavailable:
    return Unavailable(
        f"{account.vendor}'s result {_bare(url)} could not be fetched: {cause}",
        vendor=account.vendor,
        next_step="Run again: the job is paid, and will be fetched, not repeated.",
    )


def _unusable(url: str, account: VendorAccount, cause: str) -> JobFailed:
    return JobFailed(
        f"{account.vendor}'s result {_bare(url)} {cause}",
        vendor=account.vendor,
        next_step="Ask the vendor about the job.",
    )


def _bare(url: str) -> str:
    """The address without what may open the bucket: a signature in its query string, a password."""
    return SECRETS.sub("", url)
