"""Where pictures are put: names that any SKU survives, on any storage."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

__all__ = ["item_name", "picture_path"]

LONGEST_SKU_NAME = 120


def picture_path(sku: str, stage: str, unit_key: str, number: int, extension: str, *, look: str | None = None) -> str:
    """`pictures/<sku>/[<look>-]<stage>-<12 digits of the unit key>-<n>.<ext>`, the SKU percent-encoded."""
    name = f"{look}-{stage}" if look else stage
    return f"pictures/{_sku_name(sku)}/{name}-{unit_key[:12]}-{number}.{extension}"


def item_name(sku: str | None, look: str | None) -> str:
    """What messages call an item: its SKU, and its look if it has one."""
    name = sku or "(no SKU)"
    return f"{name} ({look})" if look else name


def _sku_name(sku: str) -> str:
    name = quote(sku, safe="")
    if not name.strip("."):
        name = name.replace(".", "%2E")
    if len(name) <= LONGEST_SKU_NAME:
        return name
    return f"{name[: LONGEST_SKU_NAME - 17]}-{hashlib.sha256(sku.encode()).hexdigest()[:16]}"
