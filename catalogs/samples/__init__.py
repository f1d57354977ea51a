"""The demo catalog: twelve drawn garments and two drawn models."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

__all__ = ["demo_catalog"]


def demo_catalog() -> Path:
    """The demo's `catalog.parquet`; its picture references are relative to its folder."""
    return Path(str(files(__name__) / "demo" / "catalog.parquet"))
