"""AILabTools Try-on Clothes Refiner: a coarse try-on made sharp."""

from __future__ import annotations

from blocks import exchange
from blocks.ailabtools.credentials import LOOK, AILabToolsCredentials, PerhapsFailed
from blocks.ailabtools.wire import CreatedReply, Envelope, StandingReply
from blocks.errors import CatalogError, JobFailed, VendorError
from blocks.exchange import Call, patiently, reply_as
from blocks.operation import Accepted, Finished, Inputs, Operation, Options, Picture, Running, Slot
from blocks.pictures import FORMATS, PictureLimits

__all__ = ["TryOnRefiner", "TryOnRefinerOptions"]

REFINER = "/api/portrait/enhance/try-on-clothes-refiner"
TASK_RESULT = "/api/common/query-async-task-result"


class TryOnRefinerOptions(Options):
    """The refiner has no options: its pictures and the gender say it all."""


class TryOnRefiner(Operation[AILabToolsCredentials, TryOnRefinerOptions]):
    """Sharpen the coarse try-on that the previous stage made, with the same person and garments."""

    name = "ailabtools.try_on_refiner"
    version = 1
    account_type = AILabToolsCredentials
    options_type = TryOnRefinerOptions
    requires = frozenset({Slot.PERSON, Slot.TOP, Slot.PICTURE, Slot.GENDER})
    accepts = frozenset({Slot.BOTTOM})
    # "Larger than 150x150px, smaller than 4096x4096px", at most 5 MB; below 5 KB tasks fail, though no page says so.
    limits = PictureLimits(
        formats=frozenset({"JPEG", "PNG", "BMP"}), max_bytes=5_000_000, min_bytes=5 * 1024, min_side=151, max_side=4095
    )
    # The interval that the vendor's page recommends.
    poll_seconds = 5.0
    follows_a_result = True

    def credits(self, options: TryOnRefinerOptions, account: AILabToolsCredentials) -> float:  # noqa: ARG002 - there are none
        """The price of its one picture."""
        return account.prices.try_on_refiner_picture

    async def prepare(
        self,
        account: AILabToolsCredentials,  # noqa: ARG002 - the files go along in the call, so nothing is uploaded first
        inputs: Inputs,
        options: TryOnRefinerOptions,  # noqa: ARG002 - there are none
    ) -> Call:
        """Build the multipart call; each part's file name and type match its bytes."""
        pictures = {
            "person_image": inputs.person_image,
            "top_garment": inputs.top_garment,
            "coarse_image": inputs.picture,
            "bottom_garment": inputs.bottom_garment,
        }
        absent = [name for name, picture in pictures.items() if picture is None and name != "bottom_garment"]
        if absent or inputs.gender is None:
            missing = ", ".join([*absent, *(["gender"] if inputs.gender is None else [])])
            raise CatalogError(f"{self.name} needs {missing}, which the row lacks", next_step="Complete the row.")
        return Call(
            "POST",
            REFINER,
            data={"task_type": "async", "gender": inputs.gender},
            files={name: _part(name, picture) for name, picture in pictures.items() if picture is not None},
        )

    async def submit(self, account: AILabToolsCredentials, call: Call) -> Accepted:
        """Start the task; a success that can't be read is a task without an id, so its outcome is unknown."""
        response = await exchange.call(account, call, paid=True)
        reply = reply_as(CreatedReply, response, account, paid=True)
        return Accepted(job_id=reply.job_id, request_id=Envelope.read(response).id)

    async def poll(self, account: AILabToolsCredentials, job_id: str) -> Running | Finished:
        """Ask once how the task stands."""
        try:
            response = await patiently(account, Call("GET", TASK_RESULT, params={"task_id": job_id}))
            return _standing(reply_as(StandingReply, response, account), Envelope.read(response), job_id)
        except PerhapsFailed as error:
            # It has been asked a few times by now, and stays by its word.
            raise _failed("failed the task", error.words, error.request_id, job_id) from error
        except VendorError as error:
            error.job_id = job_id
            raise


def _part(name: str, picture: Picture) -> tuple[str, bytes, str]:
    extension = next(extension for mime, extension in FORMATS.values() if mime == picture.mime)
    return f"{name}.{extension}", picture.data, picture.mime


def _standing(task: StandingReply, said: Envelope, job_id: str) -> Running | Finished:
    match task.status:
        case 2 if task.pictures:
            return Finished(task.pictures)
        case 2:
            raise _failed("reported success, but no picture", said.words(), said.id, job_id)
        case 3:
            # No page documents a status for failure; the vendor's SDK takes 3 for one.
            raise _failed("failed the task", said.words(), said.id, job_id)
        case _:
            # 0 is queued and 1 processing; whatever is not an end is waited for until the job's deadline.
            return Running(str(task.status))


def _failed(cause: str, words: str | None, request_id: str | None, job_id: str) -> JobFailed:
    return JobFailed(
        f"AILabTools {cause}", vendor="AILabTools", request_id=request_id, job_id=job_id, words=words, next_step=LOOK
    )
