"""`--finish-by`: a time as people write it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer

from blocks.errors import CatwalkError
from flows.finish_by import check_ahead

__all__ = ["FinishBy", "moment_of"]

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def moment_of(text: str, *, at: datetime | None = None) -> datetime:
    """
    An ISO time, local where it names no zone, or HH:MM as the next such time on the local clock after `at`, or now.

    Raises `typer.BadParameter` for anything else and for what is past.
    """
    try:
        moment = _next(text, at or datetime.now().astimezone()) or datetime.fromisoformat(text.strip())
        moment = moment if moment.tzinfo else moment.astimezone()
        check_ahead(moment)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no time such as 06:00, 2026-11-22T06:00 or 2026-11-22T06:00+01:00."
        ) from error
    except CatwalkError as error:
        raise typer.BadParameter(str(error)) from error
    return moment


def _next(text: str, at: datetime) -> datetime | None:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    # Local days may have 23 or 25 hours: the clock's own reading is set, and its zone found anew.
    clock = at.replace(tzinfo=None)
    today = clock.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    return today if today > clock else today + timedelta(days=1)


FinishBy = Annotated[
    datetime | None,
    typer.Option(
        parser=moment_of,
        metavar="TIME",
        help="Be over by then: HH:MM or an ISO time. What can't be fetched by then is held for the next run.",
    ),
]
