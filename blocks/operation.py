"""What an operation is: one vendor endpoint, with what it takes, what it costs and how its job is followed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from blocks.account import VendorAccount
from blocks.exchange import Call
from blocks.pictures import PictureLimits

__all__ = ["Accepted", "Finished", "Gender", "Inputs", "Operation", "Options", "Picture", "Result", "Running", "Slot"]

Gender = Literal["woman", "man"]


class Slot(StrEnum):
    """A place for a picture, or a fact, that an operation takes."""

    TOP = "top_garment"
    BOTTOM = "bottom_garment"
    GARMENTS = "garments"
    PERSON = "person_image"
    PICTURE = "picture"
    GENDER = "gender"


@dataclass(frozen=True, slots=True)
class Picture:
    """
    A picture on its way to a vendor; its bytes fit the operation's limits.

    `url` serves exactly these bytes and the vendor can reach it; None sends the bytes the vendor's own way.
    """

    name: str
    data: bytes
    mime: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Inputs:
    """The pictures and facts of one unit, by slot; `picture` is the previous stage's result or the row's own."""

    top_garment: Picture | None = None
    bottom_garment: Picture | None = None
    garments: tuple[Picture, ...] = ()
    person_image: Picture | None = None
    picture: Picture | None = None
    gender: Gender | None = None

    def clothing(self) -> tuple[Picture, ...]:
        """All garments, top first."""
        named = (self.top_garment, self.bottom_garment)
        return tuple(picture for picture in named if picture is not None) + self.garments


class Options(BaseModel):
    """An operation's own options, with the vendor's names, ranges and enums; a typo is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Result:
    """Where the vendor put one finished picture; the address dies within 24 hours."""

    url: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The vendor took the job: by its id to poll, or, for a synchronous operation, with its results at once."""

    job_id: str | None
    request_id: str | None = None
    results: tuple[Result, ...] = ()


@dataclass(frozen=True, slots=True)
class Running:
    """The job has not ended; `status` is the vendor's own word."""

    status: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The job ended well, with at least one result."""

    results: tuple[Result, ...]


AccountT = TypeVar("AccountT", bound=VendorAccount)
OptionsT = TypeVar("OptionsT", bound=Options)


class Operation(ABC, Generic[AccountT, OptionsT]):
    """
    One paid vendor endpoint.

    A unit goes through `prepare` (free, repeatable), `submit` (the one paid call) and `poll` (free,
    repeatable) until `Finished`. Raise `version` when the same options would now make another picture.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    account_type: ClassVar[type[VendorAccount]]
    options_type: ClassVar[type[Options]]
    requires: ClassVar[frozenset[Slot]]
    accepts: ClassVar[frozenset[Slot]] = frozenset()
    limits: ClassVar[PictureLimits]
    poll_seconds: ClassVar[float] = 3.0
    follows_a_result: ClassVar[bool] = False
    """Whether the picture must be a previous stage's result, not the row's own."""

    @abstractmethod
    def credits(self, options: OptionsT, account: AccountT) -> float:
        """What the account's price list charges for one unit, in the vendor's credits."""

    def candidates(self, options: OptionsT) -> int:  # noqa: ARG002 - operations that offer a choice override this
        """How many pictures one unit asks for."""
        return 1

    @abstractmethod
    async def prepare(self, account: AccountT, inputs: Inputs, options: OptionsT) -> Call:
        """Build the paid call, first uploading what the vendor must fetch and can't reach."""

    @abstractmethod
    async def submit(self, account: AccountT, call: Call) -> Accepted:
        """Send the paid call once; the caller holds the claim and the turn."""

    @abstractmethod
    async def poll(self, account: AccountT, job_id: str) -> Running | Finished:
        """Ask once how the job stands; raises `JobFailed` when the vendor failed it."""
