"""Vendors as tests see them: a sandbox of their own."""

from __future__ import annotations

from typing import Any

import httpx

__all__ = ["Vendors"]


class Vendors:
    """What the sandbox was asked and asked to do; all of its vendors answer at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def charges(self) -> list[dict[str, Any]]:
        """Every accepted job."""
        return httpx.get(f"{self.url}/sandbox/charges").raise_for_status().json()

    def requests(self) -> dict[str, int]:
        """How many requests of each kind came in."""
        return httpx.get(f"{self.url}/sandbox/state").raise_for_status().json()["requests"]

    def misbehave(self, fault: str, **rule: Any) -> None:
        """Put a fault in force."""
        httpx.post(f"{self.url}/sandbox/faults", json={"fault": fault, **rule}).raise_for_status()

    def behave(self) -> None:
        """Lift all faults."""
        httpx.delete(f"{self.url}/sandbox/faults").raise_for_status()

    def pass_time(self, seconds: float) -> None:
        """Set the vendors' clock forward."""
        httpx.post(f"{self.url}/sandbox/clock", json={"seconds": seconds}).raise_for_status()

    def forget(self) -> None:
        """Begin anew."""
        httpx.post(f"{self.url}/sandbox/reset").raise_for_status()
        self.behave()
