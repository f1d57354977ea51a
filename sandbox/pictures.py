"""Result pictures and uploads, by the address they are served at, until they expire."""

from __future__ import annotations

import secrets
from collections import Counter, OrderedDict
from dataclasses import dataclass
from functools import cached_property

from sandbox.clock import Clock
from sandbox.digests import digest_of_bytes
from sandbox.faults import FaultRule
from sandbox.ids import new_id
from sandbox.operations import DOWNLOADS

__all__ = ["Picture", "Pictures"]


@dataclass(frozen=True)
class Picture:
    """One stored file; `fault` is one that its job was made with."""

    data: bytes
    mime: str
    operation: str
    stored_at: float
    fault: FaultRule | None = None

    @cached_property
    def digest(self) -> str:
        """What tells the file from others, wherever it lies."""
        return digest_of_bytes(self.data)


class Pictures:
    """
    A store that forgets: after the vendors' 24 hours, or before that what nobody has asked for longest when it is full.

    A model's photo is uploaded once and goes with thousands of garments, so age alone tells nothing. Equal files share their memory.
    """

    def __init__(self, clock: Clock, seconds: float, capacity: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._capacity = capacity
        self._kept: OrderedDict[str, Picture] = OrderedDict()
        self._bytes = 0
        self._shared: dict[bytes, bytes] = {}
        self._sharing: Counter[bytes] = Counter()

    def add(self, data: bytes, mime: str, extension: str, operation: str, fault: FaultRule | None = None) -> str:
        """Store a file and return its path, shaped as on Claid's download host."""
        path = f"{DOWNLOADS}{new_id()}/{secrets.token_hex(16)}.{extension}"
        self._kept[path] = Picture(self._shared.setdefault(data, data), mime, operation, self._clock.now(), fault)
        self._sharing[data] += 1
        self._bytes += len(data)
        self._forget()
        return path

    def get(self, path: str) -> Picture | None:
        """The file at a path; None once it has expired."""
        picture = self._kept.get(path)
        if picture is None or picture.stored_at + self._seconds <= self._clock.now():
            return None
        self._kept.move_to_end(path)
        return picture

    def at_url(self, url: str) -> Picture | None:
        """The file that an own URL names; its path can't be guessed, so the host is not compared."""
        address = url.partition("?")[0].partition("://")[2]
        path = f"/{address.partition('/')[2]}"
        return self.get(path) if path.startswith(DOWNLOADS) else None

    def held(self, data: bytes) -> bytes:
        """The stored file that is equal to `data`, whose own memory can go then; `data` if there is none."""
        return self._shared.get(data, data)

    def size(self) -> dict[str, int]:
        """How much is stored."""
        return {"files": len(self._kept), "bytes": self._bytes}

    def _forget(self) -> None:
        horizon = self._clock.now() - self._seconds
        while self._kept:
            idlest = next(iter(self._kept.values()))
            if idlest.stored_at > horizon and self._bytes <= self._capacity:
                return
            self._kept.popitem(last=False)
            self._let_go(idlest.data)

    def _let_go(self, data: bytes) -> None:
        self._bytes -= len(data)
        self._sharing[data] -= 1
        if not self._sharing[data]:
            del self._sharing[data], self._shared[data]
