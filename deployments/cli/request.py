"""What `run` and `plan` are asked: the same arguments and options, read into one request."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import datetime
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from blocks.errors import CatalogError
from catalogs.ledger import now
from catalogs.plan import Selection
from deployments.cli.config import load_config
from deployments.cli.finish_by import FinishBy
from flows.business_date import dated
from flows.parameters import Canary, CatalogRun, Retry

__all__ = ["Config", "MaxCredits", "request_of", "requesting"]

Catalog = Annotated[str, typer.Argument(help="A Parquet file or a directory of them, local or s3://.")]
Output = Annotated[str, typer.Option(help="Where pictures, ledger and manifest go: a folder or s3://bucket/prefix.")]
RecipeName = Annotated[str, typer.Option(help="A shipped recipe's name or a YAML file.")]
Config = Annotated[Path | None, typer.Option(help="YAML: a mapping, as `inspect` proposes it; accounts.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first N rows, in all their looks.")]
Skus = Annotated[list[str] | None, typer.Option(help="Only this SKU; may be given several times.")]
Repeat = Annotated[
    list[Retry] | None, typer.Option(help="Repeat units that ended so before; an unknown one may be charged twice.")
]
Force = Annotated[
    bool, typer.Option("--force", help="Make and pay once more what is done already; with --sku, of those alone.")
]
CheckPictures = Annotated[
    bool, typer.Option("--check-pictures", help="Ask whether pictures were replaced behind the same address.")
]
Retire = Annotated[bool, typer.Option("--retire", help="Mark SKUs and looks that are gone as retired in the manifest.")]
MaxCredits = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1e9,
        help="Spend no more than N credits, all vendors' together: whole items by priority first; the rest is held.",
    ),
]
BusinessDate = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The day that the run is for: one run each; fills {business_date}."),
]
Zone = Annotated[
    str | None, typer.Option(help="Take the business date from today in this zone, such as Europe/Berlin.")
]
Again = Annotated[
    bool, typer.Option("--again", help="Run although the business date's run has ended; nothing is paid twice.")
]
TryFirst = Annotated[
    bool, typer.Option("--canary", help="Try three items per vendor first, and hold the others if a vendor fails.")
]


def requesting(*, without: Container[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """
    Let a command be asked what `request_of` is, but for some options, and what it has of its own.

    Its first parameter gets the request.
    """
    asked = {name: each for name, each in _parameters(request_of).items() if name not in without}

    def made(command: Callable[..., None]) -> Callable[..., None]:
        _, *own = _parameters(command).values()

        @wraps(command)
        def asking(**given: Any) -> None:
            request = request_of(**{name: given[name] for name in asked})
            command(request, **{each.name: given[each.name] for each in own})

        parameters = asked | {each.name: each for each in own}
        vars(asking)["__signature__"] = Signature(list(parameters.values()))
        asking.__annotations__ = {name: each.annotation for name, each in parameters.items()}
        return asking

    return made


def _parameters(function: Callable[..., Any]) -> dict[str, Parameter]:
    return dict(signature(function, eval_str=True).parameters)


def request_of(
    catalog: Catalog,
    output: Output,
    recipe: RecipeName = "on-model",
    config: Config = None,
    limit: Limit = None,
    sku: Skus = None,
    retry: Repeat = None,
    force: Force = False,
    check_pictures: CheckPictures = False,
    retire: Retire = False,
    max_credits: MaxCredits = None,
    finish_by: FinishBy = None,
    business_date: BusinessDate = None,
    time_zone: Zone = None,
    again: Again = False,
    canary: TryFirst = False,
) -> CatalogRun:
    """
    The request for its business date, with what the config file adds.

    Raises `CatalogError` naming the field or option at fault.
    """
    if not catalog.strip():
        raise typer.BadParameter("it is empty", param_hint="CATALOG")
    settings = load_config(config)
    return _dated(
        catalog=settings.source(catalog),
        recipe=recipe,
        output=output,
        selection=Selection(skus=sku or [], limit=limit, force=force),
        accounts=settings.accounts,
        retry=retry or [],
        check_pictures=check_pictures,
        retire=retire,
        max_credits=max_credits,
        finish_by=finish_by,
        items_in_flight=settings.items_in_flight,
        scale_out=settings.scale_out,
        gallery_items=settings.gallery_items,
        business_date=business_date.date() if business_date else None,
        time_zone=time_zone,
        again=again,
        canary=Canary() if canary else None,
    )


def _dated(**fields: Any) -> CatalogRun:
    try:
        return dated(CatalogRun.model_validate(fields), now())
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in told["loc"])
        words = str(told["msg"]).removeprefix("Value error, ")
        raise CatalogError(f"{place}: {words}" if place else words, next_step="Correct the option.") from error
