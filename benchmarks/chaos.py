"""
Is every picture paid for once? Runs are killed hundreds of times, storage dies, vendors do everything wrong.

    python -m benchmarks.chaos [--kills 200] [--items 12] [--faulty-items 300] [--seed 1]

Prints a table; exits with 1 if anything did not add up. With Ceph's packages installed its gateway is killed as well.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from deployments.cli.environment import prepare_environment

prepare_environment()

from blocks.storage import ObjectStorage  # noqa: E402 - Prefect reads its settings when first imported
from sandbox.server import running_sandbox  # noqa: E402
from sandbox.settings import SandboxSettings  # noqa: E402
from tests.ceph.cluster import CephCluster, missing_programs  # noqa: E402
from tests.chaos.audit import Audit  # noqa: E402
from tests.chaos.campaign import Campaign, Way  # noqa: E402
from tests.chaos.gate import Gate, Moment, running_gate  # noqa: E402
from tests.chaos.lives import Living, Nursery, running_nursery  # noqa: E402
from tests.chaos.misbehaviour import behave, misbehave, pass_a_day  # noqa: E402
from tests.chaos.scene import MOURNER, ON_MODEL, Scene, s3_keys  # noqa: E402
from tests.s3_servers import S3Server, running_moto  # noqa: E402

STAGES = 3
KILLS_A_CAMPAIGN = 25
FAULT_RATE = 0.05
OUTAGE_SECONDS = 5.0
LIFE_SECONDS = 600.0
MOMENTS: tuple[Moment, ...] = ("before", "after")
IMPATIENT = {"connect": 2.0, "reply": 4.0, "job": 3.0, "download": 5.0, "refusals": 60.0}
COLUMNS = (
    "what", "s", "lives", "kills", "units", "charges unasked", "twice", "unknown", "of these accepted", "charges in the end",
    "delivered", "faults",
)  # fmt: skip


@dataclass
class Line:
    """One row of the table: sums over campaigns of a kind."""

    what: str
    seconds: float = 0.0
    lives: int = 0
    kills: int = 0
    planned: int = 0
    charges: int = 0
    twice: int = 0
    unknown: int = 0
    lost: int = 0
    final_charges: int = 0
    delivered: int = 0
    faults: list[str] = field(default_factory=list[str])

    def add(self, scene: Scene, unasked: Audit, final: Audit, delivered: int) -> None:
        """Count one scene, whose units were to be delivered in full."""
        self.lives += scene.lives
        self.kills += scene.kills
        self.planned += scene.items * STAGES
        self.charges += unasked.charges
        self.twice += unasked.charges - unasked.units
        self.unknown += final.unknown
        self.lost += final.lost
        self.final_charges += final.charges
        self.delivered += delivered
        self.faults += [*unasked.faults, *final.faults]

    def row(self) -> str:
        """As a row of the table."""
        cells = (
            self.what, f"{self.seconds:.0f}", self.lives, self.kills, self.planned, self.charges, self.twice, self.unknown,
            self.lost, self.final_charges, self.delivered, len(self.faults),
        )  # fmt: skip
        return "| " + " | ".join(str(cell) for cell in cells) + " |"


@dataclass
class Stage:
    """Everything that scenes are set on."""

    nursery: Nursery
    folder: Path
    vendors: Gate
    dice: random.Random
    stores: dict[str, tuple[S3Server, Gate]]
    scenes: int = 0

    def scene(self, store: str, items: int) -> Scene:
        """A new catalog with an output in a store."""
        self.scenes += 1
        folder = self.folder / f"scene-{self.scenes:04}"
        if store == "folder":
            storage, keys = ObjectStorage.from_uri(str(folder / "output")), dict[str, str]()
        else:
            server, gate = self.stores[store]
            behind = S3Server(gate.url, server.access_key_id, server.secret_access_key)
            root = f"s3://{server.new_bucket()}/out"
            storage, keys = ObjectStorage.model_validate({"root": root, **behind.credentials}), s3_keys(behind)
        return Scene(self.nursery, folder, self.vendors.url, storage, items, ON_MODEL, keys)


def main() -> None:
    """Kill, count and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--items", type=int, default=12)
    parser.add_argument("--faulty-items", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"on-model, {STAGES} stages; {given.items} items a campaign; seed {given.seed}\n")
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    faults: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="catwalk-chaos-")))
        stage, cluster = _set_stage(stack, folder, given.seed)
        for line in _lines(stage, cluster, given):
            print(line.row(), flush=True)
            faults += [f"{line.what}: {fault}" for fault in line.faults]
            faults += [f"{line.what}: not all delivered"] * (line.delivered != line.planned)
            faults += [f"{line.what}: paid twice unasked"] * bool(line.twice)
    print("\n" + ("\n".join(faults) or "Everything adds up."))
    sys.exit(bool(faults))


def _set_stage(stack: ExitStack, folder: Path, seed: int) -> tuple[Stage, CephCluster | None]:
    sandbox = stack.enter_context(
        running_sandbox(SandboxSettings(job_seconds=0.2, limits="off", picture_size=96, seed=seed))
    )
    vendors = stack.enter_context(running_gate(sandbox.url))
    servers = {"moto": stack.enter_context(running_moto())}
    cluster = None
    if missing_programs() is None:
        (folder / "ceph").mkdir()
        cluster = CephCluster(folder / "ceph")
        stack.callback(cluster.stop)
        cluster.start()
        servers["ceph"] = cluster.server
    stores = {
        name: (server, stack.enter_context(running_gate(server.endpoint_url, vendors.turnstile)))
        for name, server in servers.items()
    }
    nursery = stack.enter_context(running_nursery(folder / "worker.txt"))
    return Stage(nursery, folder, vendors, random.Random(seed), stores), cluster


