"""`python -m sandbox --port 8787`: the vendors, simulated, on loopback."""

from __future__ import annotations

import argparse
import json
import sys

from sandbox.server import READY, serve
from sandbox.settings import SandboxSettings

__all__ = ["main"]


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8787, help="port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--job-seconds", type=float, help="how long a job takes (default: 2)")
    parser.add_argument("--limits", help="documented, off, or a factor (default: documented)")
    parser.add_argument("--picture-size", type=int, help="longest side of every picture drawn")
    parser.add_argument("--drawing", help="full, or quick for load (default: full)")
    parser.add_argument("--seed", type=int, help="changes every drawing (default: 0)")
    parser.add_argument("--settings", default="{}", help="all settings as JSON; the options above win")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when the starter is gone")
    options = parser.parse_args()
    chosen = json.loads(options.settings)
    for name in ("job_seconds", "limits", "picture_size", "drawing", "seed"):
        if (value := getattr(options, name)) is not None:
            chosen[name] = _number(value)
    settings = SandboxSettings.model_validate(chosen)
    serve(
        settings, options.port, options.host, on_ready=_announce, until_stdin_closes=options.until_stdin_closes
    )  # fmt: skip


def _number(value: object) -> object:
    if isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return float(value)
    return value


def _announce(url: str) -> None:
    sys.stdout.write(f"{READY}{json.dumps(url)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
