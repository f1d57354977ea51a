"""All operations by name; a new vendor's are entered here."""

from __future__ import annotations

from typing import Any

from blocks.ailabtools import TryOnRefiner
from blocks.claid import Edit, FashionModels, Scene
from blocks.operation import Operation
from blocks.vmake import FashionModel

__all__ = ["OPERATIONS"]

OPERATIONS: dict[str, Operation[Any, Any]] = {
    operation.name: operation for operation in (FashionModels(), Edit(), Scene(), FashionModel(), TryOnRefiner())
}
