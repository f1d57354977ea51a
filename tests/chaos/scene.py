"""The scene of a chaos test: vendors and storage behind gates, a catalog, and lives that end early."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from blocks.storage import ObjectStorage
from catalogs.manifest import read_rows
from flows.parameters import Retry
from tests.chaos.audit import Audit, Books, audit, open_books
from tests.chaos.death import Death
from tests.chaos.lives import Living, Nursery
from tests.chaos.worker import Life
from tests.flows.bench import EDIT_ONLY, ON_MODEL, catalog
from tests.s3_servers import S3Server

__all__ = ["EDIT_ONLY", "HEIR", "MOURNER", "ON_MODEL", "PATIENT", "SCENE_ONLY", "Scene", "accounts", "s3_keys"]

SCENE_ONLY = """
name: scene-only
stages:
  - {name: scene, operation: claid.scene, options: {scene: {model: v2, prompt: "a {color} wall"}}}
"""
VENDORS = ("CLAID", "VMAKE", "AILABTOOLS")
PATIENT = {"connect": 10.0, "reply": 30.0, "job": 60.0, "refusals": 30.0, "claim_grace": 0.0}
# For a life that has nothing to send: every claim that it finds is older than this.
HEIR = {"connect": 0.01, "reply": 0.01}
# For a life that has to send and to wait for the claims of the dead.
MOURNER = {"connect": 0.5, "reply": 3.5}


@dataclass
class Scene:
    """One catalog, one output, and all who work on it; `vendors` is where the accounts call."""

    nursery: Nursery
    folder: Path
    vendors: str
    storage: ObjectStorage
    items: int
    recipe: str = EDIT_ONLY
    storage_keys: dict[str, str] = field(default_factory=dict[str, str])
    lives: int = 0
    kills: int = 0
    killed: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        """Draw the catalog, and remember what others were charged before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.catalog = catalog(self.folder / "catalog", self.items)
        self._before = len(self._all_charges())

    def life(self, *, retry: Sequence[Retry] = (), death: Death | None = None, **timeouts: float) -> Life:
        """A new run of everything."""
        self.lives += 1
        run_id = f"life-{self.lives:03}"
        return Life(
            run_id=run_id,
            catalog=str(self.catalog),
            recipe=self.recipe,
            output=self.storage.root,
            manifest=str(self.folder / f"manifest-{self.lives:03}.parquet"),
            retry=list(retry),
            # S3 is told the life's name in `User-Agent`.
            environment=self.storage_keys
            | accounts(self.vendors, PATIENT | timeouts)
            | {"AWS_SDK_UA_APP_ID": run_id}
            | (death.environment() if death else {}),
        )

    def begin(self, **settings: Any) -> tuple[Life, Living]:
        """Begin a run that may be killed."""
        life = self.life(**settings)
        return life, self.nursery.begin(life)

    def kill(self, life: Life, living: Living) -> None:
        """Kill a run, if it is still there."""
        if living.kill():
            self.kills += 1
            self.killed.add(life.run_id)

    def finish(self, **settings: Any) -> Books:
        """Let a run come to its end and read what it left."""
        self.run(**settings)
        return self.books()

    def books(self) -> Books:
        """The ledger and the pictures as they are."""
        return open_books(self.storage.at(self.storage.root))

    def charges(self) -> list[dict[str, Any]]:
        """The jobs that the vendors have accepted for this catalog."""
        return self._all_charges()[self._before :]

    def audit(self, *, killed_alone: bool = True) -> Audit:
        """Whether all adds up; with vendors that misbehave, outcomes may be unknown without a kill."""
        return audit(self.books(), self.charges(), self.killed if killed_alone else None)

    def run(self, **settings: Any) -> list[dict[str, Any]]:
        """Let a run come to its end; returns its manifest's rows."""
        life = self.life(**settings)
        self.nursery.live(life)
        return list(read_rows(Path(life.manifest)))

    def _all_charges(self) -> list[dict[str, Any]]:
        return httpx.get(f"{self.vendors}/sandbox/charges", timeout=30, trust_env=False).raise_for_status().json()


def accounts(vendors: str, timeouts: dict[str, float]) -> dict[str, str]:
    """The environment of accounts at these vendors."""
    settings = {
        "API_KEY": "chaos",
        "BASE_URL": vendors,
        "POLL_SECONDS": "0.05",
        "LIMITS": json.dumps({"jobs_in_flight": 100}),
        "TIMEOUTS": json.dumps(timeouts),
    }
    return {f"{vendor}_{name}": text for vendor in VENDORS for name, text in settings.items()}


def s3_keys(server: S3Server) -> dict[str, str]:
    """The environment that opens an S3 server."""
    return {
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_ACCESS_KEY_ID": server.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
    }
