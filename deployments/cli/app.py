"""The `catwalk` command: its commands, and how an error reaches a person."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from deployments.cli.environment import prepare_environment

prepare_environment()

from blocks.errors import CatwalkError  # noqa: E402 - Prefect reads its settings when first imported
from deployments.cli.apply import apply  # noqa: E402
from deployments.cli.console import complain  # noqa: E402
from deployments.cli.demo import demo  # noqa: E402
from deployments.cli.doctor import doctor  # noqa: E402
from deployments.cli.explain import explain  # noqa: E402
from deployments.cli.flow import leave  # noqa: E402
from deployments.cli.inspect import inspect  # noqa: E402
from deployments.cli.plan import plan  # noqa: E402
from deployments.cli.rescue import rescue  # noqa: E402
from deployments.cli.retry import retry  # noqa: E402
from deployments.cli.run import run  # noqa: E402
from deployments.cli.sandbox import sandbox  # noqa: E402
from deployments.cli.setup import setup  # noqa: E402
from deployments.cli.status import status  # noqa: E402
from deployments.cli.webhooks import webhooks  # noqa: E402

__all__ = ["app", "main"]

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

app = typer.Typer(
    help="Fashion catalogs into on-model, on-scene pictures in your own storage, paying for each once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (demo, inspect, plan, apply, run, retry, rescue, status, explain, doctor, setup, sandbox, webhooks):
    app.command()(command)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"catwalk {version('catwalk')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> NoReturn:
    """Run the command line; an expected error is one message and exit code 1, never a traceback."""
    # A log line that could not be sent to Prefect's server is no news to a person.
    logging.raiseExceptions = False
    leave(_run())


def _run() -> int:
    try:
        app()
    except CatwalkError as error:
        complain(error)
        return EXIT_FAILED
    except SystemExit as ended:
        # What Typer makes of Ctrl-C.
        if ended.code == EXIT_INTERRUPTED:
            typer.echo("Interrupted. Run the same command again: what was paid for is fetched, not repeated.", err=True)
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    return 0
