"""Which account and storage a run uses: a Prefect block document, or the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError

from blocks.account import VendorAccount
from blocks.errors import AuthFailed, CatwalkError, StorageError
from blocks.operations import account_types
from blocks.storage import ObjectStorage
from flows.parameters import Accounts

__all__ = [
    "NESTED",
    "PLAIN",
    "account_from_environment",
    "check_accounts",
    "check_shared",
    "open_account",
    "open_storage",
    "priced_account",
    "priced_accounts",
]

# Settings of an account that are variables of the environment, and those of them that are JSON.
PLAIN = (
    "base_url",
    "poll_seconds",
    "shared_limit",
    "credit_price",
    "currency",
    "webhook_secret",
    "webhook_receiver",
    "webhook_patience",
)
NESTED = ("limits", "timeouts", "prices")

AccountT = TypeVar("AccountT", bound=VendorAccount)


async def open_account(kind: type[AccountT], accounts: Accounts) -> AccountT:
    """The account to use at one vendor; raises `AuthFailed` saying how to give one."""
    name: str | None = getattr(accounts, kind.env_prefix.lower())
    if name is None:
        return account_from_environment(kind)
    try:
        return await kind.aload(name)
    except ValueError as error:
        raise AuthFailed(
            f"there is no {kind.get_block_type_slug()} block named {name!r}",
            vendor=kind.vendor,
            next_step=f"Create it in the Prefect UI under Blocks, or set {kind.env_prefix}_API_KEY instead.",
        ) from error


async def check_accounts(operations: Iterable[str], accounts: Accounts) -> None:
    """Raise `AuthFailed` unless every operation has an account; nothing is sent."""
    for kind in account_types(operations):
        await open_account(kind, accounts)


def check_shared(accounts: Iterable[VendorAccount]) -> None:
    """Raise `CatwalkError` for an account with limits that several processes would each take for their own."""
    for account in accounts:
        if account.is_limited and not account.shared_limit:
            raise CatwalkError(
                f"several processes would call {account.vendor}, and its account shares no limit between them",
                next_step=f"Set shared_limit in the {account.vendor} block, or {account.env_prefix}_SHARED_LIMIT, to a "
                "name of your choice; Prefect's server then hands out the turns.",
            )


async def priced_account(kind: type[AccountT], accounts: Accounts) -> AccountT:
    """The account for its prices alone: without a key, its prices are the environment's or the vendor's own."""
    named: str | None = getattr(accounts, kind.env_prefix.lower())
    if named is None and not os.environ.get(f"{kind.env_prefix}_API_KEY", "").strip():
        return _made(kind, api_key=SecretStr(""))
    return await open_account(kind, accounts)


async def priced_accounts(operations: Iterable[str], accounts: Accounts) -> list[VendorAccount]:
    """The accounts that operations use, for their prices alone."""
    return [await priced_account(kind, accounts) for kind in account_types(operations)]


def account_from_environment(kind: type[AccountT]) -> AccountT:
    """
    An account from `<VENDOR>_API_KEY` and, where set, the variables of its other settings, some of them in JSON.

    Raises `AuthFailed` naming the variable that is missing or can't be used.
    """
    prefix = kind.env_prefix
    key = os.environ.get(f"{prefix}_API_KEY", "").strip()
    if not key:
        raise AuthFailed(
            f"there is no key for {kind.vendor}: {prefix}_API_KEY is not set",
            vendor=kind.vendor,
            next_step=f"Set {prefix}_API_KEY, or name a block of type {kind.get_block_type_slug()!r} in the run's accounts; "
            "`catwalk doctor` checks them all.",
        )
    return _made(kind, api_key=SecretStr(key))


def _made(kind: type[AccountT], **fields: Any) -> AccountT:
    try:
        return kind(**fields, **_settings(kind.env_prefix))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        variable = f"{kind.env_prefix}_{str(first['loc'][0]).upper()}"
        where = ".".join(str(part) for part in first["loc"][1:])
        raise AuthFailed(
            f"{variable} can't be used: {where + ': ' if where else ''}{first['msg']}",
            vendor=kind.vendor,
            next_step=f"Mend or unset {variable}; docs/reference/parameters.md has the variables.",
        ) from error


def _settings(prefix: str) -> dict[str, Any]:
    given = {name: os.environ.get(f"{prefix}_{name.upper()}", "").strip() for name in (*PLAIN, *NESTED)}
    return {name: _nested(text) if name in NESTED else text for name, text in given.items() if text}


def _nested(text: str) -> Any:
    """JSON's value; what is no JSON stays a text, which the account then refuses by its name."""
    try:
        return json.loads(text)
    except ValueError:
        return text


async def open_storage(uri: str, accounts: Accounts) -> ObjectStorage:
    """The storage at an address, with the named block's credentials or those of the environment."""
    if accounts.storage is None:
        return ObjectStorage.from_uri(uri)
    try:
        block = await ObjectStorage.aload(accounts.storage)
    except ValueError as error:
        raise StorageError(
            f"there is no {ObjectStorage.get_block_type_slug()} block named {accounts.storage!r}",
            next_step="Create it in the Prefect UI under Blocks, or leave it out to use the AWS_… variables.",
        ) from error
    return block.at(uri)
