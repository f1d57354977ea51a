"""Addresses with a place for the business date: `s3://shop-feed/{business_date:%Y/%m}/products.parquet`."""

from __future__ import annotations

import re
from datetime import date

from blocks.errors import CatalogError

__all__ = ["check_places", "for_date", "has_place"]

_PLACE = re.compile(r"\{business_date(?::([^{}]*))?\}")
# Parts of a date that are numbers, and so the same in every locale.
_FORMAT = re.compile(r"(?:%[YmdyjGVu]|[^%{}])+")
_BEGUN = re.compile(r"\{\s*business_?date", re.IGNORECASE)


def has_place(address: str) -> bool:
    """Whether the address changes with the business date."""
    return _PLACE.search(address) is not None


def check_places(address: str) -> str:
    """The address, if its places for the date can be filled; else raises `CatalogError` with the way to write one."""
    unusable = [found.group() for found in _PLACE.finditer(address) if not _is_known(found.group(1))]
    if unusable or _BEGUN.search(_PLACE.sub("", address)):
        raise CatalogError(
            f"the address {address!r} has a place for the business date that can't be filled",
            next_step="Write {business_date} for 2026-11-03, or a form of your own such as {business_date:%Y/%m/%d}, "
            "made of %Y %m %d %y %j %G %V %u.",
        )
    return address


def for_date(address: str, day: date) -> str:
    """The address with the date filled in; all other braces stay."""
    check_places(address)
    return _PLACE.sub(lambda found: format(day, found.group(1) or "%Y-%m-%d"), address)


def _is_known(form: str | None) -> bool:
    return form is None or _FORMAT.fullmatch(form) is not None
