"""What a plan was made from, so that a look at versions alone tells whether it would be the same now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from importlib.metadata import version

from pydantic import BaseModel, ConfigDict, Field

from blocks.account import VendorAccount
from blocks.operations import OPERATIONS
from blocks.storage import ObjectStorage
from catalogs.catalog import Catalog
from catalogs.file_versions import FileVersions, file_versions
from catalogs.layout import MANIFEST_PATH
from catalogs.picture_versions import PICTURE_VERSIONS_PATH
from catalogs.recipe import Recipe

__all__ = ["MadeFrom", "made_from"]


class MadeFrom(BaseModel):
    """Catalog, recipe, prices, and the output's manifest and picture versions, as they were when a plan was made."""

    model_config = ConfigDict(frozen=True)

    release: str = Field(description="Catwalk's version.")
    catalog: FileVersions
    recipe: Recipe
    operations: dict[str, int] = Field(description="The versions of the recipe's operations.")
    prices: dict[str, float] = Field(description="Credits of a unit, by stage.")
    manifest: str | None = Field(description="The version of the output's manifest; none when there was none.")
    picture_versions: str | None = Field(description="The version of what was known of replaced pictures.")

    def changed(self, now: MadeFrom) -> list[str]:
        """In people's words, what is another one now."""
        words = {
            "release": "Catwalk itself",
            "catalog": "the catalog's files",
            "recipe": "the recipe",
            "operations": "the recipe's operations",
            "prices": "the prices",
            "manifest": "the output's manifest",
            "picture_versions": "the pictures' versions",
        }
        return [word for name, word in words.items() if getattr(self, name) != getattr(now, name)]


async def made_from(
    catalog: Catalog, recipe: Recipe, output: ObjectStorage, accounts: Iterable[VendorAccount]
) -> MadeFrom:
    """Ask for every version; raises `CatalogError` or `StorageError` where nobody answers."""
    operations = {stage.operation for stage in recipe.stages}
    known = {type(account): account for account in accounts}
    return MadeFrom(
        release=version("catwalk"),
        catalog=await asyncio.to_thread(file_versions, catalog.source.uri, catalog.filesystem, catalog.files),
        recipe=recipe,
        operations={name: OPERATIONS[name].version for name in sorted(operations)},
        prices={
            stage.name: stage.work().credits(stage.options, known[stage.work().account_type]) for stage in recipe.stages
        },
        manifest=await _version(output, MANIFEST_PATH),
        picture_versions=await _version(output, PICTURE_VERSIONS_PATH),
    )


async def _version(storage: ObjectStorage, path: str) -> str | None:
    found = await storage.stat(path)
    return found.version if found else None
