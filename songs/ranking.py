"""Which of all that names a file's key counts: the first source of these that knows the file.

1. A label file, labels.tsv or labels.csv, in the music's folder (see labels.py). It has the last
   word on the files it lists; an empty key there says that a file has none.
2. The collections of DJ programs (see djtables.py).
3. The nearest parent folder that spells a key: `Ab-maj`, `C minor`.
4. The file's own tags (see tags.py).
5. Rows of those tables for a file of the same name in other folders: it may be another song, so
   that such a label is doubtful.
6. The nearest parent folder whose name could be short for a key: `1A`, `10B`, `a-m`. That may be a
   side of a record or a shelf as well, so that such a label is doubtful, too.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import NamedTuple

from songkey.errors import AudioKeyError
from songkey.keynames import AmbiguousKeyError, key_or_none, names_no_key, parse_label
from songkey.keys import Key, KeyParseError, parse_key
from songs.rows import Row

SPELLED_OUT = re.compile("maj|min", re.IGNORECASE)  # is in every name of a key that is no code

FOLDER, TAG = "folder name", "tag"


class UnusableError(AudioKeyError):
    """Why a file gives no song: a phrase that can be counted, details after ": "."""


class Said(NamedTuple):
    """What a file's key is called, by whom, and what speaks against it, "" if nothing does.

    Where several tables say it, `sources` has that of each text; `rows` are theirs.
    """

    texts: Sequence[str]
    source: str
    doubt: str = ""
    sources: Sequence[str] = ()
    rows: Sequence[Row] = ()


def said(
    song_id: str, rows: Sequence[Row], tags: Callable[[], list[str]], compared: bool = True
) -> Said:
    """What counts of all that names a file's key; raises UnusableError where nothing does.

    `tags` reads those of the file. Beside a folder's name they are read only to be `compared`.
    """
    if sure := [row for row in rows if not row.elsewhere]:
        return _by_rows(sure)
    folders = [name for name in reversed(song_id.split("/")[:-1]) if _is_key(name)]
    spelled = [name for name in folders if SPELLED_OUT.search(name)]
    if spelled:
        against = _against(spelled[0], tags) if compared else ""
        return Said(spelled[:1], FOLDER, against or _elsewhere_against(FOLDER, spelled[:1], rows))
    if texts := tags():
        return Said(texts, TAG, _elsewhere_against(TAG, texts, rows))
    if rows:
        return _by_rows(rows)
    if folders:
        return Said(folders[:1], "short folder name", f"short folder name: {folders[0]}")
    raise UnusableError("no label")


def _by_rows(rows: Sequence[Row]) -> Said:
    doubts = [row.doubt for row in rows if row.doubt]
    sources = [row.source for row in rows]
    several = sources if len(set(sources)) > 1 else ()
    return Said([row.key for row in rows], sources[0], "".join(doubts[:1]), several, rows)


def one_key(
    texts: Sequence[str], parse: Callable[[str], Key] = parse_label, sources: Sequence[str] = ()
) -> Key:
    """The one key that all the texts name; UnusableError if there is none or several."""
    keys: dict[Key | None, str] = {}
    for text, source in zip_longest(texts, sources):
        try:
            key = None if names_no_key(text) else parse(text)
            keys[key] = f"{text!r} in {source}" if source else repr(text)
        except AmbiguousKeyError as error:
            raise UnusableError(str(error)) from error
        except KeyParseError as error:
            raise UnusableError(f"label does not parse: {text}") from error
    if len(keys) > 1:
        raise UnusableError(f"conflicting labels: {', '.join(keys.values())}")
    key = next(iter(keys))
    if key is None:
        raise UnusableError("no key")
    return key


def _is_key(name: str) -> bool:
    with suppress(KeyParseError):
        return bool(parse_key(name))
    return False


def _against(folder: str, tags: Callable[[], list[str]]) -> str:
    """What the tags say against a folder's name; "" where they agree or say nothing certain."""
    with suppress(AudioKeyError):  # also where they cannot be read
        texts = tags()
        if texts and (key := one_key(texts)) != parse_key(folder):
            return f"folder name against tag: {folder}, {key}"
    return ""


def _elsewhere_against(source: str, texts: Sequence[str], rows: Sequence[Row]) -> str:
    """What rows for other folders say against what counts; "" where they say nothing certain."""
    with suppress(UnusableError):
        key = one_key(texts)
        for row in rows:
            if key_or_none(row.key) not in (None, key):
                return f"{source} against row for another folder: {key}, {row.key} for {row.path}"
    return ""
