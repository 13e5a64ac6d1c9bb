"""Models that beffroi refuses to load, because what they tell is about who somebody is.

A label or output that names a face, plate, sex, age, skin, clothing, gait, emotion, or a vector that
recognises a person again is refused, in English and French. The words follow the personal attributes of
ONVIF's schema (human face, human body, licence plate). This guards against models loaded by mistake and
by habit, not against somebody who renames the labels.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from beffroi.errors import ModelError

# Labels of common object sets whose words are on the list, but which name things.
THINGS = frozenset({"hair drier", "hair dryer", "hair brush"})

# Single words, in their singular, without accents.
_WORDS = """
face facial visage landmark iris fingerprint empreinte
plate plaque immatriculation numberplate licenceplate licenseplate anpr lpr alpr
sex sexe gender genre male female masculin feminin man woman boy girl homme femme garcon fille men women
age adult adulte child children enfant baby bebe toddler teenager adolescent senior elderly infant
skin peau race racial ethnicity ethnic ethnie ethnique complexion nationality nationalite religion
clothing clothe clothes cloth vetement shirt trouser pants pantalon skirt jupe dress robe coat manteau jacket
veste hijab veil voile turban kippa hat chapeau glasses lunette
beard barbe moustache mustache hair cheveu hairstyle bald chauve tattoo tatouage
gait demarche emotion emotional mood humeur anger colere happy happiness sadness tristesse
smile sourire surprise fear peur disgust degout sentiment
identity identite biometric biometrique biometrie reidentification reid watchlist
embedding embeddings plongement
"""
_REFUSED = frozenset(_WORDS.split())
_PAIRS = frozenset(
    {
        ("re", "id"),
        ("re", "identification"),
        ("feature", "vector"),
        ("appearance", "vector"),
        ("vecteur", "apparence"),
        ("head", "pose"),
        ("body", "shape"),
        ("number", "plate"),
        ("person", "id"),
        ("face", "id"),
    }
)
# Long enough not to be part of another word: found also where words are written together (humanface, faceid).
_INSIDE = (
    "humanface",
    "faceid",
    "facerec",
    "facedet",
    "facemask",
    "platenumber",
    "licenseplate",
    "licenceplate",
    "numberplate",
    "platerec",
    "platedet",
    "immatricul",
    "gender",
    "ethnic",
    "emotion",
    "biometr",
    "embedding",
    "reident",
    "personreid",
    "agegroup",
    "clothing",
    "vetement",
    "visage",
)


def refuse_personal(names: Iterable[str], where: str) -> None:
    """Pass, if none of `names` (labels, outputs, metadata) is about who somebody is.

    Raises
    ------
    ModelError
        With the name and the word that is refused.
    """
    for name in names:
        word = personal_word(name)
        if word is not None:
            raise ModelError(
                f"{where}: refused, because {name!r} names {word!r}: beffroi loads no model that tells who "
                "somebody is (face, plate, sex, age, skin, clothing, gait, emotion, recognition)"
            )


def personal_word(name: str) -> str | None:
    """The word in `name` for which a model is refused, or None."""
    words = _words(name)
    if " ".join(words) in THINGS:
        return None
    for word in words:
        if word in _REFUSED or _singular(word) in _REFUSED:
            return word
    for pair in pairwise(words):
        if pair in _PAIRS or (pair[0], _singular(pair[1])) in _PAIRS:
            return " ".join(pair)
    together = "".join(words)
    return next((part for part in _INSIDE if part in together), None)


def _words(name: str) -> list[str]:
    """Words in lower case without accents, split at everything that is no letter and inside camelCase."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return re.findall(r"[a-z]+", parted.lower())


def _singular(word: str) -> str:
    for ending in ("s", "x", "es"):
        if len(word) > len(ending) + 2 and word.endswith(ending):
            stem = word.removesuffix(ending)
            if stem in _REFUSED:
                return stem
    return word
