"""Options that Claid's operations share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from blocks.operation import Options

__all__ = ["JobOutput", "Output", "Prompt", "YamlRatio"]


def _ratio(value: Any) -> Any:
    # YAML reads an unquoted 9:16 as a number in base 60, 556; that can be turned back.
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return ":".join(str(part) for part in divmod(value, 60))
    return value


YamlRatio = BeforeValidator(_ratio)


class Output(Options):
    """How many pictures to make."""

    number_of_images: int = Field(
        default=1, ge=1, le=4, description="Pictures to make from one call; each of them is charged."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_destination(cls, value: Any) -> Any:
        if isinstance(value, str) or (isinstance(value, Mapping) and "destination" in value):
            raise ValueError(
                "output.destination is not offered: with one, Claid returns no address to fetch the picture "
                "from, and the record of a picture is this project's own storage. Leave it out."
            )
        return value  # pyright: ignore[reportUnknownVariableType] - narrowed from Any


class JobOutput(Output):
    """What AI Fashion Models and AI Edit hand back."""

    format: Literal["jpeg", "png"] = Field(default="png", description="File format of the result.")


Prompt = Annotated[str, Field(min_length=3, max_length=5000)]
