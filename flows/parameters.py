"""What a run is asked to do: one typed model for the CLI, the Prefect UI and deployments alike."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from catalogs.mapping import CatalogSource
from catalogs.plan import Selection
from catalogs.recipe import Recipe

__all__ = ["Accounts", "ApplyRun", "CatalogRun", "Retry", "RetryRun", "ScaleOut", "ShardRun"]

Credits = Annotated[float, Field(ge=0, allow_inf_nan=False)]
FinishTime = Annotated[
    AwareDatetime | None,
    Field(
        description="When the run is to be over: what can't be fetched by then is not sent, and the next run goes on "
        "with it; empty means no such time."
    ),
]


class Retry(StrEnum):
    """Ends that a person may want repeated."""

    FAILED = "failed"
    UNKNOWN = "unknown"


class Accounts(BaseModel):
    """Block documents to use; where one is empty, the vendor's environment variables hold key and address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claid: str | None = Field(default=None, description="Name of a Claid Credentials block.")
    vmake: str | None = Field(default=None, description="Name of a Vmake Credentials block.")
    ailabtools: str | None = Field(default=None, description="Name of an AILabTools Credentials block.")
    storage: str | None = Field(
        default=None, description="Name of an Object Storage block whose credentials open catalog, pictures and output."
    )


class ScaleOut(BaseModel):
    """Shards as runs of a deployment, on the machines of its work pool."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deployment: str = Field(
        default="process-shard/shard", description="The deployment that works through one shard: flow/deployment."
    )
    shard_items: int = Field(
        default=5000,
        ge=1,
        le=20_000,
        description="Items of a shard; a plan of no more than these stays in one process.",
    )
    at_once: int = Field(default=4, ge=1, le=100, description="Shards worked through at one time.")
    start_seconds: float = Field(
        default=900,
        ge=1,
        le=86_400,
        description="Seconds that a shard waits for a worker; after that it is worked through in the run's own process.",
    )
    silent_seconds: float = Field(
        default=180,
        ge=15,
        le=86_400,
        description="Seconds that a running shard may write nothing into storage before its machine counts as gone.",
    )


class CatalogRun(BaseModel):
    """A catalog through a recipe into an output."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    catalog: CatalogSource = Field(description="The catalog and how its columns are called.")
    recipe: str | Recipe = Field(
        default="on-model", description="A shipped recipe's name, a YAML file, or the recipe itself."
    )
    output: str = Field(
        description="Where pictures, ledger and manifest go.", examples=["s3://shop-pictures/autumn", "/data/pictures"]
    )
    selection: Selection = Field(default_factory=Selection, description="Which items to work on; empty means all.")
    accounts: Accounts = Field(default_factory=Accounts, description="Which accounts and credentials to use.")
    retry: list[Retry] = Field(
        default_factory=list[Retry],
        description="Repeat units that ended so before; an unknown one may be charged a second time.",
    )
    check_pictures: bool = Field(
        default=False, description="Ask every picture's server whether it is still the one that was there before."
    )
    retire: bool = Field(
        default=False, description="Mark what the manifest has of SKUs that have left the catalog as retired."
    )
    max_credits: Credits | None = Field(
        default=None, description="Credits that the run may spend, all vendors' together; empty means no limit."
    )
    finish_by: FinishTime = None
    items_in_flight: int = Field(default=500, ge=1, le=5000, description="Items worked on at one time.")
    scale_out: ScaleOut | None = Field(
        default=None, description="Spread the work over many machines; empty means that this process does it all."
    )
    gallery_items: int = Field(default=1000, ge=0, description="How many items the gallery shows; 0 for no gallery.")


class ApplyRun(BaseModel):
    """A stored plan, carried out exactly as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    plan: str = Field(
        min_length=1,
        description="The plan's address, as planning told it.",
        examples=["s3://shop-pictures/autumn/plans/20260901T013000Z-1a2b3c4d.json"],
    )
    accounts: Accounts | None = Field(
        default=None,
        description="Which accounts and credentials to use; empty means those that the plan was made with.",
    )
    max_credits: Credits | None = Field(
        default=None, description="Credits that the run may spend; empty means the plan's own limit."
    )
    finish_by: FinishTime = None


class RetryRun(BaseModel):
    """Units of earlier runs once more, exactly those that ended so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    output: str = Field(description="Where the earlier runs put pictures, ledger and manifest.")
    kinds: list[Retry] = Field(
        min_length=1, description="Which ends to repeat; an unknown one may be charged a second time."
    )
    accounts: Accounts = Field(default_factory=Accounts, description="Which accounts and credentials to use.")
    max_credits: Credits | None = Field(
        default=None, description="Credits that the run may spend, all vendors' together; empty means no limit."
    )
    finish_by: FinishTime = None
    items_in_flight: int = Field(default=500, ge=1, le=5000, description="Items worked on at one time.")
    gallery_items: int = Field(default=1000, ge=0, description="How many items the gallery shows; 0 for no gallery.")


class ShardRun(BaseModel):
    """One shard of a plan, as its flow run gets it: small enough to be a parameter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    output: str = Field(description="Where pictures, ledger and manifest go.")
    catalog: str = Field(description="The catalog's address, which relative picture references start from.")
    plan: str = Field(description="The plan's path under the output.")
    run_id: str = Field(description="The run that the shard belongs to.")
    shard: int = Field(ge=0, description="The shard's number within the plan.")
    accounts: Accounts = Field(default_factory=Accounts, description="Which accounts and credentials to use.")
    retry: list[Retry] = Field(default_factory=list[Retry], description="Repeat units that ended so before.")
    max_credits: Credits | None = Field(
        default=None, description="Credits that the run may spend, all vendors' together; empty means no limit."
    )
    finish_by: FinishTime = None
    items_in_flight: int = Field(default=500, ge=1, le=5000, description="Items worked on at one time.")
    beside: int = Field(default=1, ge=1, description="Shards that share the accounts at one time, this one counted.")
