"""How a sandbox behaves: what it accepts, how long jobs last, what they cost, how large pictures get."""

from __future__ import annotations

import os
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.faults import FaultRule

__all__ = ["Balances", "Keys", "Prices", "SandboxSettings", "Webhook"]

MOST_PATIENCE_SECONDS = 1.0


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Keys(_Part):
    """Which API keys open the door; the first letters of a key choose how it is refused."""

    accepted: tuple[str, ...] = Field(default=(), description="The only keys accepted; empty accepts any other key.")
    wrong_prefix: str = Field(default="wrong", min_length=1, description="Keys beginning so are unknown (401).")
    noscope_prefix: str = Field(default="noscope", min_length=1, description="Keys beginning so lack a scope (403).")
    broke_prefix: str = Field(default="broke", min_length=1, description="Keys beginning so have no credits left.")


class Balances(_Part):
    """Credits that each key starts with, by vendor."""

    claid: float = Field(default=10_000_000, ge=0, description="Claid credits.")
    vmake: float = Field(default=10_000_000, ge=0, description="Vmake credits.")
    ailabtools: float = Field(default=10_000_000, ge=0, description="AILabTools credits.")


class Prices(_Part):
    """Credits per unit; where a vendor publishes none, an assumption."""

    claid_fashion_image: float = Field(default=2, ge=0, description="Claid fashion models, per picture.")
    claid_edit_image: float = Field(default=2, ge=0, description="Claid AI edit, per picture.")
    claid_scene_image: float = Field(default=1, ge=0, description="Claid scene, per picture (assumed).")
    claid_generated_prompt: float = Field(default=0.5, ge=0, description="Claid scene, per generated prompt.")
    vmake_task: float = Field(default=1, ge=0, description="Vmake fashion model, per task.")
    ailabtools_refiner_task: float = Field(default=30, ge=0, description="AILabTools refiner, per success (assumed).")


class Webhook(_Part):
    """What a person sets in Claid's Webhook Settings, and what these leave open."""

    url: str = Field(description="Where deliveries go.")
    secret: str | None = Field(default=None, repr=False, description="Signs deliveries; without one they are unsigned.")
    events: frozenset[Literal["success", "failed"]] = Field(
        default=frozenset(("success", "failed")), description="Success pipelines, Failed pipelines."
    )
    encoding: Literal["hex", "prefixed", "base64"] = Field(
        default="hex", description="How the digest is written (assumed): bare, after `sha256=`, or in base64."
    )
    wrapped: bool = Field(default=True, description="Whether the body is under `data`, as the job's query has it.")
    retry_seconds: tuple[float, ...] = Field(
        default=(1, 5, 25), max_length=10, description="Waits before further tries when none was accepted (assumed)."
    )


class SandboxSettings(_Part):
    """Everything that can be chosen about one sandbox."""

    keys: Keys = Field(default_factory=Keys, description="Which API keys are accepted.")
    balances: Balances = Field(default_factory=Balances, description="Credits each key starts with.")
    prices: Prices = Field(default_factory=Prices, description="What each operation costs.")
    job_seconds: float = Field(default=2.0, ge=0, description="Seconds from a job's acceptance to its end.")
    scene_seconds: float | None = Field(
        default=None, ge=0, description="Seconds a synchronous scene reply is held; as `job_seconds` if not given."
    )
    limits: Literal["documented", "off"] | Annotated[float, Field(gt=0)] = Field(
        default="documented", description="The vendors' rate limits as documented, none, or multiplied by a factor."
    )
    picture_size: int | None = Field(
        default=None, ge=32, le=4096, description="The longest side of any picture drawn; as documented if not given."
    )
    drawing: Literal["full", "quick"] = Field(
        default="full", description="Pictures drawn with care, or for load: their inputs in small on a flat ground."
    )
    seed: int = Field(default=0, description="Changes every drawing, and which requests a fault's rate picks.")
    strict: bool = Field(default=False, description="Accept only the newest documented lists of preset ids and ratios.")
    invalid_option_status: Literal[400, 422] = Field(
        default=422, description="Claid's answer to an option out of range: 422 is documented, 400 was seen live."
    )
    public_url: str | None = Field(
        default=None, description="Address put into result URLs; the request's own host if not given."
    )
    result_hours: float = Field(default=24, gt=0, description="Hours that results stay.")
    store_bytes: int = Field(
        default=512_000_000, gt=0, description="Bytes of pictures kept; those idle longest go first."
    )
    fetch_seconds: float = Field(default=10, gt=0, description="Seconds to fetch one input picture.")
    fetch_bytes: int = Field(default=25_000_000, gt=0, description="Bytes that one input picture may have.")
    draw_processes: int = Field(
        default_factory=lambda: max(1, min(4, (os.cpu_count() or 2) - 1)),
        ge=0,
        le=64,
        description="Processes that draw; 0 draws in a thread.",
    )
    webhook: Webhook | None = Field(default=None, description="Claid's webhook; none if not given.")
    faults: tuple[FaultRule, ...] = Field(default=(), description="Faults from the start.")

    @property
    def held_seconds(self) -> float:
        """Seconds that a synchronous reply is held."""
        return self.job_seconds if self.scene_seconds is None else self.scene_seconds

    @property
    def patience_seconds(self) -> float:
        """Seconds that a drawing waits at most for a quiet moment: a part of the time that it has."""
        return min(MOST_PATIENCE_SECONDS, self.job_seconds / 4, self.held_seconds / 4)
