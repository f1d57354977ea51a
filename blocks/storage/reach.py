"""Who can reach an address, judged by the address alone: no name is looked up."""

from __future__ import annotations

import ipaddress
from enum import IntEnum

__all__ = ["Reach", "reach_of"]

PRIVATE_SUFFIXES = (".internal", ".intranet", ".local", ".lan", ".home", ".home.arpa", ".corp", ".svc")


class Reach(IntEnum):
    """How far away an address can still be reached, nearest first."""

    MACHINE = 0
    NETWORK = 1
    INTERNET = 2


def reach_of(host: str) -> Reach:
    """A loopback address reaches this machine, a private address or bare name its network, others the internet."""
    name = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return _reach_of_name(name)
    if address.is_loopback:
        return Reach.MACHINE
    return Reach.INTERNET if address.is_global else Reach.NETWORK


def _reach_of_name(name: str) -> Reach:
    if name == "localhost" or name.endswith(".localhost"):
        return Reach.MACHINE
    # Containers and pods call each other by names without a dot.
    return Reach.NETWORK if "." not in name or name.endswith(PRIVATE_SUFFIXES) else Reach.INTERNET
