"""What a run is asked to do: one typed model for the CLI, the Prefect UI and deployments alike."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from blocks.errors import CatalogError
from catalogs.dated import check_places, has_place
from catalogs.mapping import CatalogSource
from catalogs.plan import Selection
from catalogs.recipe import Recipe, shipped_recipes
from flows.form_fields import (
    FORM,
    RECIPE_NAMES,
    Credits,
    CreditsLimit,
    FinishTime,
    GalleryItems,
    ItemsInFlight,
    ShippedRecipe,
    TimeZone,
)

__all__ = [
    "Accounts",
    "ApplyRun",
    "BackfillRun",
    "Canary",
    "CatalogRun",
    "Retry",
    "RetryRun",
    "ScaleOut",
    "ShardRun",
]

MOST_BACKFILL_DAYS = 366


class Retry(StrEnum):
    """Ends that a person may want repeated."""

    FAILED = "failed"
    UNKNOWN = "unknown"


class Accounts(BaseModel):
    """Block documents to use; where one is empty, the vendor's environment variables hold key and address."""

    model_config = FORM

    claid: str | None = Field(default=None, description="Name of a Claid Credentials block.")
    vmake: str | None = Field(default=None, description="Name of a Vmake Credentials block.")
    ailabtools: str | None = Field(
        default=None, title="AILabTools", description="Name of an AILabTools Credentials block."
    )
    storage: str | None = Field(
        default=None, description="Name of an Object Storage block whose credentials open catalog, pictures and output."
    )


class ScaleOut(BaseModel):
    """Shards as runs of a deployment, on the machines of its work pool."""

    model_config = FORM

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


class Canary(BaseModel):
    """A few of the items that are due, tried first; where a vendor fails them, the others are held."""

    model_config = FORM

    items: int = Field(default=3, ge=1, le=20, description="How many items each vendor is tried with.", examples=[3])
    most_seconds: float = Field(
        default=300,
        gt=0,
        title="Longest time",
        description="Seconds that a picture may take from being ordered to being stored.",
        examples=[120],
    )
    only: bool = Field(default=False, title="Nothing else", description="Stop after the canary, well or not.")


class CatalogRun(BaseModel):
    """A catalog through a recipe into an output."""

    model_config = FORM

    catalog: CatalogSource = Field(description="The catalog and how its columns are called.")
    recipe: (
        Annotated[ShippedRecipe, Field(title="Shipped recipe", description="One that comes with Catwalk.")]
        | Annotated[
            str,
            Field(title="Recipe file", description="A YAML file on the worker.", examples=["/srv/recipes/summer.yaml"]),
        ]
        | Annotated[Recipe, Field(title="Own recipe", description="The recipe itself.")]
    ) = Field(
        default="on-model",
        description="What is made of each product.",
        examples=sorted(shipped_recipes()),
        json_schema_extra={"pattern": RECIPE_NAMES},
    )
    output: str = Field(
        min_length=1,
        description="Where pictures, ledger and manifest go.",
        examples=["s3://shop-pictures/autumn", "/data/pictures"],
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
        default=False,
        description="Mark what the manifest has of SKUs that have left the catalog, and of looks that have left the "
        "recipe, as retired.",
    )
    max_credits: CreditsLimit = None
    finish_by: FinishTime = None
    items_in_flight: ItemsInFlight = 500
    scale_out: ScaleOut | None = Field(
        default=None, description="Spread the work over many machines; empty means that this process does it all."
    )
    gallery_items: GalleryItems = 1000
    business_date: date | None = Field(
        default=None,
        description="The day that the run is for, of which there is one run; empty takes the day on which the run was "
        "due to start, if there is a time zone.",
        examples=["2026-11-03"],
    )
    time_zone: TimeZone | None = Field(
        default=None,
        description="The shop's time zone, which tells what day it is; empty for a run that is for no day.",
        examples=["Europe/Berlin", "America/New_York"],
    )
    date_offset_days: int = Field(
        default=0,
        ge=-7,
        le=7,
        title="Days from the start",
        description="Days from the start to the business date: -1 where a night works on the export of the day before.",
        examples=[0, -1],
    )
    again: bool = Field(
        default=False,
        title="Once more",
        description="Run although the business date's run has ended; what is delivered is not paid again.",
    )
    canary: Canary | None = Field(
        default=None, description="Try a few items first, and hold the others if a vendor fails them."
    )

    @model_validator(mode="after")
    def _has_its_date(self) -> Self:
        try:
            check_places(self.catalog.uri)
        except CatalogError as error:
            raise ValueError(str(error)) from error
        if has_place(self.output):
            raise ValueError(
                f"output: {self.output!r} would be another output each day, and so every picture would be paid anew each "
                "day; leave the date out: pictures of all days share an output"
            )
        if has_place(self.catalog.uri) and self.business_date is None and self.time_zone is None:
            raise ValueError(f"catalog: {self.catalog.uri!r} needs a business_date, or a time_zone to take it from")
        return self

    @property
    def label(self) -> str:
        """What the run is called where runs are listed."""
        return f"{self.business_date} {self.output}" if self.business_date else self.output


