"""Texts without what two writers of one name do differently: case, accents, punctuation."""

import re
import unicodedata

APOSTROPHE = re.compile("['`\u00b4\u2018\u2019\u02bc]")
# In other scripts the marks are vowels, tones, or make another letter: 'は', 'ば' and 'ぱ'.
ACCENTED = ("LATIN", "GREEK", "CYRILLIC")
UNDECOMPOSED = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"}
)


def plain(text: str) -> str:
    """Without case, and without accents in the scripts that have them."""
    decomposed = unicodedata.normalize("NFKD", APOSTROPHE.sub("", text)).casefold()
    if decomposed.isascii():
        return decomposed
    letters, is_accented = [], False
    for letter in decomposed:
        if not unicodedata.combining(letter):
            is_accented = unicodedata.name(letter, "").startswith(ACCENTED)
        elif is_accented:
            continue
        letters.append(letter)
    return "".join(letters).translate(UNDECOMPOSED)


def words(text: str) -> str:
    """The letters, with their marks, and digits; where there are none ('!!!'), what there is."""
    found, in_word = "", False
    for letter in text.replace("&", " and "):
        kind = unicodedata.category(letter)[0]
        in_word = kind in "LN" or in_word and kind == "M"
        found += letter if in_word else " "
    return " ".join(found.split()) or text.strip()
