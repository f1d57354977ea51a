"""Why a unit is in a plan: each reason has its exact meaning here, and in docs/planning.md."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from blocks.errors import ResultExpired

__all__ = ["SHARED_WITH", "WAITS_FOR_RETRY", "Before", "LeftOut", "Reason", "reason_of"]


# In the reason of a manifest row whose unit was sent, and charged, for another item.
SHARED_WITH = "shared with"


class Reason(StrEnum):
    """Why a unit is in a plan; all but `DONE` are to be done."""

    DONE = "done"
    NEW = "new"
    PICTURE_CHANGED = "picture changed"
    OPTIONS_CHANGED = "options changed"
    UPSTREAM_CHANGED = "upstream changed"
    FAILED_BEFORE = "failed before"
    UNKNOWN_BEFORE = "unknown before"
    EXPIRED = "expired"
    FORCED = "forced"


class LeftOut(StrEnum):
    """Why a planned unit is not to be done."""

    OVER_BUDGET = "over budget"
    WAITS_FOR_RETRY = "waits for a retry"
    BLOCKED = "blocked"


class Before(NamedTuple):
    """
    The manifest's row of the same (recipe, SKU, stage), compared with the unit as it would be now.

    `called`: the ledger has an attempt of it, so the vendor was asked.
    """

    status: str
    called: bool
    error_kind: str | None
    same_key: bool
    same_pictures: bool
    same_options: bool


# Ends that the ledger keeps until a person asks for another attempt: what `retry` has to name for each.
WAITS_FOR_RETRY = {Reason.FAILED_BEFORE: "failed", Reason.EXPIRED: "failed", Reason.UNKNOWN_BEFORE: "unknown"}


def reason_of(before: Before | None, *, has_picture: bool, upstream_differs: bool, force: bool) -> Reason:
    """
    The reason of one unit.

    `has_picture`: the manifest holds a picture of this very key, whosever it is. `upstream_differs`: the stage before
    had another key, or none, when the manifest's row was written. Where several things changed, the first of
    picture, options and upstream is told. A gender or an operation's version that changed is told as options.
    """
    if has_picture:
        return Reason.FORCED if force else Reason.DONE
    if before is None:
        return Reason.NEW
    if before.same_key:
        return _without_picture(before)
    if not before.same_pictures:
        return Reason.PICTURE_CHANGED
    return Reason.UPSTREAM_CHANGED if before.same_options and upstream_differs else Reason.OPTIONS_CHANGED


def _without_picture(before: Before) -> Reason:
    """What became of the very same unit."""
    if before.status == "failed" and before.called:
        return Reason.EXPIRED if before.error_kind == ResultExpired.kind() else Reason.FAILED_BEFORE
    return Reason.UNKNOWN_BEFORE if before.status == "unknown" else Reason.NEW
