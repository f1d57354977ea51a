"""The file given as `--config`: how a team's catalog reads as ours, and which accounts to use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from blocks.errors import CatalogError
from catalogs.conditions import Condition
from catalogs.mapping import CatalogMapping, CatalogSource, did_you_mean
from flows.form_fields import GalleryItems, ItemsInFlight
from flows.parameters import Accounts, ScaleOut

__all__ = ["RunConfig", "load_config"]


class RunConfig(CatalogMapping):
    """Settings that stay the same from run to run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accounts: Accounts = Field(default_factory=Accounts, description="Prefect block documents to use.")
    items_in_flight: ItemsInFlight = 500
    scale_out: ScaleOut | None = Field(default=None, description="Spread large plans over the workers of a deployment.")
    gallery_items: GalleryItems = 1000

    def source(self, uri: str) -> CatalogSource:
        """A catalog, read as this file says."""
        settings: dict[str, Any] = {name: getattr(self, name) for name in CatalogMapping.model_fields}
        return CatalogSource(uri=uri, **settings)


def load_config(path: Path | None) -> RunConfig:
    """Read the file, or give the defaults when there is none; raises `CatalogError` naming the field at fault."""
    if path is None:
        return RunConfig()
    try:
        return RunConfig.model_validate(yaml.safe_load(path.read_text("utf-8")) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CatalogError(f"the config {str(path)!r} can't be read: {error}") from error
    except ValidationError as error:
        raise CatalogError(
            f"the config {str(path)!r} can't be used: {_complaint(error.errors(include_url=False))}",
            next_step=f"Its fields are: {', '.join(RunConfig.model_fields)}.",
        ) from error


def _complaint(problems: list[ErrorDetails]) -> str:
    # A field that is missing may be the one that is misspelt.
    problem = min(problems, key=lambda each: each["type"] != "extra_forbidden")
    place = [str(part) for part in problem["loc"]]
    where = ".".join(place) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no such field{did_you_mean(place[-1], _fields(place))}"
    if isinstance(problem["input"], bool):
        return f"{where}: {problem['msg']}; YAML reads yes, no, on and off as true and false, so put them in quotes"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}"


def _fields(place: list[str]) -> list[str]:
    nested: dict[str, type[BaseModel]] = {"where": Condition, "accounts": Accounts, "scale_out": ScaleOut}
    model = nested.get(place[0], RunConfig) if len(place) > 1 else RunConfig
    return [field.alias or name for name, field in model.model_fields.items()]
