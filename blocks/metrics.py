"""What a process counts for Prometheus; `flows/export.py` shows it where someone asks for it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["CREDITS", "REGISTRY", "REQUESTS", "SECONDS", "UNITS", "UNITS_AT", "staying"]

# Nothing but what is ours: Prefect and the client library have registries of their own.
REGISTRY = CollectorRegistry()

REQUESTS = Counter(
    "catwalk_requests",
    "Requests to vendors by kind (paid, free) and HTTP status; 'none' had no answer.",
    ["vendor", "kind", "status"],
    registry=REGISTRY,
)
UNITS = Counter("catwalk_units", "Units that have ended, by how.", ["stage", "status"], registry=REGISTRY)
CREDITS = Counter(
    "catwalk_credits",
    "Credits that this process has spent: charged for pictures, or at risk of being charged for none.",
    ["vendor", "kind"],
    registry=REGISTRY,
)
SECONDS = Histogram(
    "catwalk_unit_seconds",
    "Seconds from a unit's submission to our whole copy of its pictures.",
    ["operation"],
    buckets=(0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600),
    registry=REGISTRY,
)
UNITS_AT = Gauge(
    "catwalk_units_at",
    "Units waiting for a place among an account's jobs, and units in one.",
    ["vendor", "place"],
    registry=REGISTRY,
)


@contextmanager
def staying(vendor: str, place: str) -> Generator[None]:
    """Count a unit at a place for as long as the block runs."""
    gauge = UNITS_AT.labels(vendor, place)
    gauge.inc()
    try:
        yield
    finally:
        gauge.dec()