def _lines(stage: Stage, cluster: CephCluster | None, given: argparse.Namespace) -> Iterator[Line]:
    work: list[tuple[str, Callable[[Line], None]]] = []
    ways: list[tuple[str, Way, float]] = [
        ("folder", "by time", 1.0),
        *((name, "by request", 60) for name in stage.stores),
    ]
    for store, way, longest in ways:
        quota = given.kills // len(ways)
        work.append(
            (
                f"killed at random, {way}, {store}",
                lambda line, a=(store, way, longest, quota): _campaigns(stage, line, given.items, *a),
            )
        )
    work.append(("killed at every request of one item, moto", lambda line: _sweep(stage, line)))
    if cluster is not None:
        work.append(("Ceph's gateway killed amid a run", lambda line: _gateway(stage, cluster, line, given.items)))
    work.append(("ten runs at once, folder", lambda line: _together(stage, line, given.items)))
    work.append((f"all faults at {FAULT_RATE:.0%}, folder", lambda line: _faults(stage, line, given.faulty_items)))
    for what, fill in work:
        line, started = Line(what), time.monotonic()
        fill(line)
        line.seconds = time.monotonic() - started
        yield line


def _campaigns(stage: Stage, line: Line, items: int, store: str, way: Way, longest: float, quota: int) -> None:
    """Campaign after campaign, each with a catalog of its own, until so many runs have been killed."""
    while line.kills < quota:
        scene = stage.scene(store, items)
        kills = min(KILLS_A_CAMPAIGN, quota - line.kills)
        outcome = Campaign(scene, stage.vendors.turnstile, stage.dice, way, longest).wage(kills)
        line.add(scene, outcome.unasked, outcome.final, outcome.final_states.get("done", 0))


def _sweep(stage: Stage, line: Line) -> None:
    """One item, killed before and after each request that a run of it makes, an output for each."""
    turnstile = stage.vendors.turnstile
    whole = stage.scene("moto", 1)
    first = turnstile.passed
    whole.finish()
    for number in range(1, turnstile.passed - first + 1):
        for moment in MOMENTS:
            scene = stage.scene("moto", 1)
            at = turnstile.passed + number
            with turnstile.stopping(lambda passage, at=at: passage.number >= at, moment) as stop:
                life, living = scene.begin()
                while not (stop.reached.is_set() or living.ended(0.01)):
                    pass
                scene.kill(life, living)
            _settle(scene, line)


def _gateway(stage: Stage, cluster: CephCluster, line: Line, items: int) -> None:
    """Kill Ceph's gateway three times while one run goes on."""
    scene = stage.scene("ceph", items)
    turnstile = stage.vendors.turnstile
    _, living = scene.begin()
    for _ in range(3):
        passed = turnstile.passed
        while turnstile.passed < passed + 2 * items and not living.ended(0.01):
            pass
        cluster.kill_gateway()
        living.ended(OUTAGE_SECONDS)
        cluster.start_gateway()
    _end_of([living])
    _settle(scene, line)


def _together(stage: Stage, line: Line, items: int) -> None:
    """Ten processes on one output."""
    scene = stage.scene("folder", items)
    _end_of([scene.begin()[1] for _ in range(10)])
    _settle(scene, line)


def _faults(stage: Stage, line: Line, items: int) -> None:
    """Every kind of fault for a share of the requests; then none, a day later, with all that failed asked for again."""
    scene = stage.scene("folder", items)
    misbehave(stage.vendors.url, FAULT_RATE)
    rows = scene.run(**IMPATIENT)
    met = behave(stage.vendors.url)
    untold = [row for row in rows if row["status"] in {"failed", "unknown"} and not row["error_message"]]
    line.faults += [f"no reason given: {row['sku']} {row['stage']}" for row in untold]
    line.faults += [f"{items * STAGES - len(rows)} units without a row"] * (len(rows) != items * STAGES)
    scene.run()
    unasked = scene.audit(killed_alone=False)
    pass_a_day(stage.vendors.url)
    scene.run()
    done = Counter(row["status"] for row in scene.run(retry=["failed", "unknown"]))["done"]
    line.add(scene, unasked, scene.audit(killed_alone=False), done)
    line.what += f" ({dict(Counter(row['status'] for row in rows))} at first; {sum(met.values())} faults met)"


def _settle(scene: Scene, line: Line) -> None:
    """Let a run end, then one that repeats the unknown, and count."""
    scene.finish(**MOURNER)
    unasked = scene.audit()
    books = scene.finish(retry=["unknown"], **MOURNER)
    line.add(scene, unasked, scene.audit(), books.states().get("done", 0))


def _end_of(runs: Iterable[Living]) -> None:
    for run in runs:
        if not run.ended(LIFE_SECONDS):
            raise TimeoutError(f"a run has not ended within {LIFE_SECONDS:g} s")


if __name__ == "__main__":
    main()
