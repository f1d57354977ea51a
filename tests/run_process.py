"""A run as a process of its own, which a test may kill."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["run_command"]

PROGRAM = """
import asyncio, sys
from flows.parameters import CatalogRun
from flows.process_catalog import process_catalog
asyncio.run(process_catalog(CatalogRun.model_validate_json(sys.argv[1])))
"""


def run_command(request: Mapping[str, Any]) -> list[str]:
    """The command that carries out a `CatalogRun`, from the repository's root and in a Prefect client's environment."""
    return [sys.executable, "-c", PROGRAM, json.dumps(request)]
