"""`catwalk explain`: what became of a SKU, stage by stage, and what happens next."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Annotated

import typer
from pydantic import JsonValue

from blocks.account import VendorAccount
from blocks.errors import CatalogError, StorageError
from blocks.operations import OPERATIONS
from blocks.storage import ObjectStorage
from catalogs.amounts import amount
from catalogs.history import SkuHistory, StageHistory, histories_of
from catalogs.layout import MANIFEST_PATH, plan_path
from catalogs.ledger import Attempt, AttemptState
from catalogs.lookup import nearest_skus
from catalogs.manifest import no_manifest
from catalogs.names import item_name
from catalogs.picture_check import check_pictures
from catalogs.runs import Runs
from flows.accounts import priced_accounts
from flows.parameters import Accounts

__all__ = ["explain"]

EXIT_ALTERED = 3
COLOURS = {"done": "green", "retired": "green", "failed": "red", "quarantined": "red"}
# What a vendor's result address opens, and where lines were written, is nobody's news.
INTERNAL = {"stages": {"__all__": {"attempts": {"__all__": {"results", "journal"}}}}}


def explain(
    output: Annotated[str, typer.Argument(help="The output of earlier runs.")],
    skus: Annotated[list[str], typer.Argument(metavar="SKU...", help="One or more SKUs.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: a list with one object per SKU and recipe.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read the stored pictures and compare their hashes.")
    ] = False,
) -> None:
    """
    Tell a SKU's whole chain: inputs, attempts, pictures, cost, and what happens next. Spends and changes nothing.

    Exit code 0: told; 1: a SKU is unknown; 3: a stored picture is missing or another one.
    """
    told = asyncio.run(_explain(output, list(dict.fromkeys(skus)), as_json=as_json, verify=verify))
    if told:
        raise typer.Exit(told)


async def _explain(output: str, skus: list[str], *, as_json: bool, verify: bool) -> int:
    storage = ObjectStorage.from_uri(output)
    try:
        histories = await histories_of(storage, skus)
        whole = await check_pictures(storage, histories) if verify else True
        if as_json:
            dumps = [history.model_dump(mode="json", exclude=INTERNAL) for history in histories]
            typer.echo(json.dumps(dumps, ensure_ascii=False, indent=2))
        else:
            await _tell(histories)
        for sku in skus:
            if sku not in {history.sku for history in histories}:
                raise await _unknown(storage, sku)
    finally:
        await storage.close()
    return 0 if whole else EXIT_ALTERED


async def _unknown(storage: ObjectStorage, sku: str) -> CatalogError | StorageError:
    """What is raised of a SKU that no run has met."""
    runs = await Runs(storage).unended()
    tables = [MANIFEST_PATH, *(plan_path(run.run_id) for run in runs)]
    present = [table for table in tables if await storage.exists(table)]
    if not present:
        return no_manifest(storage)
    alike: dict[str, None] = {}
    for table in present:
        alike |= dict.fromkeys(await asyncio.to_thread(nearest_skus, storage, table, sku))
    guess = f"Did you mean {' or '.join(map(repr, alike))}?" if alike else "`catwalk status` shows what there is."
    return CatalogError(f"no run of this output has met SKU {sku!r}", next_step=guess)


async def _tell(histories: Sequence[SkuHistory]) -> None:
    accounts = await _accounts(histories)
    for place, history in enumerate(histories):
        if place:
            typer.echo()
        typer.secho(f"{history.item}  {' '.join((history.title or '').split())}".rstrip(), bold=True)
        typer.echo(f"recipe {history.recipe}, row {history.row} of the catalog" + _open(history))
        for stage in history.stages:
            _tell_stage(history, stage)
        _field("total", _total(history, accounts), indent="\n")
        _field("next", history.next_step, indent="")


def _tell_stage(history: SkuHistory, stage: StageHistory) -> None:
    status = typer.style(stage.status, fg=COLOURS.get(stage.status, "yellow"), bold=True)
    typer.echo(f"\n{stage.position + 1}. {typer.style(stage.stage, bold=True)}  {status}  {stage.operation}")
    if stage.reason:
        _field("reason", stage.reason)
    if stage.error_message and stage.error_message != (stage.attempts[-1].error_message if stage.attempts else None):
        _field("error", stage.error_message)
    for name, value in _pairs("", stage.options):
        _field("option", f"{name}: {value}")
    for picture in stage.inputs:
        hashed = f"  sha256 {picture.sha256}" if picture.sha256 else ""
        version = f"  version {picture.version}" if picture.version else ""
        _field("input", f"{picture.slot}: {picture.uri}{version}{hashed}")
    if stage.unit_key:
        _field("unit", stage.unit_key)
    for _, alike in groupby(stage.attempts, key=_kind):
        _tell_attempts(history, list(alike))
    for stored in stage.pictures:
        _field("picture", stored.uri)
        facts = f"{stored.width} x {stored.height} {stored.mime}, {stored.bytes:,} bytes, sha256 {stored.sha256}"
        _field("", facts + (f": {stored.check}" if stored.check else ""))


def _kind(attempt: Attempt) -> tuple[str, int]:
    """What many refusals in a row have in common; all else stands alone."""
    refused = attempt.state is AttemptState.REFUSED
    return f"{attempt.error_kind} {attempt.vendor} {attempt.run_id}", 0 if refused else attempt.number


def _tell_attempts(history: SkuHistory, attempts: Sequence[Attempt]) -> None:
    """One attempt, or the last of many that were refused alike."""
    attempt = attempts[-1]
    if len(attempts) > 1:
        _field("attempts", f"{attempts[0].number} to {attempt.number}, refused alike; the last:")
    ids = (("job", attempt.job_id), ("request", attempt.request_id))
    named = "".join(f", {name} {text}" for name, text in ids if text)
    _field(f"attempt {attempt.number}", f"{attempt.state} at {attempt.vendor}{named}; {_price(attempt)}")
    times = [f"claimed {attempt.claimed_at:%Y-%m-%d %H:%M:%S} UTC"]
    times += [f"submitted {_later(attempt.submitted_at, attempt.claimed_at)}"] if attempt.submitted_at else []
    times += [f"ended {_later(attempt.finished_at, attempt.claimed_at)}"] if attempt.finished_at else []
    whose = "" if history.is_own(attempt) else f" for {item_name(attempt.sku, attempt.look)}, whose unit is the same"
    _field("", f"{', '.join(times)}, by run {attempt.run_id}{whose}")
    if attempt.error_message:
        _field("", f"{attempt.error_kind}: {attempt.error_message}")


def _price(attempt: Attempt) -> str:
    if attempt.at_risk():
        return f"{amount(attempt.credits)} credits may be charged"
    return f"{amount(attempt.credits)} credits" if attempt.pictures else "nothing charged"


def _later(moment: datetime, before: datetime) -> str:
    return f"+{(moment - before).total_seconds():.1f} s"


def _open(history: SkuHistory) -> str:
    return f"; planned by run {history.open_run}, which has not ended" if history.open_run else ""


def _field(name: str, text: str, *, indent: str = "   ") -> None:
    typer.echo(f"{indent}{name:<10} {text}")


def _pairs(name: str, value: JsonValue) -> Iterator[tuple[str, str]]:
    """Options, one readable pair each; nested names are joined by dots."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _pairs(f"{name}.{key}" if name else key, inner)
    elif value is not None:
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _total(history: SkuHistory, accounts: Mapping[str, VendorAccount]) -> str:
    charged = [_sum(vendor, price, accounts) for vendor, price in history.credits.items()]
    at_risk = [_sum(vendor, price, accounts) for vendor, price in history.credits_at_risk.items()]
    words = f"{', '.join(charged) or 'no'} credits charged"
    if any(not history.is_own(attempt) for stage in history.stages for attempt in stage.attempts):
        words += "; what was sent for another item is charged to that one"
    return f"{words}; may be charged for nothing: {', '.join(at_risk)}" if at_risk else words


def _sum(vendor: str, price: float, accounts: Mapping[str, VendorAccount]) -> str:
    money = accounts[vendor].in_money(price) if vendor in accounts else None
    return f"{amount(price)} {vendor}" + (f" ({money})" if money else "")


async def _accounts(histories: Sequence[SkuHistory]) -> dict[str, VendorAccount]:
    """The accounts as the environment prices them, by vendor."""
    operations = {stage.operation for history in histories for stage in history.stages} & OPERATIONS.keys()
    return {account.vendor: account for account in await priced_accounts(operations, Accounts())}
