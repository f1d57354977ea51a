"""Where units' pictures are, in JSON as plans, manifests and unit keys have them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring  # a text as `json.dumps(…, ensure_ascii=False)` has it
from typing import NamedTuple, Self

from blocks.errors import CatalogError, RecipeError
from catalogs.addresses import bare
from catalogs.outfit import Wanting
from catalogs.sources import PictureSources
from catalogs.template import Blank
from catalogs.unit_key import source_identity, unsigned

__all__ = ["Addresses", "Fault", "Places", "References"]

# What a cell refers to: a picture, several, or none.
References = str | tuple[str, ...] | None

_ACCOUNT = re.compile(r"//[^/@]*@")


class Places(NamedTuple):
    """
    The pictures that rows have for one slot, a text for each row and an empty one where it has none.

    `inputs` are the addresses after the slot's name as JSON, `unsigned_inputs` the same without what signs an address,
    `identities` what a unit key has of them, `versions` those seen behind the addresses.
    """

    inputs: Sequence[str]
    unsigned_inputs: Sequence[str]
    identities: Sequence[str]
    versions: Sequence[str]


class Fault(NamedTuple):
    """
    Why a row can't run: an error's words, and the column and value that it names.

    The error itself would keep the stack that it came through, with all rows in hand, until the next garbage collection.
    """

    words: str
    column: str = ""
    value: str = ""

    @classmethod
    def of(cls, error: CatalogError | RecipeError) -> Self:
        """What an error says."""
        return cls(str(error), *error.place) if isinstance(error, Wanting | Blank) else cls(str(error))


# One row of `Places`.
Place = tuple[str, str, str, str]
NOWHERE: Place = ("", "", "", "")


class Addresses:
    """
    Turns a catalog's references into addresses.

    `versions` are those of pictures that changed behind their addresses (unsigned).
    """

    def __init__(self, sources: PictureSources, versions: Mapping[str, str]) -> None:
        self._sources = sources
        self._versions = versions

    def places(
        self, slot: str, column: str, references: Sequence[References], versions: Sequence[str | None]
    ) -> tuple[Places, dict[int, Fault]]:
        """
        Find the pictures of a slot row by row; `versions` are the rows' own.

        Also gives what is wrong with a row's references, by its place; it names the `column`.
        """
        pairs = list(zip(references, versions, strict=True))
        known: dict[tuple[References, str | None], Place] = {}
        wanting: dict[tuple[References, str | None], Fault] = {}
        # A catalog's models and outfits come again and again.
        for pair in dict.fromkeys(pairs):
            try:
                known[pair] = self._place(slot, column, *pair)
            except Wanting as error:
                known[pair], wanting[pair] = NOWHERE, Fault.of(error)
        faults = {place: wanting[pair] for place, pair in enumerate(pairs) if pair in wanting} if wanting else {}
        return Places(*zip(*map(known.__getitem__, pairs), strict=True)), faults

    def _place(self, slot: str, column: str, references: References, version: str | None) -> Place:
        """One cell's pictures as `Places` has them."""
        if not references:
            return NOWHERE
        if isinstance(references, str):
            shown, plain, identities, versions = self._picture(column, references, version)
        else:
            found = Places(*zip(*[self._picture(column, each, version) for each in references], strict=True))
            shown, plain = ", ".join(found.inputs), ", ".join(found.unsigned_inputs)
            identities, versions = ",".join(found.identities), " ".join(filter(None, found.versions))
        return f'"{slot}": [{shown}]', f'"{slot}": [{plain}]', f'"{slot}":[{identities}]', versions

    def _picture(self, column: str, reference: str, version: str | None) -> Place:
        uri = self._resolved(column, reference)
        plain = unsigned(uri)
        shown = encode_basestring(uri)
        plain_shown = shown if plain is uri else encode_basestring(plain)
        if self._versions and (seen := self._versions.get(plain)):
            return shown, plain_shown, encode_basestring(source_identity(plain, f"{version or ''} {seen}")), seen
        identity = encode_basestring(source_identity(plain, version)) if version else plain_shown
        return shown, plain_shown, identity, ""

    def _resolved(self, column: str, reference: str) -> str:
        try:
            # In JSON an address may hold half a character, which no UTF-8 can.
            reference.encode()
            return self._sources.resolve(reference)
        except UnicodeEncodeError as error:
            raise Wanting(
                f"picture {reference!r} is no text",
                place=(column, _without_secrets(reference)),
                next_step="Correct its address.",
            ) from error
        except CatalogError as error:
            raise Wanting(error.what, place=(column, _without_secrets(reference)), next_step=error.next_step) from error


def _without_secrets(reference: str) -> str:
    """A reference as manifests may show it: without a password, and without a web address's signature."""
    return _ACCOUNT.sub("//…@", bare(reference))
