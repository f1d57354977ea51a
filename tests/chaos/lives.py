"""Lives begun, waited for and killed."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.worker import Life, Publication
from tests.prefect_server import REPOSITORY

__all__ = ["Living", "Nursery", "running_nursery"]

READY_SECONDS = 200.0
LIFE_SECONDS = 200.0
BURIAL_SECONDS = 200.0


class Living:
    """A child at work, held by its file descriptor, so that no other process can ever be hit."""

    def __init__(self, pid: int) -> None:
        try:
            self._process: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._process = None

    def ended(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        if self._process is not None and select.select([self._process], [], [], seconds)[0]:
            os.close(self._process)
            self._process = None
        return self._process is None

    def kill(self) -> bool:
        """End it without a word; False when it had already ended."""
        if self.ended(0):
            return False
        assert self._process is not None
        signal.pidfd_send_signal(self._process, signal.SIGKILL)
        if not self.ended(BURIAL_SECONDS):
            raise TimeoutError("a killed process is still there")
        return True


class Nursery:
    """Where lives begin."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self.log = log

    def begin(self, life: Life | Publication) -> Living:
        """Begin a life, and do not wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.write(life.line() + "\n")
        self._process.stdin.flush()
        return Living(int(self._answer()))

    def live(self, life: Life | Publication) -> None:
        """Let a life come to its end; its manifest then tells what it did."""
        Path(life.manifest).unlink(missing_ok=True)
        living = self.begin(life)
        if not living.ended(LIFE_SECONDS):
            living.kill()
            raise TimeoutError(f"{life.run_id} has not ended within {LIFE_SECONDS:g} s: {self.said()}")
        if not Path(life.manifest).exists():
            raise RuntimeError(f"{life.run_id} broke down: {self.said()}")

    def said(self) -> str:
        """The end of what the children wrote to their error stream."""
        return self.log.read_text()[-4000:]

    def _answer(self) -> str:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], READY_SECONDS)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            raise RuntimeError(f"the worker does not answer: {self.said()}")
        return line


@contextmanager
def running_nursery(log: Path) -> Generator[Nursery]:
    """Keep a worker for as long as the block lasts."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.worker"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        nursery = Nursery(process, log)
        nursery._answer()
        yield nursery
    finally:
        process.kill()
        process.communicate()
