"""Where everything but pictures and ledger lies under an output, and the media types of what lies there."""

from __future__ import annotations

__all__ = [
    "CSV_PATH",
    "GALLERY_PATH",
    "HTML",
    "MANIFEST_PATH",
    "PARQUET",
    "failures_path",
    "left_out_path",
    "plan_document_path",
    "plan_path",
    "rejects_path",
    "report_path",
    "run_page_path",
    "seen_path",
    "shard_manifest_path",
    "shared_gallery_path",
    "upkeep_path",
]

MANIFEST_PATH = "manifest.parquet"
CSV_PATH = "manifest.csv"
GALLERY_PATH = "gallery.html"

PARQUET = "application/vnd.apache.parquet"
HTML = "text/html; charset=utf-8"


def plan_path(plan_id: str) -> str:
    """The units of a plan; a run has the name of the plan that it carries out."""
    return f"plans/{plan_id}.parquet"


def plan_document_path(plan_id: str) -> str:
    """What was asked of a plan, what it was made from, and its quote."""
    return f"plans/{plan_id}.json"


def shard_manifest_path(run_id: str, shard: int) -> str:
    """What one shard came to."""
    return f"runs/{run_id}/shard-{shard:05}.parquet"


def run_page_path(run_id: str) -> str:
    """The report of a run, as a page."""
    return f"runs/{run_id}/report.html"


def failures_path(run_id: str) -> str:
    """All that a run left without a picture."""
    return f"runs/{run_id}/failures.csv"


def shared_gallery_path(run_id: str) -> str:
    """A gallery whose pictures can be seen for a while by whoever has its link."""
    return f"runs/{run_id}/gallery.html"


def rejects_path(run_id: str) -> str:
    """The manifest rows of catalog rows that can't be used."""
    return f"runs/{run_id}/rejects.parquet"


def left_out_path(run_id: str) -> str:
    """The manifest rows of items that the plan's budget leaves out altogether."""
    return f"runs/{run_id}/left-out.parquet"


def upkeep_path(run_id: str) -> str:
    """What planning found out of items that it leaves alone."""
    return f"runs/{run_id}/upkeep.parquet"


def seen_path(run_id: str) -> str:
    """What planning found out of the pictures' versions."""
    return f"runs/{run_id}/picture-versions.parquet"


def report_path(run_id: str) -> str:
    """What a run came to, as its report tells it."""
    return f"runs/{run_id}/report.json"
