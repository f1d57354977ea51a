"""A plan as an output keeps it: its units in Parquet, and beside them one document with all else."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blocks.errors import CatalogError, StorageError
from blocks.storage import MissingObject, ObjectStorage
from catalogs.layout import PARQUET, left_out_path, plan_document_path, plan_path, rejects_path, seen_path, upkeep_path
from flows.commands import apply_command
from flows.made_from import MadeFrom
from flows.parameters import CatalogRun
from flows.planning import RunPlan
from flows.quote import Quote

__all__ = ["PlanAddress", "StoredPlan", "keep_findings", "keep_plan", "read_plan", "write_document"]

FOLDER = "/plans/"


class StoredPlan(BaseModel):
    """
    What was asked of a plan, when, what it was made from, and its quote; the document beside its units.

    `files` are what lies under the output for whoever applies it. A run that carries it out has the plan's own name.
    """

    model_config = ConfigDict(frozen=True)

    plan_id: str
    asked: CatalogRun
    made_at: datetime
    made_from: MadeFrom
    quote: Quote
    shards: int
    files: dict[str, str] = Field(description="units, rejects and, where there are any, left_out, upkeep, pictures.")
    applied_at: datetime | None = None

    def address(self) -> str:
        """Where the document lies."""
        return PlanAddress(output=self.asked.output, plan_id=self.plan_id).uri()

    def beside(self, name: str) -> str:
        """Where one of its files lies."""
        return f"{self.asked.output.rstrip('/')}/{self.files[name]}"

    def command(self, config: str | None = None) -> str:
        """What applies the plan."""
        return apply_command(self.address(), self.asked, config)

    def parts(self) -> list[str]:
        """The manifest rows that are there before any unit is worked on."""
        return [self.files[name] for name in ("rejects", "left_out") if name in self.files]


class PlanAddress(BaseModel):
    """An output and the name of a plan in it."""

    model_config = ConfigDict(frozen=True)

    output: str
    plan_id: str

    @classmethod
    def of(cls, plan: str, output: str | None = None) -> PlanAddress:
        """From a name and an output, or from the address of the plan's document or units; raises `CatalogError`."""
        folder, _, name = plan.rpartition(FOLDER)
        name = (name or plan).removesuffix(".json").removesuffix(".parquet")
        if output is None and not folder:
            raise CatalogError(
                f"{plan!r} is not the address of a plan",
                next_step="Give the address that `catwalk plan` printed, or the plan's name with --output.",
            )
        if not name or "/" in name:
            raise CatalogError(f"{plan!r} names no plan", next_step="`catwalk plan` prints a plan's name and address.")
        return cls(output=output if output is not None else folder, plan_id=name)

    def uri(self) -> str:
        """The address of the document."""
        return f"{self.output.rstrip('/')}/{plan_document_path(self.plan_id)}"


async def keep_plan(storage: ObjectStorage, run: CatalogRun, plan_id: str, plan: RunPlan, at: datetime) -> StoredPlan:
    """Store units and findings, then the document, which makes it a plan."""
    await storage.upload(plan_path(plan_id), plan.path, content_type=PARQUET)
    files = {"units": plan_path(plan_id)} | await keep_findings(storage, plan_id, plan)
    if plan.left_out is not None:
        files["left_out"] = await _kept(storage, left_out_path(plan_id), plan.left_out)
    stored = StoredPlan(
        plan_id=plan_id,
        asked=run,
        made_at=at,
        made_from=plan.made_from,
        quote=plan.quote,
        shards=plan.shards,
        files=files,
    )
    await write_document(storage, stored)
    return stored


async def keep_findings(storage: ObjectStorage, plan_id: str, plan: RunPlan) -> dict[str, str]:
    """Store what planning found out beside the units: rows that can't run, facts of other items, versions of pictures."""
    found: dict[str, tuple[str, Path | None]] = {
        "rejects": (rejects_path(plan_id), plan.rejects),
        "upkeep": (upkeep_path(plan_id), plan.upkeep),
        "pictures": (seen_path(plan_id), plan.versions_path),
    }
    return {name: await _kept(storage, path, file) for name, (path, file) in found.items() if file is not None}


async def write_document(storage: ObjectStorage, plan: StoredPlan) -> None:
    """Write the document, over an older one."""
    data = plan.model_dump_json(indent=1).encode()
    await storage.write(plan_document_path(plan.plan_id), data, content_type="application/json")


async def read_plan(storage: ObjectStorage, plan_id: str) -> StoredPlan:
    """The document of a plan; raises `StorageError` where there is none."""
    path = plan_document_path(plan_id)
    try:
        return StoredPlan.model_validate_json(await storage.read(path))
    except MissingObject as error:
        raise StorageError(
            f"there is no plan at {storage.uri(path)}",
            next_step="Check the address: `catwalk plan` printed it.",
        ) from error
    except ValidationError as error:
        raise StorageError(
            f"the plan at {storage.uri(path)} can't be read: {error.errors()[0]['msg']}",
            next_step="It may be of another version of Catwalk; plan anew.",
        ) from error


async def _kept(storage: ObjectStorage, path: str, file: Path) -> str:
    await storage.upload(path, file, content_type=PARQUET)
    return path
