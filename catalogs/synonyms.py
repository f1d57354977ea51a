"""What teams call the columns that we need, in their languages; `catwalk inspect` guesses from it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from blocks.operation import Gender
from catalogs.mapping import as_gender

__all__ = ["HANDLES", "NAMES", "STATUSES", "gender_of", "likeness", "one_word"]

# Likeliest first: English, German, French, Spanish, Italian, Dutch, Portuguese, Polish, Swedish.
_NAMES = {
    "sku": "sku, product id, article number, item number, style code, variant sku, article id, item id, style id, "
    "product code, product number, product ref, style number, article, id, reference, ref, mpn, artikelnummer, "
    "artikel nr, art nr, artnr, artikel id, artikelnr, produktnummer, produkt id, bestellnummer, référence, "
    "référence produit, code article, code produit, referencia, código, código artículo, codice, codice articolo, "
    "riferimento, artikelcode, referência, código produto, indeks, kod produktu, artikelnummer, ean, gtin, barcode",
    "top_garment": "top garment, packshot, garment, garment image, flat lay, flatlay, ghost mannequin, top image, "
    "freisteller",
    "bottom_garment": "bottom garment, bottom image",
    "person_image": "person image, model image, model photo, on model image, modelbild, photo mannequin, foto modelo",
    "product_image": "product image, image link, image src, main image, primary image, image url, front image, "
    "product picture, product photo, image 1, image1, img 1, picture 1, image, img, picture, photo, bild, bild url, "
    "bild 1, hauptbild, produktbild, bildlink, foto, foto url, foto 1, afbeelding, productafbeelding, image principale, "
    "photo produit, url image, lien image, imagen, imagen principal, url imagen, immagine, immagine principale, "
    "imagem, zdjęcie, huvudbild, produktbild",
    "gender": "gender, sex, department, target gender, audience, geschlecht, zielgruppe, genre, sexe, género, sexo, "
    "genere, sesso, geslacht, doelgroep, gênero, płeć, kön",
    "title": "title, product title, product name, name, item name, display name, article name, titel, produktname, "
    "bezeichnung, artikelbezeichnung, produktbezeichnung, artikelname, nom, nom produit, titre, désignation, nombre, "
    "título, nombre producto, titolo, nome, nome prodotto, naam, productnaam, nazwa, namn, produktnamn",
    "category": "category, product category, product type, google product category, garment type, type, kategorie, "
    "warengruppe, produktgruppe, produkttyp, catégorie, rayon, famille, categoría, familia, categoria, tipo, "
    "categorie, soort, kategoria, kategori",
    "color": "color, colour, color name, colour name, farbe, farbname, couleur, coloris, colore, kleur, cor, kolor, färg",
    "priority": "priority, prio, priorität, priorité, prioridad, priorità, prioriteit",
    "image_version": "image version, image updated at, picture version, photo version, image modified, image hash",
}
HANDLES = (
    "handle, item group id, parent sku, parent id, group id, style, style id, style code, model id, product id, "
    "product group, parent, modell, modellnummer, stylenummer, modèle, modelo, modello"
)
STATUSES = (
    "status, published, availability, active, enabled, state, verfügbarkeit, disponibilité, disponibilidad, aktiv"
)

_GENDERS: dict[Gender, str] = {
    "woman": "damen dame frau frauen weiblich femme femmes féminin dame dames vrouw vrouwen mujer mujeres femenino "
    "señora donna donne femminile mulher feminino kobieta damska damskie dam kvinna woman's",
    "man": "herren herr mann männer männlich homme hommes masculin heren man mannen hombre hombres masculino caballero "
    "uomo uomini maschile homem mężczyzna męska męskie herr",
}


def one_word(name: str) -> str:
    """A name without accents, case and separators: 'Référence produit' and 'reference_produit' are the same."""
    plain = unicodedata.normalize("NFKD", name.replace("ł", "l").replace("Ł", "l"))
    return re.sub(r"[\W_]+", "", plain.encode("ascii", "ignore").decode().casefold())


def _listed(words: str) -> list[str]:
    return list(dict.fromkeys(one_word(word) for word in words.split(",")))


NAMES = {ours: [one_word(ours), *_listed(words)] for ours, words in _NAMES.items()}
_FOREIGN: dict[str, Gender] = {one_word(word): gender for gender, words in _GENDERS.items() for word in words.split()}


def likeness(name: str, words: Iterable[str] | str) -> float | None:
    """How far down the list a column's name is found: less is likelier, None is not at all; its last part counts too."""
    known = _listed(words) if isinstance(words, str) else list(words)
    # 'g:id', 'Google Shopping / Gender' and 'Title (2)' are known by their part.
    whole, parts = one_word(name), [one_word(part) for part in re.split(r"[:/.|>(]", name)]
    if whole in known:
        return known.index(whole)
    found = [known.index(part) for part in parts if part in known]
    return min(found) + len(known) if found else None


def gender_of(word: str) -> Gender | None:
    """The gender that a word in any of these languages stands for."""
    return as_gender(word) or _FOREIGN.get(one_word(word))
