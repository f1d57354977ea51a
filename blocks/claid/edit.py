"""Claid AI Edit: a picture changed in words (docs.claid.ai/image-ai-edit-api)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from blocks.claid.credentials import ClaidCredentials
from blocks.claid.jobs import ClaidJob
from blocks.claid.options import JobOutput, Prompt, YamlRatio
from blocks.claid.uploads import address_of, the_picture
from blocks.exchange import Call
from blocks.operation import Inputs, Options, Slot

__all__ = ["Edit", "EditOptions"]

V1_ONLY = ("aspect_ratio", "inference_steps", "guidance_scale")

AspectRatio = Literal["1:1", "2:3", "3:2", "3:4", "4:3", "9:16", "16:9", "9:21", "21:9"]


class EditOptions(Options):
    """What AI Edit can be told; what is left out is the vendor's choice."""

    prompt: Prompt = Field(description="The change to make, in words.")
    # Always sent: the vendor's default moved from v1 to v2, and a default that moves changes the pictures.
    model: Literal["v1", "v2"] = Field(
        default="v2", description="v2 keeps the picture's shape at 2K; v1 takes the three options below."
    )
    aspect_ratio: Annotated[AspectRatio, YamlRatio] | None = Field(
        default=None, description="Shape of the result, with model v1; Claid's own: that of the picture."
    )
    inference_steps: int | None = Field(
        default=None, ge=1, le=50, description="Steps of drawing, with model v1: more are slower and finer."
    )
    guidance_scale: float | None = Field(
        default=None, ge=1, le=10, description="How closely the prompt is followed, with model v1."
    )
    output: JobOutput = Field(default_factory=JobOutput, description="How many pictures, and in which format.")

    @model_validator(mode="after")
    def _v1_options_with_v1(self) -> Self:
        given = [name for name in V1_ONLY if getattr(self, name) is not None]
        if self.model == "v2" and given:
            raise ValueError(
                f"{' and '.join(given)} work with model 'v1' alone, and v2 would ignore them: "
                "set model: v1, or leave them out."
            )
        return self


class Edit(ClaidJob[EditOptions]):
    """Change a picture as the prompt says."""

    name = "claid.edit"
    version = 1
    options_type = EditOptions
    requires = frozenset({Slot.PICTURE})
    path = "/v1/image/ai-edit"

    def credits(self, options: EditOptions, account: ClaidCredentials) -> float:
        """The price of each picture."""
        return account.prices.edit_picture * options.output.number_of_images

    def candidates(self, options: EditOptions) -> int:
        """As many as the output asks for."""
        return options.output.number_of_images

    async def prepare(self, account: ClaidCredentials, inputs: Inputs, options: EditOptions) -> Call:
        """Build the call."""
        body = {
            "input": await address_of(account, the_picture(inputs, self.name)),
            "options": options.model_dump(exclude={"output"}, exclude_none=True),
            "output": options.output.model_dump(),
        }
        return Call("POST", self.path, json=body)
