"""What every vendor's account block has in common: key, address, limits, timeouts, and how its refusals read."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx
from prefect.blocks.core import Block
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from blocks.errors import VendorError
from blocks.pace import Pace, Window
from blocks.shared_pace import SharedLimit, SharedPace
from blocks.webhook import Webhook

__all__ = ["BalanceReply", "Limits", "Price", "Timeouts", "VendorAccount", "http_address"]

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Limits(BaseModel):
    """What the vendor allows this account; empty means that the vendor sets no such limit."""

    model_config = ConfigDict(extra="forbid")

    requests_per_second: int | None = Field(default=None, ge=1, description="Calls of any kind per second.")
    requests_per_minute: int | None = Field(default=None, ge=1, description="Calls of any kind per minute.")
    generations_per_second: int | None = Field(default=None, ge=1, description="Paid calls per second.")
    generations_per_minute: int | None = Field(default=None, ge=1, description="Paid calls per minute.")
    jobs_in_flight: int = Field(default=500, ge=1, description="Jobs running at the vendor at one time.")

    @property
    def paid_calls_per_minute(self) -> float | None:
        """The tightest of the limits that a paid call meets; None without one."""
        rates = (
            (self.requests_per_second, 60),
            (self.requests_per_minute, 1),
            (self.generations_per_second, 60),
            (self.generations_per_minute, 1),
        )
        return min((float(count * times) for count, times in rates if count is not None), default=None)


class Timeouts(BaseModel):
    """How long each kind of wait may last, in seconds."""

    model_config = ConfigDict(extra="forbid")

    connect: float = Field(default=10, gt=0, description="Seconds to make a connection.")
    reply: float = Field(default=120, gt=0, description="Seconds until a call has been answered in full.")
    download: float = Field(default=120, gt=0, description="Seconds until a picture has arrived in full.")
    job: float = Field(default=300, gt=0, description="Seconds from a job's acceptance to its result.")
    claim_grace: float = Field(
        default=300,
        ge=0,
        description="Seconds that a claim without a job id outlives the longest call before its outcome is unknown; "
        "at least the storage's patience and 180 s.",
    )
    refusals: float = Field(
        default=3600, gt=0, description="Seconds to go on asking while the vendor refuses for rate or is down."
    )


class BalanceReply(BaseModel, ABC):
    """A vendor's answer to the question what credits are left."""

    @property
    @abstractmethod
    def balance(self) -> float:
        """Credits left on the account."""


# One pace per event loop and account: two flows in a process share what the vendor allows.
_paces: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str, str], Pace]] = WeakKeyDictionary()


class VendorAccount(Block, ABC):
    """One account at one vendor; each vendor's block adds its `prices`, how it authenticates and how it says no."""

    vendor: ClassVar[str]
    env_prefix: ClassVar[str]
    free_question: ClassVar[str]
    """A path whose GET costs nothing and is refused without a valid key."""
    balance_reply: ClassVar[type[BalanceReply] | None] = None
    """What that GET answers, at vendors that tell the account's balance so."""

    api_key: SecretStr = Field(description="The vendor's API key.")
    base_url: str = Field(description="Where the vendor's API answers.")
    limits: Limits = Field(default_factory=Limits, description="What the vendor allows this account.")
    poll_seconds: float | None = Field(
        default=None, gt=0, description="Seconds between two looks at a job; empty means the vendor's advice."
    )
    timeouts: Timeouts = Field(default_factory=Timeouts, description="How long each kind of wait may last.")
    shared_limit: str | None = Field(
        default=None,
        max_length=100,
        pattern=r"^[^/%&<>]*$",
        description="Name of the Prefect global concurrency limits that several processes on this account share; "
        "empty when only one process uses it.",
    )

    credit_price: Price | None = Field(
        default=None, description="What one credit costs in money; empty shows prices in credits alone."
    )
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$", description="The currency of the price of a credit.")

    @field_validator("base_url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        return http_address(value)

    @classmethod
    def without_key(cls, **settings: Any) -> Self:
        """An account that can tell prices, and nothing else."""
        return cls.model_validate({"api_key": "", **settings})

    def in_money(self, credits_: float) -> str | None:
        """Credits in money, as people write it; None if nobody has said what a credit costs."""
        return None if self.credit_price is None else f"{credits_ * self.credit_price:.2f} {self.currency}"

    @abstractmethod
    def auth_headers(self) -> dict[str, str]:
        """The headers that carry the key; they are sent to `base_url` alone."""

    @abstractmethod
    def refusal(self, response: httpx.Response, *, posting: bool) -> VendorError | None:
        """
        Read the vendor's answer: None when it is a success.

        `posting` marks the paid call, where a 500, 502 or 504 leaves the outcome unknown.
        """

    def observe(self, response: httpx.Response) -> None:
        """Take note of the limits that any answer, good or bad, may carry in its headers."""

    @property
    def is_limited(self) -> bool:
        """Whether the vendor limits how often this account may call it."""
        return any(self.limits.model_dump(exclude={"jobs_in_flight"}).values())

    def webhook(self) -> Webhook | None:
        """How the vendor's deliveries reach a run; None where runs poll alone."""
        return None

    def pace(self) -> Pace:
        """The turns at calling this account, shared by everything on the running event loop."""
        paces = _paces.setdefault(asyncio.get_running_loop(), {})
        account = (self.vendor, self.base_url, self.api_key.get_secret_value())
        if account not in paces:
            paces[account] = self._new_pace()
        return paces[account]

    def shared_limits(self) -> list[SharedLimit]:
        """The limits on the Prefect server that `shared_limit` names; none without it."""
        return pace.limits() if isinstance(pace := self._new_pace(), SharedPace) else []

    async def ensure_shared_limits(self) -> None:
        """Create the limits that `shared_limit` names on the Prefect server, or set them right; else do nothing."""
        if isinstance(pace := self._new_pace(), SharedPace):
            await pace.ensure()

    def _new_pace(self) -> Pace:
        limits = self.limits
        requests = _windows(limits.requests_per_second, limits.requests_per_minute)
        generations = _windows(limits.generations_per_second, limits.generations_per_minute)
        if self.shared_limit:
            return SharedPace(requests, generations, self.shared_limit)
        return Pace(requests, generations)


def http_address(value: str) -> str:
    """An http(s) address without its last slash; raises ValueError for anything else."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{value!r} is not an http(s) address such as 'https://api.example.com'.")
    return value.rstrip("/")


def _windows(per_second: int | None, per_minute: int | None) -> list[Window]:
    rates = ((per_second, 1.0), (per_minute, 60.0))
    return [Window(count, seconds) for count, seconds in rates if count is not None]
