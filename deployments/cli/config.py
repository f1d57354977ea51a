"""The file given as `--config`: how a team's catalog is called, and which accounts to use."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blocks.errors import CatalogError
from flows.parameters import Accounts

__all__ = ["RunConfig", "load_config"]


class RunConfig(BaseModel):
    """Settings that stay the same from run to run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, str] = Field(default_factory=dict, description="Logical name to the catalog's own column name.")
    values: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="Logical name to a map from the catalog's own values to ours."
    )
    accounts: Accounts = Field(default_factory=Accounts, description="Prefect block documents to use.")
    items_in_flight: int = Field(default=500, ge=1, le=5000, description="Items worked on at one time.")
    gallery_items: int = Field(default=1000, ge=0, description="How many items the gallery shows.")


def load_config(path: Path | None) -> RunConfig:
    """Read the file, or give the defaults when there is none; raises `CatalogError` naming the field at fault."""
    if path is None:
        return RunConfig()
    try:
        return RunConfig.model_validate(yaml.safe_load(path.read_text("utf-8")) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CatalogError(f"the config {str(path)!r} can't be read: {error}") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise CatalogError(
            f"the config {str(path)!r} can't be used: {where or 'the file'}: {problem['msg']}",
            next_step=f"Its fields are: {', '.join(RunConfig.model_fields)}.",
        ) from error
