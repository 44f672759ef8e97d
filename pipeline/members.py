"""Which members of a sample that others made hold its sound or picture, its key and its song."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.tarwalk import Member, Sample
from songkey.errors import AudioKeyError, one_line, printable
from songkey.keynames import AmbiguousKeyError, names_no_key, parse_label
from songkey.keys import KEYS, Key, KeyParseError

MOST_LABEL_BYTES = 1_000_000  # of a member that says the key


class UnusableSample(AudioKeyError):
    """Why a sample cannot be used: a phrase that can be counted, details after ": "."""


@dataclass(frozen=True)
class Members:
    """What [foreign] says: endings of members, and where in them key and song are written.

    An ending is all that follows the first dot of a member's name, or its last part. A place is
    "json:FIELD" (or "json:FIELD.FIELD"), or an ending alone for a member that holds nothing else.
    """

    media: Sequence[str]
    key: Sequence[str]
    song: str

    def media_of(self, sample: Sample) -> tuple[bytes, int]:
        """The first of the media that the sample has, and where in the tar it lies."""
        for ending in self.media:
            if member := _member(sample, ending):
                if member.data is None:
                    raise UnusableSample(
                        f"too large, or stored in pieces: {ending} of {member.size} bytes"
                    )
                return member.data, member.offset
        raise UnusableSample(f"no sound or picture: none of {', '.join(self.media)} is in it")

    def key_of(self, sample: Sample) -> tuple[Key, str]:
        """The key that the first place that is there names, and that place."""
        for place in self.key:
            if (value := _value(sample, place)) is not None:
                return _key(value), place
        raise UnusableSample(f"no key: none of {', '.join(self.key)} is in it")

    def song_of(self, sample: Sample) -> str:
        """The name of the song that the sample is a part of, "" where it says none."""
        value = _value(sample, self.song)
        return _text(value) if isinstance(value, str | int) else ""


def members_of(
    format: str, audio: Sequence[str], png: Sequence[str], key: Sequence[str], song: str
) -> Members:
    """What [foreign] says of samples whose media are 'audio' or 'png'."""
    return Members(tuple(audio if format == "audio" else png), tuple(key), song)


def name_of(sample: Sample) -> str:
    """The name that its members share, folders included."""
    return _text(sample["__key__"].removeprefix("./"))


def _member(sample: Sample, ending: str) -> Member | None:
    found: Member | None = sample.get(ending)
    longer = (member for name, member in sample.items() if name.endswith(f".{ending}"))
    return found or next(longer, None)


def _value(sample: Sample, place: str) -> Any:
    """What is written there; None where there is no such member or field."""
    ending, _, fields = place.partition(":")
    member = _member(sample, ending)
    if member is None:
        return None
    if member.data is None or member.size > MOST_LABEL_BYTES:
        raise UnusableSample(f"too much text: {ending} of {member.size} bytes")
    if not fields:
        return member.data.decode("utf-8", "replace")
    try:
        value = json.loads(member.data)
    except (ValueError, RecursionError) as error:
        raise UnusableSample(f"damaged JSON: {error}") from error
    for field in fields.split("."):
        value = value.get(field) if isinstance(value, dict) else None
    return value


def _key(value: Any) -> Key:
    """Of a number 0 to 23, as this project counts them, or a name."""
    text = str(value).strip()
    if re.fullmatch("0*[0-9]{1,2}", text, re.ASCII) and int(text) < len(KEYS):
        return KEYS[int(text)]
    if names_no_key(text):
        raise UnusableSample("no key")
    try:
        return parse_label(text)
    except AmbiguousKeyError as error:
        raise UnusableSample(_text(error)) from None
    except KeyParseError:
        raise UnusableSample(f"not one of the 24 keys: {_text(text[:60])!r}") from None


def _text(value: object) -> str:
    return one_line(printable(value))
