"""How fields of the parameters are checked and shown in forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from pydantic.fields import ComputedFieldInfo, FieldInfo

from catalogs.recipe import shipped_recipes

__all__ = [
    "FORM",
    "RECIPE_NAMES",
    "Credits",
    "CreditsLimit",
    "FinishTime",
    "GalleryItems",
    "ItemsInFlight",
    "ShippedRecipe",
    "TimeZone",
]

Credits = Annotated[float, Field(ge=0, allow_inf_nan=False)]
CreditsLimit = Annotated[
    Credits | None,
    Field(description="Credits that the run may spend, all vendors' together; empty means no limit."),
]
ItemsInFlight = Annotated[int, Field(ge=1, le=5000, description="Items worked on at one time.")]
GalleryItems = Annotated[int, Field(ge=0, description="How many items the gallery shows; 0 for no gallery.")]
FinishTime = Annotated[
    AwareDatetime | None,
    Field(
        description="When the run is to be over: what can't be fetched by then is not sent, and the next run goes on "
        "with it; empty means no such time."
    ),
]


def _plain_title(name: str, _field: FieldInfo | ComputedFieldInfo) -> str:
    """What forms call a field: "Items in flight"."""
    return name.replace("_", " ").capitalize()


FORM = ConfigDict(extra="forbid", frozen=True, field_title_generator=_plain_title)


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone of the IANA database, such as 'Europe/Berlin'") from error


TimeZone = Annotated[str, AfterValidator(_known_zone)]

if TYPE_CHECKING:
    ShippedRecipe = str
else:
    ShippedRecipe = Literal[tuple(sorted(shipped_recipes()))]

# What forms take for a recipe's name: a misspelt one is refused before a run starts.
RECIPE_NAMES = f"^({'|'.join(sorted(shipped_recipes()))}|.+[.]ya?ml)$"
