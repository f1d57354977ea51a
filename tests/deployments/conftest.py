"""The `catwalk` command as a process of its own, with accounts at the sandbox."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox.server import RunningSandbox
from tests.flows.conftest import charges, prefect_server, sandbox, write_catalog
from tests.prefect_server import PrefectServer, environment_in

__all__ = ["Catwalk", "Ended", "catwalk", "charges", "offline_catwalk", "prefect_server", "sandbox", "write_catalog"]

COMMAND = Path(sys.executable).with_name("catwalk")
COMMAND_SECONDS = 200.0
CLOSED = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Catwalk:
    """The command, as it is installed."""

    environment: dict[str, str] = field(repr=False)

    def __call__(self, *arguments: str | Path, folder: Path | str | None = None, **variables: str | None) -> Ended:
        """Run it in a folder, with some variables set otherwise or, as None, not at all."""
        process = self.started(*arguments, folder=folder, **variables)
        try:
            out, err = process.communicate(timeout=COMMAND_SECONDS)
        finally:
            process.kill()
        return Ended(process.returncode, out, err)

    def started(
        self, *arguments: str | Path, folder: Path | str | None = None, **variables: str | None
    ) -> subprocess.Popen[str]:
        """Start it, with its process group for its own, as a terminal would."""
        environment = {name: text for name, text in {**self.environment, **variables}.items() if text is not None}
        return subprocess.Popen(
            [COMMAND, *arguments],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


@pytest.fixture(scope="session")
def catwalk(prefect_server: PrefectServer, sandbox: RunningSandbox) -> Catwalk:
    """The command with the session's Prefect server, so that runs need not start one each."""
    return Catwalk({**prefect_server.environment, **_accounts(sandbox)})


@pytest.fixture(scope="session")
def offline_catwalk(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Catwalk:
    """The command where no Prefect server answers."""
    home = tmp_path_factory.mktemp("offline")
    return Catwalk({**environment_in(home), "PREFECT_API_URL": f"{CLOSED}/api", **_accounts(sandbox)})


def _accounts(sandbox: RunningSandbox) -> dict[str, str]:
    settings = {
        "API_KEY": "sandbox",
        "BASE_URL": sandbox.url,
        "LIMITS": '{"requests_per_second": 50}',
        "POLL_SECONDS": "0.2",
        "TIMEOUTS": '{"refusals": 1}',
    }
    return {f"{vendor}_{name}": text for vendor in ("CLAID", "VMAKE", "AILABTOOLS") for name, text in settings.items()}
