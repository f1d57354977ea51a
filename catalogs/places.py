"""Where a unit's pictures are, in JSON as plans, manifests and unit keys have them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring  # a text as `json.dumps(…, ensure_ascii=False)` has it
from typing import NamedTuple

from blocks.errors import CatalogError
from catalogs.addresses import bare
from catalogs.outfit import Wanting
from catalogs.sources import PictureSources
from catalogs.unit_key import source_identity, unsigned

__all__ = ["Addresses", "Places"]

# A catalog's models and outfits come again and again; its garments do not.
ADDRESSES_KEPT = 20_000

_ACCOUNT = re.compile(r"//[^/@]*@")


class Places(NamedTuple):
    """
    One unit's pictures: their addresses by slot as JSON, and by slot what a unit key has of them.

    `unsigned_inputs` leaves out what signs an address. `version` is what the keys have beyond the addresses.
    """

    inputs: str
    unsigned_inputs: str
    identities: dict[str, str]
    version: str | None


NOWHERE = Places("{}", "{}", {}, None)


class _Address(NamedTuple):
    """A picture's address in JSON, as it is and without what signs it, and the latter as text."""

    quoted: str
    quoted_unsigned: str
    unsigned: str


class Addresses:
    """
    Turns a catalog's references into addresses; those met lately are not resolved again.

    `versions` are those of pictures that changed behind their addresses (unsigned).
    """

    def __init__(self, sources: PictureSources, versions: Mapping[str, str]) -> None:
        self._sources = sources
        self._versions = versions
        self._known: dict[str, _Address] = {}

    def places(self, references: Mapping[str, Sequence[str]], version: str | None, picture_column: str) -> Places:
        """
        Find a row's pictures; `version` is the row's own.

        Raises `Wanting` naming the column, which is `picture_column` for the picture to work on.
        """
        if not references:
            return NOWHERE
        shown: list[str] = []
        plain: list[str] = []
        identities: dict[str, str] = {}
        versions = [version] if version else []
        for slot, wanted in references.items():
            column = picture_column if slot == "picture" else slot
            found = [self._known.get(each) or self._resolve(column, each) for each in wanted]
            if len(found) == 1 and not versions and not self._versions:
                (quoted, quoted_unsigned, _) = found[0]
                shown.append(f'"{slot}": [{quoted}]')
                plain.append(f'"{slot}": [{quoted_unsigned}]')
                identities[slot] = f'"{slot}":[{quoted_unsigned}]'
                continue
            versions += [self._versions[each.unsigned] for each in found if each.unsigned in self._versions]
            shown.append(f'"{slot}": [{", ".join([each.quoted for each in found])}]')
            plain.append(f'"{slot}": [{", ".join([each.quoted_unsigned for each in found])}]')
            identities[slot] = f'"{slot}":[{",".join([self._identity(each, version) for each in found])}]'
        return Places(f"{{{', '.join(shown)}}}", f"{{{', '.join(plain)}}}", identities, " ".join(versions) or None)

    def _identity(self, address: _Address, version: str | None) -> str:
        if self._versions and (seen := self._versions.get(address.unsigned)):
            version = f"{version or ''} {seen}"
        return encode_basestring(source_identity(address.unsigned, version)) if version else address.quoted_unsigned

    def _resolve(self, column: str, reference: str) -> _Address:
        if len(self._known) >= ADDRESSES_KEPT:
            self._known.clear()
        uri = self._resolved(column, reference)
        plain = unsigned(uri)
        quoted = encode_basestring(uri)
        address = _Address(quoted, quoted if plain is uri else encode_basestring(plain), plain)
        self._known[reference] = address
        return address

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
