"""`catwalk doctor`: is everything there that a run needs? It spends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from blocks.account import VendorAccount
from blocks.checkup import check_account
from blocks.errors import CatwalkError
from blocks.operations import account_types
from blocks.storage import ObjectStorage
from blocks.transport import close_client
from blocks.webhook import ended_jobs
from flows.accounts import open_account
from flows.parameters import Accounts

__all__ = ["doctor"]

EXIT_UNWELL = 1


def doctor(
    output: Annotated[str | None, typer.Option(help="Also see that this output can be written.")] = None,
) -> None:
    """Check keys, endpoints and storage: say what is missing and how to mend it. Spends nothing."""
    if not asyncio.run(_examine(output)):
        raise typer.Exit(EXIT_UNWELL)


async def _examine(output: str | None) -> bool:
    checks: list[tuple[str, Callable[[], Awaitable[str]]]] = [
        (kind.vendor, _account_check(kind)) for kind in account_types()
    ]
    if output is not None:
        checks.append((f"output {output}", _storage_check(output)))
    try:
        return all([await _tell(name, check) for name, check in checks])
    finally:
        await close_client()


async def _tell(name: str, check: Callable[[], Awaitable[str]]) -> bool:
    try:
        typer.secho(f"ok    {name}: {await check()}", fg=typer.colors.GREEN)
    except CatwalkError as error:
        typer.secho(f"wrong {name}: {error}", fg=typer.colors.RED)
        return False
    return True


def _account_check(kind: type[VendorAccount]) -> Callable[[], Awaitable[str]]:
    async def check() -> str:
        account = await open_account(kind, Accounts())
        await check_account(account)
        words = f"{account.base_url} answers and accepts the key"
        if (webhook := account.webhook()) is None:
            return words
        await ended_jobs(webhook, "", wait=0)
        return f"{words}; the webhook receiver at {webhook.receiver} answers and has the same secret"

    return check


def _storage_check(output: str) -> Callable[[], Awaitable[str]]:
    async def check() -> str:
        storage = ObjectStorage.from_uri(output)
        try:
            await storage.check()
        finally:
            await storage.close()
        return "can be written, and keeps its promise to create an object only once"

    return check
