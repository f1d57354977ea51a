"""All operations by name; a new vendor's are entered here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from blocks.account import VendorAccount
from blocks.ailabtools import TryOnRefiner
from blocks.claid import Edit, FashionModels, Scene
from blocks.operation import Operation
from blocks.vmake import FashionModel

__all__ = ["OPERATIONS", "account_types"]

OPERATIONS: dict[str, Operation[Any, Any]] = {
    operation.name: operation for operation in (FashionModels(), Edit(), Scene(), FashionModel(), TryOnRefiner())
}


def account_types(operations: Iterable[str] = OPERATIONS) -> list[type[VendorAccount]]:
    """The types of account that these operations use, each once, by vendor."""
    return sorted({OPERATIONS[name].account_type for name in operations}, key=lambda kind: kind.vendor)
