"""The commands that a message tells its reader to type."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from catalogs.amounts import amount
from catalogs.mapping import CatalogSource
from flows.parameters import Accounts, CatalogRun

__all__ = ["apply_command", "plan_command"]


def apply_command(address: str, run: CatalogRun, config: str | None = None) -> str:
    """What carries out the plan at this address; the config file is wanted only where its storage has to be opened."""
    options = ["--config", config or "CONFIG"] if run.accounts.storage else []
    return shlex.join(["catwalk", "apply", address, *options])


def plan_command(run: CatalogRun) -> str:
    """What plans the same request anew; a config file stands as CONFIG, as nobody wrote down which it was."""
    return shlex.join(["catwalk", "plan", run.catalog.uri, "--output", run.output, *_options(run)])


def _options(run: CatalogRun) -> Iterator[str]:
    yield from ("--recipe", run.recipe if isinstance(run.recipe, str) else run.recipe.name)
    if run.accounts != Accounts() or run.catalog != CatalogSource(uri=run.catalog.uri):
        yield from ("--config", "CONFIG")
    if run.selection.limit is not None:
        yield from ("--limit", str(run.selection.limit))
    for sku in run.selection.skus:
        yield from ("--sku", sku)
    for kind in run.retry:
        yield from ("--retry", str(kind))
    if run.max_credits is not None:
        yield from ("--max-credits", amount(run.max_credits))
    flags = {"--force": run.selection.force, "--check-pictures": run.check_pictures, "--retire": run.retire}
    yield from (flag for flag, given in flags.items() if given)
