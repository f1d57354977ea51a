"""A quote in people's words: one presentation for terminals, logs and Prefect's pages."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from catalogs.amounts import amount
from catalogs.names import item_name
from flows.quote import AccountQuote, Quote, StageQuote

__all__ = ["headline", "lines_of", "tell", "tell_quote"]

# Below as many hours a time is told in seconds, or in minutes.
SECONDS, MINUTES = 2 / 60, 2.0


def headline(quote: Quote) -> str:
    """The essentials in one line."""
    counts = [f"{quote.items} items to do"]
    counts += [f"{quote.finished_items} unchanged"] if quote.finished_items else []
    counts += [f"{quote.rejected_rows} rows can't run"] if quote.rejected_rows else []
    cost = f"{quote.units} units for {amount(quote.credits)} credits" if quote.units else "nothing to pay"
    time = f", {_duration(quote.hours)} at least" if quote.units else ""
    return f"{', '.join(counts)}: {cost}{time}"


def essentials(quote: Quote) -> Iterator[str]:
    """What a run tells before it spends: the headline, each account's part, and what the budget does."""
    yield headline(quote)
    if quote.looks:
        yield f"  an item is a row in one of {len(quote.looks)} looks: {', '.join(quote.looks)}"
    yield from (f"  {_account(account)}" for account in quote.accounts)
    if quote.max_credits is not None:
        yield f"  {_budget(quote)}"


def lines_of(quote: Quote) -> Iterator[str]:
    """All of it: what is done and why, what it costs, and what is left out."""
    yield from essentials(quote)
    for stage in quote.stages:
        yield f"  {stage.stage}: {_stage(stage)}"
    yield from _told(
        "first changes", quote.units, [f"{item_name(c.sku, c.look)} {c.stage}: {c.reason}" for c in quote.first_changes]
    )
    for count in quote.rejects:
        column = f"column {count.column!r}: " if count.column else ""
        yield f"  {count.rows} rows can't run: {column}{count.reason}"
    for row in quote.first_rejects:
        yield f"  row {row.row} {item_name(row.sku, row.look)}, column {row.column!r}: {row.reason}"
    if quote.gone:
        shown = ", ".join(map(repr, quote.first_gone))
        yield f"  {quote.gone} SKUs have left the catalog: {shown}{', …' if quote.gone > len(quote.first_gone) else ''}"

    for look, count in quote.gone_looks.items():
        left = f"look {look!r} has left the recipe" if look else "the recipe has looks now"
        yield f"  {left}: the manifest has {count} items {'in it' if look else 'without one'}; --retire retires them"


def tell_quote(quote: Quote) -> None:
    """Say the essentials before anything is spent."""
    tell("\n".join(essentials(quote)))


def tell(words: str) -> None:
    """Say something where the progress is shown, and in the flow run's log."""
    with suppress(MissingContextError):
        get_run_logger().info("%s", words)
    with suppress(BrokenPipeError):
        sys.stderr.write(f"{words}\n")
        sys.stderr.flush()


def _duration(hours: float) -> str:
    """A time as people say it."""
    if hours < SECONDS:
        return f"{hours * 3600:.0f} s"
    return f"{hours * 60:.0f} min" if hours < MINUTES else f"{hours:.1f} h"


def _account(account: AccountQuote) -> str:
    money = f", {account.money}" if account.money else ""
    return (
        f"{account.vendor}: {amount(account.credits)} credits by the price list{money}, for {account.units} units; "
        f"{_duration(account.hours)} at its {account.limited_by}"
    )


def _budget(quote: Quote) -> str:
    limit = f"budget of {amount(quote.max_credits or 0)} credits"
    if not quote.cut:
        return f"{limit}: pays for all of it"
    return f"{limit}: leaves {quote.over_budget} items out and pays for a part of {quote.in_part}, by priority"


def _stage(stage: StageQuote) -> str:
    left_out = f"; left out: {_counts(stage.left_out)}" if stage.left_out else ""
    return f"{stage.units} units, {amount(stage.credits)} credits ({_counts(stage.reasons) or 'none'}){left_out}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _told(what: str, of: int, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"  {what}{f', of {of}' if of > len(lines) else ''}:"
        yield from (f"    {line}" for line in lines)
