"""All that vendors do wrong, a little of each."""

from __future__ import annotations

from typing import Any

import httpx

__all__ = ["EVERYTHING", "add_fault", "behave", "misbehave", "pass_a_day"]

# `pass_a_day` brings those jobs to an end that never do.
EVERYTHING: tuple[dict[str, Any], ...] = (
    {"fault": "rate_limited"},
    {"fault": "rate_limited", "retry_after": 1},
    {"fault": "error_500"},
    {"fault": "error_502_html"},
    {"fault": "error_503"},
    {"fault": "slow_headers", "seconds": 0.5},
    {"fault": "slow_body", "seconds": 0.5},
    {"fault": "cut_before"},
    {"fault": "cut_after"},
    {"fault": "error_500", "phase": "submit", "after": True},
    {"fault": "slow_headers", "phase": "submit", "seconds": 30},
    {"fault": "result_expired"},
    {"fault": "truncated_picture"},
    {"fault": "corrupted_picture"},
    {"fault": "wrong_content_type"},
    {"fault": "empty_result"},
    {"fault": "job_error"},
    {"fault": "poll_error"},
    {"fault": "job_never_ends"},
)


def misbehave(vendors: str, rate: float) -> None:
    """Put everything in force, each fault for a share of the requests that it can happen to."""
    for rule in EVERYTHING:
        add_fault(vendors, rate=rate, **rule)


def add_fault(vendors: str, **rule: Any) -> None:
    """Put one fault in force."""
    httpx.post(f"{vendors}/sandbox/faults", json=rule, timeout=30, trust_env=False).raise_for_status()


def behave(vendors: str) -> dict[str, int]:
    """Lift all faults; returns how often each has happened since the start."""
    standing = httpx.get(f"{vendors}/sandbox/state", timeout=30, trust_env=False).raise_for_status().json()
    httpx.delete(f"{vendors}/sandbox/faults", timeout=30, trust_env=False).raise_for_status()
    return standing["faults_met"]


def pass_a_day(vendors: str) -> None:
    """Let the vendors forget every job and picture so far."""
    httpx.post(f"{vendors}/sandbox/clock", json={"seconds": 86_400}, timeout=30, trust_env=False).raise_for_status()
