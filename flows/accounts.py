"""Which account and storage a run uses: a Prefect block document, or the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError

from blocks.account import VendorAccount
from blocks.errors import AuthFailed, StorageError
from blocks.operations import OPERATIONS
from blocks.storage import ObjectStorage
from flows.parameters import Accounts

__all__ = ["account_from_environment", "check_accounts", "open_account", "open_storage"]

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
    for name in sorted(operations):
        await open_account(OPERATIONS[name].account_type, accounts)


def account_from_environment(kind: type[AccountT]) -> AccountT:
    """
    An account from `<VENDOR>_API_KEY` and, where set, `_BASE_URL`, `_POLL_SECONDS`, and `_LIMITS` and `_TIMEOUTS` in JSON.

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
    try:
        return kind(api_key=SecretStr(key), **_settings(prefix))
    except (ValidationError, ValueError) as error:
        first = error.errors(include_url=False)[0] if isinstance(error, ValidationError) else None
        where = str(first["loc"][0]).upper() if first else "LIMITS"
        raise AuthFailed(
            f"{prefix}_{where} can't be used: {first['msg'] if first else error}",
            vendor=kind.vendor,
            next_step=f"Mend or unset {prefix}_{where}; docs/architecture.md has the variables.",
        ) from error


def _settings(prefix: str) -> dict[str, Any]:
    plain = ("base_url", "poll_seconds")
    nested = ("limits", "timeouts")
    given = {name: os.environ.get(f"{prefix}_{name.upper()}", "").strip() for name in (*plain, *nested)}
    return {name: json.loads(text) if name in nested else text for name, text in given.items() if text}


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
