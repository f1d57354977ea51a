"""PostgreSQL from Debian, for Prefect's server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["missing_postgres", "running_postgres"]

PORT = 5432
START_SECONDS = 60
ACCOUNT = "postgres"


def missing_postgres() -> str | None:
    """Why PostgreSQL can't be started here; None when it can."""
    if os.geteuid() != 0:
        return f"only root can start PostgreSQL as the account {ACCOUNT!r}"
    return None if _binaries() else "PostgreSQL not found: apt-get install --no-install-recommends postgresql"


@contextmanager
def running_postgres(port: int = PORT) -> Generator[str]:
    """Run a server on the loopback interface for as long as the block lasts; Prefect's connection URL."""
    with TemporaryDirectory(prefix="catwalk-postgres-") as name:
        shutil.chown(name, ACCOUNT, ACCOUNT)
        with _running(Path(name), port) as url:
            yield url


@contextmanager
def _running(folder: Path, port: int) -> Generator[str]:
    binaries = _binaries()
    assert binaries is not None, missing_postgres()
    data = folder / "data"
    _as_postgres(str(binaries / "initdb"), "-D", str(data), "--auth=trust", "--encoding=UTF8", "--no-sync")
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c fsync=off -k {folder} -c max_connections=200"
    control = [str(binaries / "pg_ctl"), "-D", str(data), "-w", "-t", str(START_SECONDS)]
    _as_postgres(*control, "-l", str(folder / "log"), "-o", options, "start")
    try:
        _as_postgres(str(binaries / "createdb"), "-h", "127.0.0.1", "-p", str(port), "prefect")
        yield f"postgresql+asyncpg://{ACCOUNT}@127.0.0.1:{port}/prefect"
    finally:
        _as_postgres(*control, "-m", "immediate", "stop")


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def _as_postgres(*command: str) -> None:
    done = subprocess.run(
        ["runuser", "-u", ACCOUNT, "--", *command],
        cwd="/",
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise RuntimeError(f"{' '.join(command[:3])} ended with {done.returncode}: {done.stderr[-500:]}")
