"""Where everything but pictures and ledger lies under an output."""

from __future__ import annotations

__all__ = [
    "CSV_PATH",
    "GALLERY_PATH",
    "MANIFEST_PATH",
    "plan_path",
    "rejects_path",
    "shard_manifest_path",
]

MANIFEST_PATH = "manifest.parquet"
CSV_PATH = "manifest.csv"
GALLERY_PATH = "gallery.html"


def plan_path(plan_id: str) -> str:
    """The plan of a run."""
    return f"plans/{plan_id}.parquet"


def shard_manifest_path(run_id: str, shard: int) -> str:
    """What one shard came to."""
    return f"runs/{run_id}/shard-{shard:05}.parquet"


def rejects_path(run_id: str) -> str:
    """The manifest rows of catalog rows that can't be used."""
    return f"runs/{run_id}/rejects.parquet"
