"""What goes into a paid call: by address where the vendor can fetch it, by its bytes where it can't or they changed."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from pydantic import SecretStr

from blocks.claid import ClaidCredentials
from blocks.errors import StorageError
from blocks.pictures import BrokenPicture
from blocks.storage import ObjectStorage
from catalogs.ledger import StoredPicture
from catalogs.plan import Unit
from catalogs.sources import PictureSources
from flows.desk import Desk
from flows.inputs import load_inputs
from flows.lane import Lane
from flows.progress import RunProgress
from tests.catalogs.made import a_unit
from tests.flows.bench import drawn
from tests.flows.recorder import picture_host
from tests.s3_servers import S3Server

pytestmark = pytest.mark.usefixtures("closed_client")

HERE = "http://127.0.0.1:9"
PUBLIC = "https://8.8.8.8"


def desk_at(storage: ObjectStorage, vendor: str = HERE) -> Desk:
    """A desk whose only vendor is Claid, at this address; nobody is called."""
    lane = Lane(ClaidCredentials(api_key=SecretStr("key"), base_url=vendor))
    sources = PictureSources("/", storage=storage)
    return Desk(storage, sources, {"Claid": lane}, RunProgress(0), run_id="run-1")


@pytest.fixture
def folder(tmp_path: Path) -> ObjectStorage:
    """An output on the local disk."""
    return ObjectStorage.from_uri(str(tmp_path / "output"))


def edit(*uris: str) -> Unit:
    """An edit of a catalog's picture, or of an upstream one without any."""
    return a_unit(operation="claid.edit", inputs={"picture": list(uris)} if uris else {}, options="{}")


async def stored(storage: ObjectStorage, data: bytes, name: str = "pictures/A/model-1.png") -> StoredPicture:
    """A picture that an earlier stage has put into storage."""
    await storage.write(name, data, content_type="image/png")
    return StoredPicture(uri=storage.uri(name), sha256="", width=1, height=1, bytes=len(data), mime="image/png")


async def test_a_file_goes_by_its_bytes(folder: ObjectStorage, tmp_path: Path) -> None:
    """No vendor reads this machine's disk."""
    data = drawn(tmp_path / "garment 1.png").read_bytes()

    inputs = await load_inputs(desk_at(folder), edit(f"file://{tmp_path}/garment%201.png"), None)

    assert inputs.picture is not None
    assert (data, None, "garment 1.png") == (inputs.picture.data, inputs.picture.url, inputs.picture.name)


@pytest.mark.parametrize(("vendor", "by_url"), [(HERE, True), (PUBLIC, False)])
async def test_a_web_address_is_passed_on_to_who_can_reach_it(
    folder: ObjectStorage, tmp_path: Path, vendor: str, by_url: bool
) -> None:
    """The sandbox fetches from this machine; a vendor on the internet gets the bytes, and no private address."""
    data = drawn(tmp_path / "garment.png").read_bytes()
    with picture_host({"/garment.png": (200, data)}) as host:
        uri = f"{host.url}/garment.png?v=1"

        inputs = await load_inputs(desk_at(folder, vendor), edit(uri), None)

    assert inputs.picture is not None
    assert (data, uri if by_url else None) == (inputs.picture.data, inputs.picture.url)


async def test_a_result_in_a_bucket_is_passed_on_by_a_signed_link(moto: S3Server) -> None:
    """The link serves exactly the bytes, and only for some hours."""
    storage = moto.storage()
    upstream = await stored(storage, _png())

    inputs = await load_inputs(desk_at(storage), edit(), upstream)
    hidden = await load_inputs(desk_at(storage, PUBLIC), edit(), upstream)
    await storage.close()

    assert inputs.picture is not None
    assert hidden.picture is not None
    assert "X-Amz-Signature" in (inputs.picture.url or "")
    assert "X-Amz-Expires=21600" in (inputs.picture.url or "")
    assert (_png(), None) == (hidden.picture.data, hidden.picture.url)


