"""Block types, and documents made of the environment: accounts, and the output's storage."""

from __future__ import annotations

import os
from typing import Any

from prefect.blocks.core import Block
from prefect.exceptions import ObjectNotFound
from pydantic import SecretStr

import blocks
from blocks.account import VendorAccount
from blocks.operations import account_types
from blocks.storage import ObjectStorage
from deployments.setup.steps import Outcome, Site
from flows.accounts import account_from_environment

__all__ = ["make_documents", "register_types", "used_accounts"]


async def register_types(site: Site) -> None:
    """Let the server know every block that Catwalk has."""
    for kind in _block_types():
        outcome = await _type_outcome(site, kind)
        await site.settle(
            f"block type {kind.get_block_type_slug()}",
            outcome,
            lambda kind=kind: kind.aregister_type_and_schema(client=site.client),
        )


async def make_documents(site: Site, name: str, output: str | None) -> dict[str, str]:
    """Make the documents that the environment has values for; the names that a run's `accounts` may then give."""
    made: dict[str, str] = {}
    for kind in account_types():
        what = f"block {kind.get_block_type_slug()}/{name}"
        if not os.environ.get(f"{kind.env_prefix}_API_KEY", "").strip():
            await site.settle(what, Outcome.SKIPPED, why=f"{kind.env_prefix}_API_KEY is not set")
            made |= {kind.env_prefix.lower(): name} if await _document(site, kind, name) else {}
            continue
        account = _shared(account_from_environment(kind), name)
        await _make(site, what, account, name)
        made[kind.env_prefix.lower()] = name
    if await _make_storage(site, name, output):
        made["storage"] = name
    return made


async def used_accounts(site: Site, name: str) -> list[VendorAccount]:
    """The accounts as their documents have them now or, in a dry run, as they would."""
    found: list[VendorAccount] = []
    for kind in account_types():
        if (held := await _document(site, kind, name)) is not None:
            found.append(held)
        elif site.dry_run and os.environ.get(f"{kind.env_prefix}_API_KEY", "").strip():
            found.append(_shared(account_from_environment(kind), name))
    return found


def _block_types() -> list[type[Block]]:
    return [getattr(blocks, name) for name in blocks.__all__]


def _shared(account: VendorAccount, name: str) -> VendorAccount:
    """Flow runs of several deployments keep to the account's limits together."""
    if account.shared_limit is not None:
        return account
    return account.model_copy(update={"shared_limit": f"{name}-{account.vendor.lower()}"})


async def _make_storage(site: Site, name: str, output: str | None) -> bool:
    what = f"block {ObjectStorage.get_block_type_slug()}/{name}"
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    reason = None
    if output is None or not output.startswith("s3://"):
        reason = "it is for an --output that begins with s3://"
    elif not key or not secret:
        reason = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; workers use what they have"
    elif os.environ.get("AWS_SESSION_TOKEN"):
        reason = "the environment's credentials are temporary; workers use what they have"
    if reason is not None or output is None or key is None or secret is None:
        await site.settle(what, Outcome.SKIPPED, why=reason or "")
        return await _document(site, ObjectStorage, name) is not None
    storage = ObjectStorage.from_uri(output).model_copy(
        update={"access_key_id": SecretStr(key), "secret_access_key": SecretStr(secret)}
    )
    await _make(site, what, storage, name)
    return True


async def _make(site: Site, what: str, wanted: Block, name: str) -> None:
    held = await _document(site, type(wanted), name)
    outcome, why = Outcome.CREATED, ""
    if held is not None:
        outcome, why = (Outcome.UNCHANGED, "") if _fields(held) == _fields(wanted) else site.differs()
    await site.settle(what, outcome, lambda: wanted.asave(name, overwrite=True, client=site.client), why)


async def _type_outcome(site: Site, kind: type[Block]) -> Outcome:
    try:
        await site.client.read_block_type_by_slug(kind.get_block_type_slug())
    except ObjectNotFound:
        return Outcome.CREATED
    try:
        await site.client.read_block_schema_by_checksum(kind._calculate_schema_checksum())  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as `register` does
    except ObjectNotFound:
        return Outcome.UPDATED
    return Outcome.UNCHANGED


async def _document(site: Site, kind: type[Any], name: str) -> Any:
    try:
        return await kind.aload(name, client=site.client)
    except ValueError:
        return None


def _fields(block: Block) -> dict[str, Any]:
    return {name: getattr(block, name) for name in type(block).model_fields}
