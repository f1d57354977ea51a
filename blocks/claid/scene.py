"""Claid Background Generation: a product put into a scene (docs.claid.ai/ai-background-api)."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from blocks import exchange
from blocks.claid.credentials import ClaidCredentials
from blocks.claid.placements import AbsolutePlacement, Placement
from blocks.claid.refusals import request_id
from blocks.claid.scene_output import SceneOutput
from blocks.claid.scene_shapes import EffectScene, GuidedPrompt, SceneShape
from blocks.claid.uploads import address_of, the_picture
from blocks.claid.wire import SceneReply
from blocks.errors import JobFailed, OutcomeUnknown
from blocks.exchange import Call, reply_as
from blocks.operation import Accepted, Finished, Inputs, Operation, Options, Result, Running, Slot
from blocks.pictures import PictureLimits

__all__ = ["Scene", "SceneOptions"]


class SceneOptions(Options):
    """What Background Generation can be told; `object.image_url` is the unit's picture."""

    object: Placement = Field(
        default_factory=AbsolutePlacement, description="Where the product stands: absolute, original or padding."
    )
    scene: SceneShape = Field(description="What stands around it: an effect, a prompt, or a template.")
    output: SceneOutput = Field(default_factory=SceneOutput, description="How many pictures, and in which format.")

    @model_validator(mode="after")
    def _transparent_in_png(self) -> Self:
        if isinstance(self.scene, EffectScene) and self.scene.color == "transparent" and self.output.type() != "png":
            raise ValueError(
                f"scene.color 'transparent' needs output.format png, and it is {self.output.type()!r}: change either."
            )
        return self


class Scene(Operation[ClaidCredentials, SceneOptions]):
    """Put the picture's product into a scene; the answer holds the results, and there is no job to follow."""

    name = "claid.scene"
    version = 1
    account_type = ClaidCredentials
    options_type = SceneOptions
    requires = frozenset({Slot.PICTURE})
    # The formats are documented; the sizes are not, and these have not been seen refused.
    limits = PictureLimits(
        formats=frozenset({"BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF"}),
        max_bytes=25_000_000,
        max_pixels=36_000_000,
    )
    path = "/v1/scene/create"

    def credits(self, options: SceneOptions, account: ClaidCredentials) -> float:
        """The price of each picture, and once that of a generated prompt."""
        prompt = None if isinstance(options.scene, EffectScene) else options.scene.prompt
        generated = isinstance(prompt, GuidedPrompt) and prompt.generate
        prices = account.prices
        return prices.scene_picture * options.output.number_of_images + prices.generated_prompt * generated

    def candidates(self, options: SceneOptions) -> int:
        """As many as the output asks for."""
        return options.output.number_of_images

    async def prepare(self, account: ClaidCredentials, inputs: Inputs, options: SceneOptions) -> Call:
        """Build the call."""
        image_url = await address_of(account, the_picture(inputs, self.name))
        body = options.model_dump(exclude_none=True)
        return Call("POST", self.path, json=body | {"object": {"image_url": image_url} | body["object"]})

    async def submit(self, account: ClaidCredentials, call: Call) -> Accepted:
        """Make the scenes; a success that can't be read leaves no id to ask after, so its outcome is unknown."""
        response = await exchange.call(account, call, paid=True)
        made = reply_as(SceneReply, response, account, paid=True).data
        if not made.output:
            raise JobFailed(
                "Claid reported the scene done, but with no picture",
                vendor="Claid",
                request_id=request_id(response),
                next_step="Look at its picture and options; the row is made again on --retry failed.",
            )
        return Accepted(
            job_id=None,
            request_id=request_id(response),
            results=tuple(Result(image.tmp_url) for image in made.output),
        )

    async def poll(self, account: ClaidCredentials, job_id: str) -> Running | Finished:  # noqa: ARG002 - nothing to ask
        """Raise `OutcomeUnknown`: a scene whose answer was lost can't be asked after."""
        raise OutcomeUnknown(
            "Claid's scenes are made while the call lasts, and leave no job to ask after",
            vendor="Claid",
            job_id=job_id,
            next_step="The vendor may have charged for it, so it is repeated only on --retry unknown.",
        )
