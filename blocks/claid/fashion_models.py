"""Claid AI Fashion Models: garments onto a model (docs.claid.ai/ai-fashion-models-api)."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from pydantic import Field

from blocks.claid.credentials import ClaidCredentials
from blocks.claid.jobs import ClaidJob
from blocks.claid.options import JobOutput, Prompt, YamlRatio
from blocks.claid.uploads import address_of
from blocks.errors import CatalogError
from blocks.exchange import Call
from blocks.operation import Inputs, Options, Slot

__all__ = ["FashionModels", "FashionModelsOptions"]

MOST_GARMENTS = 5

AspectRatio = Literal["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"]


class FashionModelsOptions(Options):
    """What AI Fashion Models can be told; what is left out is the vendor's choice."""

    pose: Prompt | None = Field(
        default=None, description="How the model stands; Claid's own: full body, front view, neutral stance."
    )
    background: Prompt | None = Field(
        default=None, description="Where the model stands, in words; Claid's own: minimalistic studio background."
    )
    aspect_ratio: Annotated[AspectRatio, YamlRatio] | None = Field(
        default=None, description="Shape of the result; Claid's own: that of the model's photo."
    )
    output: JobOutput = Field(default_factory=JobOutput, description="How many pictures, and in which format.")


class FashionModels(ClaidJob[FashionModelsOptions]):
    """Dress the person in up to five garments."""

    name = "claid.fashion_models"
    version = 1
    options_type = FashionModelsOptions
    requires = frozenset({Slot.PERSON})
    accepts = frozenset({Slot.TOP, Slot.BOTTOM, Slot.GARMENTS})
    path = "/v1/image/ai-fashion-models"

    def credits(self, options: FashionModelsOptions, account: ClaidCredentials) -> float:
        """The price of each picture."""
        return account.prices.fashion_models_picture * options.output.number_of_images

    def candidates(self, options: FashionModelsOptions) -> int:
        """As many as the output asks for."""
        return options.output.number_of_images

    async def prepare(self, account: ClaidCredentials, inputs: Inputs, options: FashionModelsOptions) -> Call:
        """Build the call; without a person, Claid picks a model, another one each time."""
        clothing = inputs.clothing()
        if not 1 <= len(clothing) <= MOST_GARMENTS:
            raise CatalogError(
                f"{self.name} takes 1 to {MOST_GARMENTS} garments, and the row has {len(clothing)}",
                next_step="Correct the row's top_garment, bottom_garment and garments.",
            )
        people = (inputs.person_image,) if inputs.person_image else ()
        addresses = await asyncio.gather(*(address_of(account, picture) for picture in (*clothing, *people)))
        pictures = {"clothing": addresses[: len(clothing)]}
        body = {
            "input": pictures | ({"model": addresses[-1]} if people else {}),
            "options": options.model_dump(exclude={"output"}, exclude_none=True),
            "output": options.output.model_dump(),
        }
        return Call("POST", self.path, json=body)