class BackfillRun(BaseModel):
    """The runs of a range of business dates, in order; what is done already is passed over."""

    model_config = FORM

    run: CatalogRun = Field(description="What is done for each of the days.")
    first: date = Field(title="First day", description="The first business date.", examples=["2026-11-01"])
    last: date = Field(
        title="Last day",
        description=f"The last business date, at most {MOST_BACKFILL_DAYS} days in all.",
        examples=["2026-11-07"],
    )
    max_credits: Credits | None = Field(
        default=None,
        description="Credits that all the days together may spend, what they spent in earlier runs among them; empty "
        "means no limit.",
    )
    go_on: bool = Field(
        default=False, title="Go on after a failure", description="Take the next day when a day's run has failed."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        days = (self.last - self.first).days + 1
        if not 1 <= days <= MOST_BACKFILL_DAYS:
            raise ValueError(
                f"from {self.first} to {self.last} it is {days} days; a backfill takes from 1 to {MOST_BACKFILL_DAYS}"
            )
        if self.run.business_date is not None:
            raise ValueError("run.business_date: leave it empty; a backfill fills in each of its days")
        return self


class ApplyRun(BaseModel):
    """A stored plan, carried out exactly as it is."""

    model_config = FORM

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

    model_config = FORM

    output: str = Field(min_length=1, description="Where the earlier runs put pictures, ledger and manifest.")
    kinds: list[Retry] = Field(
        min_length=1, description="Which ends to repeat; an unknown one may be charged a second time."
    )
    accounts: Accounts = Field(default_factory=Accounts, description="Which accounts and credentials to use.")
    max_credits: CreditsLimit = None
    finish_by: FinishTime = None
    items_in_flight: ItemsInFlight = 500
    gallery_items: GalleryItems = 1000


class ShardRun(BaseModel):
    """One shard of a plan, as its flow run gets it: small enough to be a parameter."""

    model_config = FORM

    output: str = Field(description="Where pictures, ledger and manifest go.")
    catalog: str = Field(description="The catalog's address, which relative picture references start from.")
    plan: str = Field(description="The plan's path under the output.")
    run_id: str = Field(description="The run that the shard belongs to.")
    shard: int = Field(ge=0, description="The shard's number within the plan.")
    accounts: Accounts = Field(default_factory=Accounts, description="Which accounts and credentials to use.")
    retry: list[Retry] = Field(default_factory=list[Retry], description="Repeat units that ended so before.")
    max_credits: CreditsLimit = None
    finish_by: FinishTime = None
    items_in_flight: ItemsInFlight = 500
    beside: int = Field(default=1, ge=1, description="Shards that share the accounts at one time, this one counted.")
