"""What happens next to a unit that has no picture, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["next_step"]

HELD = {
    "finish_by_reached": "Nothing more was charged. The next run goes on with it.",
    "finish_by_overrun": "Its call was under way: the next run, or `catwalk rescue {output}`, finds out what became of it.",
    "budget_reached": "Nothing was charged. A run with a higher --max-credits does it.",
    "shard_lost": "The next run finds out how far it came, and goes on with it.",
    "lane_closed": "Nothing was charged. Mend the account as the first error of this lane says; the next run does it.",
}
SIMPLE = {
    "done": "Nothing: later runs leave it alone for as long as nothing that decides the picture changes.",
    "retired": "Nothing: the SKU has left the catalog, and its pictures stay.",
    "blocked": "It waits for the stage before it, and is done with it.",
    "quarantined": "Mend the row in the catalog, then run again.",
    "planned": "Its run has not come to it yet. If that run died, the same command carries it on.",
    "submitting": (
        "Its call is under way. If its run died, the next one finds out, and calls it unknown once nobody can be "
        "waiting for the answer any more."
    ),
    "submitted": "It was paid for and is fetched by its run, by the next one, or by `catwalk rescue {output}`, within 24 hours.",
    "refused": "Nothing was charged. The next run tries again.",
    "unknown": "`catwalk retry {output} unknown` repeats it, and it may be charged twice. Look at the vendor's list of jobs first.",
}


def next_step(row: Mapping[str, Any], output: str) -> str:
    """One or two sentences on a manifest row, or on what the ledger says of a unit (`status`, `attempt`, ...)."""
    status: str = row["status"]
    if status == "failed":
        return _failed(row).format(output=output)
    if status == "held":
        mend = "Nothing more was charged. Mend the account as the message says; the next run goes on with it."
        return HELD.get(row["error_kind"] or "", mend).format(output=output)
    return SIMPLE.get(status, "The next run looks at it.").format(output=output)


def _failed(row: Mapping[str, Any]) -> str:
    if row["attempt"] is None:
        return "Nothing was charged. Mend what the message names; the next run tries again."
    if row["finished_at"] is None:
        return (
            "The job is at its vendor still: the next run, or `catwalk rescue {output}`, asks for it and pays nothing."
        )
    return "Later runs leave it alone. `catwalk retry {output} failed` repeats it as a new, paid attempt; so does a changed picture or option."
