"""The deployments that `prefect.yaml` describes, filled in for one shop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import yaml
from prefect import Flow
from pydantic import BaseModel, ConfigDict, Field

from catalogs.samples import demo_catalog
from deployments.setup.form import form_of
from flows.form_fields import TimeZone

__all__ = ["Described", "DescribedSchedule", "Shop", "absolute", "described", "filled", "hour_before"]

DAY_AND_NIGHT = {"nightly", "canary"}
DEMO = "catalogs/samples/demo/catalog.parquet"


class Shop(BaseModel):
    """What is a shop's own in its deployments; what is None was not said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    catalog: str | None = None
    output: str | None = None
    time_zone: TimeZone | None = None
    cron: str | None = None
    recipe: str | None = None
    accounts: dict[str, str] = Field(default_factory=dict)
    switch_on: bool = False


class DescribedSchedule(BaseModel):
    """When a deployment runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slug: str
    cron: str
    timezone: str
    active: bool

    def for_shop(self, shop: Shop) -> DescribedSchedule:
        """The schedule at the shop's hour; the canary an hour before its night."""
        changed: dict[str, Any] = {"active": True} if shop.switch_on else {}
        if self.slug in DAY_AND_NIGHT and shop.time_zone is not None:
            changed["timezone"] = shop.time_zone
        if self.slug == "nightly" and shop.cron is not None:
            changed["cron"] = shop.cron
        if self.slug == "canary" and shop.cron is not None:
            before = hour_before(shop.cron)
            changed |= {"cron": before} if before else {"active": False}
        return self.model_copy(update=changed)


class _WorkPool(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str


class Described(BaseModel):
    """One deployment as the file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    entrypoint: str
    description: str
    tags: list[str]
    parameters: dict[str, Any] = {}
    schedules: list[DescribedSchedule] = []
    work_pool: _WorkPool
    enforce_parameter_schema: bool

    @property
    def module_entrypoint(self) -> str:
        """Where the flow is in an installed Catwalk, whatever folder the worker is in."""
        module, _, name = self.entrypoint.partition(":")
        return f"{module.removesuffix('.py').replace('/', '.')}.{name}"

    @property
    def flow(self) -> Flow[..., Any]:
        """The flow itself."""
        module, _, name = self.module_entrypoint.rpartition(".")
        return cast("Flow[..., Any]", getattr(import_module(module), name))

    def form(self) -> dict[str, Any]:
        """The form of its parameters."""
        return form_of(self.flow)


class _DeploymentFile(BaseModel):
    deployments: list[Described]


def described() -> list[Described]:
    """The deployments, in the file's order."""
    text = (files("deployments") / "prefect.yaml").read_text("utf-8")
    return _DeploymentFile.model_validate(yaml.safe_load(text)).deployments


def filled(each: Described, shop: Shop, held: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """
    A deployment's parameters with what is the shop's own in its places.

    Of what was not said, that of the `held` parameters stays; without any, the file's examples go.
    """
    done = deepcopy(dict(each.parameters if held is None else held))
    for path, example in _places(each.parameters):
        place = done
        for name in path:
            place = place.setdefault(name, {})
        _fill(place, example, shop, new=held is None)
    return done


def hour_before(cron: str) -> str | None:
    """The cron of an hour before, on the same day; None where that takes more than a look at the hour."""
    minute, hour, *days = cron.split()
    return " ".join([minute, str(int(hour) - 1), *days]) if hour.isdecimal() and int(hour) > 0 else None


def _places(value: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every mapping that has an output, with the way there: the parameters of a run, wherever they are."""
    if "output" in value:
        yield path, value
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _places(cast("dict[str, Any]", inner), (*path, name))


def _fill(place: dict[str, Any], example: dict[str, Any], shop: Shop, *, new: bool) -> None:
    if new:
        del place["output"]
        place.pop("catalog", None)
    if "catalog" in example:
        uri = shop.catalog or (str(demo_catalog()) if new and example["catalog"] == {"uri": DEMO} else None)
        if uri is not None:
            place["catalog"] = place.get("catalog", {}) | {"uri": uri}
    said = {"output": shop.output, "time_zone": shop.time_zone, "recipe": shop.recipe}
    place |= {name: value for name, value in said.items() if value is not None and name in example}
    if shop.accounts:
        place["accounts"] = dict(shop.accounts)


def absolute(address: str) -> str:
    """A local path from the root on, as a worker has a folder of its own."""
    return address if "://" in address else str(Path(address).resolve())
