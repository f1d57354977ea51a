"""The scene of a chaos test: vendors and storage behind gates, a catalog, and lives that end early."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from blocks.storage import ObjectStorage
from flows.parameters import Retry
from tests.chaos.audit import Audit, Books, audit, open_books
from tests.chaos.lives import Living, Nursery
from tests.chaos.worker import Life
from tests.flows.bench import EDIT_ONLY, ON_MODEL, catalog

__all__ = ["EDIT_ONLY", "ON_MODEL", "SCENE_ONLY", "Scene"]

SCENE_ONLY = """
name: scene-only
stages:
  - {name: scene, operation: claid.scene, options: {scene: {model: v2, prompt: "a {color} wall"}}}
"""
VENDORS = ("CLAID", "VMAKE", "AILABTOOLS")
PATIENT = {"connect": 10.0, "reply": 30.0, "job": 60.0, "refusals": 30.0, "claim_grace": 0.0}
# For a life that has nothing to send: a claim that it finds is older than this at once.
HEIR = {"connect": 0.1, "reply": 0.1, "claim_grace": 0.0}


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

    def life(self, *, retry: Sequence[Retry] = (), **timeouts: float) -> Life:
        """A new run of everything."""
        self.lives += 1
        return Life(
            run_id=f"life-{self.lives:03}",
            catalog=str(self.catalog),
            recipe=self.recipe,
            output=self.storage.root,
            manifest=str(self.folder / "manifest.parquet"),
            retry=list(retry),
            environment=self.storage_keys | _accounts(self.vendors, PATIENT | timeouts),
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
        self.nursery.live(self.life(**settings))
        return self.books()

    def books(self) -> Books:
        """The ledger and the pictures as they are."""
        return open_books(self.storage.at(self.storage.root))

    def charges(self) -> list[dict[str, Any]]:
        """The jobs that the vendors have accepted for this catalog."""
        return self._all_charges()[self._before :]

    def audit(self) -> Audit:
        """Whether all adds up."""
        return audit(self.books(), self.charges(), self.killed)

    def _all_charges(self) -> list[dict[str, Any]]:
        return httpx.get(f"{self.vendors}/sandbox/charges", timeout=30, trust_env=False).raise_for_status().json()


def _accounts(vendors: str, timeouts: dict[str, float]) -> dict[str, str]:
    settings = {
        "API_KEY": "chaos",
        "BASE_URL": vendors,
        "POLL_SECONDS": "0.05",
        "LIMITS": json.dumps({"jobs_in_flight": 100}),
        "TIMEOUTS": json.dumps(timeouts),
    }
    return {f"{vendor}_{name}": text for vendor in VENDORS for name, text in settings.items()}