async def test_a_picture_that_had_to_be_changed_goes_by_its_bytes(folder: ObjectStorage, tmp_path: Path) -> None:
    """Its address serves what the vendor would refuse."""
    buffer = BytesIO()
    Image.open(drawn(tmp_path / "garment.png")).convert("CMYK").save(buffer, "JPEG")
    with picture_host({"/garment.jpg": (200, buffer.getvalue())}) as host:
        inputs = await load_inputs(desk_at(folder), edit(f"{host.url}/garment.jpg"), None)

    assert inputs.picture is not None
    assert inputs.picture.url is None
    assert "RGB" == Image.open(BytesIO(inputs.picture.data)).mode


async def test_a_picture_at_hand_is_not_fetched_again(folder: ObjectStorage, tmp_path: Path) -> None:
    """One model's photo goes with all garments of the night."""
    data = drawn(tmp_path / "model.png").read_bytes()
    with picture_host({"/model.png": (200, data)}) as host:
        at = desk_at(folder)
        for _ in range(3):
            await load_inputs(at, edit(f"{host.url}/model.png"), None)

        assert 1 == len(host.requests)


async def test_garments_keep_their_order_and_slots_their_pictures(folder: ObjectStorage, tmp_path: Path) -> None:
    """However long each takes to fetch."""
    for name in ("top", "scarf", "belt", "ada"):
        drawn(tmp_path / f"{name}.png")
    addresses = {name: f"file://{tmp_path}/{name}.png" for name in ("top", "scarf", "belt", "ada")}
    slots = {"garments": [addresses["scarf"], addresses["belt"]], "top_garment": [addresses["top"]]}
    unit = a_unit(inputs=slots | {"person_image": [addresses["ada"]]}, gender="man")

    inputs = await load_inputs(desk_at(folder), unit, None)

    assert ["top.png", "scarf.png", "belt.png"] == [picture.name for picture in inputs.clothing()]
    assert inputs.person_image is not None
    assert ("ada.png", "man") == (inputs.person_image.name, inputs.gender)


async def test_a_rows_own_picture_goes_before_the_last_stages(folder: ObjectStorage, tmp_path: Path) -> None:
    """A stage that names a column of the catalog works on that."""
    own = drawn(tmp_path / "own.png").read_bytes()
    upstream = await stored(folder, _png())

    inputs = await load_inputs(desk_at(folder), edit(f"file://{tmp_path}/own.png"), upstream)

    assert inputs.picture is not None
    assert own == inputs.picture.data


async def test_a_picture_of_another_output_is_refused(folder: ObjectStorage) -> None:
    """A ledger that was copied elsewhere leads to the old place; nothing is guessed."""
    upstream = await stored(folder, _png())

    with pytest.raises(StorageError, match="is not under this output"):
        await load_inputs(desk_at(folder), edit(), upstream.model_copy(update={"uri": "file:///elsewhere/a.png"}))


async def test_what_is_wrong_with_a_signed_picture_is_said_without_its_signature(folder: ObjectStorage) -> None:
    """The message goes into manifests and logs."""
    with picture_host({"/garment.png": (200, b"<html>moved</html>")}) as host:
        uri = f"{host.url}/garment.png?X-Amz-Signature=secret"

        with pytest.raises(BrokenPicture) as raised:
            await load_inputs(desk_at(folder), edit(uri), None)

    assert "/garment.png is a web page" in str(raised.value)
    assert "secret" not in f"{raised.value!r}{raised.value}"


async def test_a_signed_picture_leaves_a_small_copy_for_the_gallery(folder: ObjectStorage, tmp_path: Path) -> None:
    """Once the signature has expired nobody can fetch it for that; one that is not signed is fetched when needed."""
    data = drawn(tmp_path / "garment.png").read_bytes()
    with picture_host({"/garment.png": (200, data), "/plain.png": (200, data)}) as host:
        at = desk_at(folder)
        await load_inputs(at, edit(f"{host.url}/plain.png"), None)
        none_yet = [path async for path in folder.list("thumbnails/")]
        for signature in ("first", "second"):
            unit = edit(f"{host.url}/garment.png?X-Amz-Signature={signature}")
            await load_inputs(at, replace(unit, sku=signature), None)

    assert [] == none_yet
    assert 1 == len([path async for path in folder.list("thumbnails/")])


def _png() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (64, 64), "teal").save(buffer, "PNG")
    return buffer.getvalue()
