"""Machines on one machine: network namespaces on a bridge of their own, with no way out."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Machine", "Network", "missing_means", "running_network"]

COMMAND_SECONDS = 30
# From Linux' sched.h.
CLONE_NEWNET = 0x40000000
SUBNET = "10.213.77"


def missing_means() -> str | None:
    """Why no namespaces can be made here; None when they can."""
    if shutil.which("ip") is None:
        return "ip not found: apt-get install --no-install-recommends iproute2"
    if os.geteuid() != 0:
        return "network namespaces need root"
    probe = f"catwalk-{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"network namespaces can't be made here: {made.stderr.strip()}"
    _ip("netns", "del", probe)
    return None


@dataclass(frozen=True)
class Machine:
    """One namespace: processes in it reach the network by its one cable."""

    namespace: str
    address: str
    cable: str
    hub: str

    def start(
        self, command: Sequence[str], log: Path, environment: dict[str, str], folder: Path
    ) -> subprocess.Popen[bytes]:
        """Start a process on this machine."""
        with log.open("ab") as file:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, *command],
                env=environment,
                cwd=folder,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @contextmanager
    def entered(self) -> Generator[None]:
        """Let this thread, and what it starts, be on this machine for as long as the block lasts."""
        with Path("/proc/thread-self/ns/net").open() as home, Path(f"/run/netns/{self.namespace}").open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())

    def kill(self) -> int:
        """Kill -9 all that runs on this machine; how many processes that were."""
        pids = _ip("netns", "pids", self.namespace).split()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        return len(pids)

    def unplug(self) -> None:
        """Let nothing in or out, without a word to those who are connected."""
        _ip("-n", self.hub, "link", "set", self.cable, "down")

    def plug_in(self) -> None:
        """Connect it again."""
        _ip("-n", self.hub, "link", "set", self.cable, "up")


@dataclass(frozen=True)
class Network:
    """The hub, where servers run, and the machines around it."""

    hub: Machine
    machines: tuple[Machine, ...]


@contextmanager
def running_network(count: int) -> Generator[Network]:
    """A hub and so many machines; whatever still runs on them is killed at the end."""
    name = f"catwalk-{os.getpid()}"
    hub = Machine(name, f"{SUBNET}.1", "", name)
    machines = tuple(
        Machine(f"{name}-{number}", f"{SUBNET}.{number + 10}", f"port{number}", name) for number in range(count)
    )
    try:
        _lay_hub(hub)
        for number, machine in enumerate(machines):
            _lay_cable(machine, number)
        yield Network(hub, machines)
    finally:
        for machine in (*machines, hub):
            with suppress(subprocess.CalledProcessError):
                machine.kill()
                _ip("netns", "del", machine.namespace)


def _lay_hub(hub: Machine) -> None:
    _ip("netns", "add", hub.namespace)
    _ip("-n", hub.namespace, "link", "set", "lo", "up")
    _ip("-n", hub.namespace, "link", "add", "bridge", "type", "bridge")
    _ip("-n", hub.namespace, "addr", "add", f"{hub.address}/24", "dev", "bridge")
    _ip("-n", hub.namespace, "link", "set", "bridge", "up")


def _lay_cable(machine: Machine, number: int) -> None:
    far = f"cwc{os.getpid() % 100_000}-{number}"
    _ip("netns", "add", machine.namespace)
    _ip("-n", machine.hub, "link", "add", machine.cable, "type", "veth", "peer", "name", far)
    _ip("-n", machine.hub, "link", "set", machine.cable, "master", "bridge", "up")
    _ip("-n", machine.hub, "link", "set", far, "netns", machine.namespace)
    _ip("-n", machine.namespace, "link", "set", "lo", "up")
    _ip("-n", machine.namespace, "addr", "add", f"{machine.address}/24", "dev", far)
    _ip("-n", machine.namespace, "link", "set", far, "up")


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "this thread could not change its network namespace")


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True, timeout=COMMAND_SECONDS)
    return done.stdout
